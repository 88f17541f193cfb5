"""Waiting and trying again, on the mock cluster."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from confluent_kafka import KafkaError, KafkaException

from airflow_kafka_bq.batch import Position
from airflow_kafka_bq.exceptions import AccessDeniedError, GroupInUseError, IngestError, KafkaUnavailableError
from airflow_kafka_bq.kafka import KafkaSource
from airflow_kafka_bq.testing.kafka import MockCluster, TopicFactory

LIMIT_SECONDS = 1.5

NewSource = Callable[..., KafkaSource]


@pytest.fixture
def source(mock_cluster: MockCluster, mock_topic: TopicFactory) -> Iterator[KafkaSource]:
    found = KafkaSource(
        {"bootstrap.servers": mock_cluster.bootstrap}, mock_topic(2), "g", request_timeout_seconds=LIMIT_SECONDS
    )
    found.describe()
    yield found
    found.close()


def freeze(mock_cluster: MockCluster) -> None:
    mock_cluster.pause()
    time.sleep(0.1)  # a process that is told to stop still answers for a moment


@pytest.mark.parametrize("error", ["NOT_COORDINATOR", "COORDINATOR_NOT_AVAILABLE", "COORDINATOR_LOAD_IN_PROGRESS"])
def test_reading_positions_rides_out_a_coordinator_that_moves(
    mock_cluster: MockCluster, source: KafkaSource, error: str
) -> None:
    source.commit({0: Position(4)}, "m")
    mock_cluster.push_errors("OffsetFetch", [error] * 2)
    assert source.committed()[0].position.next_offset == 4


@pytest.mark.parametrize(
    "error", ["NOT_COORDINATOR", "COORDINATOR_NOT_AVAILABLE", "COORDINATOR_LOAD_IN_PROGRESS", "REQUEST_TIMED_OUT"]
)
def test_committing_rides_out_a_coordinator_that_moves(
    mock_cluster: MockCluster, source: KafkaSource, error: str
) -> None:
    mock_cluster.push_errors("OffsetCommit", [error] * 2)
    source.commit({0: Position(4), 1: Position(5)}, "m")
    assert {number: at.position.next_offset for number, at in source.committed().items()} == {0: 4, 1: 5}


def test_committing_rides_out_lost_connections(mock_cluster: MockCluster, source: KafkaSource) -> None:
    source._requests.timeout_seconds = 10.0
    source.commit({0: Position(1)}, "m")
    mock_cluster.drop_connections("OffsetCommit", 2)
    source.commit({0: Position(4)}, "m")
    assert source.committed()[0].position.next_offset == 4


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ("UNKNOWN_MEMBER_ID", GroupInUseError),
        ("ILLEGAL_GENERATION", GroupInUseError),
        ("GROUP_AUTHORIZATION_FAILED", AccessDeniedError),
        ("TOPIC_AUTHORIZATION_FAILED", AccessDeniedError),
    ],
)
def test_a_refused_commit_is_not_tried_again(
    mock_cluster: MockCluster, source: KafkaSource, error: str, kind: type[IngestError]
) -> None:
    mock_cluster.push_errors("OffsetCommit", [error])
    with pytest.raises(kind, match=error) as raised:
        source.commit({0: Position(4)}, "m")
    assert (raised.value.partition, raised.value.group_id) == (0, "g")
    assert source.committed() == {}


def test_time_runs_out_by_name(mock_cluster: MockCluster, source: KafkaSource) -> None:
    source._requests.timeout_seconds = limit = 0.8
    mock_cluster.broker_down()
    calls: dict[str, Callable[[], object]] = {
        "committing": lambda: source.commit({0: Position(1)}, ""),
        "reading positions": source.committed,
        "reading offsets": source.bounds,
        "looking at topic": source.describe,
    }
    for said, call in calls.items():
        started = time.monotonic()
        with pytest.raises(KafkaUnavailableError, match=said) as raised:
            call()
        assert time.monotonic() - started < limit + 0.7
        assert "Connection refused" in str(raised.value)
        assert mock_cluster.bootstrap in str(raised.value)
        assert (raised.value.group_id, raised.value.topic) == ("g", source._topic)


def test_a_cluster_that_comes_back_in_time_is_waited_for(mock_cluster: MockCluster, source: KafkaSource) -> None:
    mock_cluster.broker_down()
    threading.Timer(0.5, mock_cluster.broker_up).start()
    source.commit({0: Position(3)}, "")
    assert source.committed()[0].position.next_offset == 3


def test_a_frozen_coordinator_costs_the_limit_and_the_client_lives_on(
    mock_cluster: MockCluster, source: KafkaSource
) -> None:
    source.commit({0: Position(1)}, "")
    freeze(mock_cluster)
    with pytest.raises(KafkaUnavailableError, match="committing"):
        source.commit({0: Position(2)}, "")
    mock_cluster.resume()
    source.commit({0: Position(3)}, "")
    assert source.committed()[0].position.next_offset == 3


def test_a_client_that_owes_an_answer_is_dropped(source: KafkaSource, mock_cluster: MockCluster) -> None:
    first = source._clients.admin
    freeze(mock_cluster)
    with pytest.raises(KafkaUnavailableError):
        source.bounds()
    mock_cluster.resume()
    assert source._clients.admin is not first


def test_what_an_attempt_raises_is_sorted(source: KafkaSource) -> None:
    attempts: list[float] = []

    def attempt(remaining: float) -> str:
        attempts.append(remaining)
        if len(attempts) < 3:  # a connection that ends over a message that is too large takes other answers along
            raise KafkaException(KafkaError([KafkaError._TRANSPORT, KafkaError._BAD_MSG][len(attempts) - 1]))
        return "done"

    assert source._requests.retried("testing", attempt, 0.2) == "done"
    assert [round(each, 1) for each in attempts] == [0.2, 0.4, 0.8]
    with pytest.raises(AccessDeniedError, match="testing"):
        source._requests.retried("testing", refusing)


def refusing(remaining: float) -> None:
    assert remaining > 0
    raise KafkaException(KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED))
