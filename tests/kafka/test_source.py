"""What a poll tells, with faults put into the mock cluster."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaError

from airflow_kafka_bq.batch import Polled, Position
from airflow_kafka_bq.exceptions import AccessDeniedError, BadMessagesError, ConfigError, KafkaUnavailableError
from airflow_kafka_bq.kafka import KafkaSource
from airflow_kafka_bq.kafka.shared_admins import SharedAdmins
from airflow_kafka_bq.testing.kafka import MockCluster, NewMessage, TopicFactory, produce
from tests.kafka.unreadable_header import produce_unreadable_header


@pytest.fixture
def source(mock_cluster: MockCluster, mock_topic: TopicFactory) -> Iterator[KafkaSource]:
    topic = mock_topic(2)
    produce(mock_cluster.bootstrap, topic, [NewMessage(str(number), partition=number % 2) for number in range(20)])
    found = KafkaSource({"bootstrap.servers": mock_cluster.bootstrap}, topic, "g", stall_timeout_seconds=0.6)
    yield found
    found.close()


def polled(source: KafkaSource, seconds: float = 5.0, ends: int = 2) -> list[Polled]:
    """Until so many ends, or for that long."""
    found: list[Polled] = []
    deadline = time.monotonic() + seconds
    while sum(len(each.ends) for each in found) < ends and time.monotonic() < deadline:
        found.append(source.poll(1000, 0.1))
    return found


def values(found: list[Polled]) -> list[str]:
    return sorted(str(value, "utf-8") for each in found for value in each.messages.column("value").to_pylist() if value)


ALL = sorted(str(number) for number in range(20))


@pytest.mark.parametrize("error", ["NOT_LEADER_FOR_PARTITION", "KAFKA_STORAGE_ERROR", "_TRANSPORT", "UNKNOWN"])
def test_passing_trouble_of_a_fetch_is_ridden_out(mock_cluster: MockCluster, source: KafkaSource, error: str) -> None:
    mock_cluster.push_errors("Fetch", [error])
    source.open({0: Position(0), 1: Position(0)})
    assert values(polled(source)) == ALL
    assert source.connection_error() is None


def test_a_damaged_answer_is_no_damaged_record(source: KafkaSource) -> None:
    """A message that is too large ends its connection, and the coordinator's answer with it."""
    said = KafkaError(KafkaError._BAD_MSG, "FindCoordinator response error")
    answer: Any = SimpleNamespace(error=lambda: said, topic=lambda: None, partition=lambda: -1, offset=lambda: -1001)
    source._event(answer, {}, {})
    assert "FindCoordinator" in (source.connection_error() or "")


def test_a_damaged_record_ends_the_run(mock_cluster: MockCluster, source: KafkaSource) -> None:
    mock_cluster.push_errors("Fetch", ["INVALID_MSG"])
    source.open({0: Position(3)})
    with pytest.raises(BadMessagesError) as raised:
        polled(source)
    assert (raised.value.partition, raised.value.offset) == (0, 3)


def test_what_came_before_a_refusal_is_handed_over_first(source: KafkaSource) -> None:
    """Where the client refuses a message for its size, the messages before it tell which one that is."""
    source.open({0: Position(0), 1: Position(0)})
    source._clients.troubles.record_fetching(KafkaError(KafkaError._BAD_MSG, "increase receive.message.max.bytes"))
    found: list[Polled] = []

    def read_on() -> None:
        while True:
            found.append(source.poll(3, 1.0))

    with pytest.raises(ConfigError, match=r"receive\.message\.max\.bytes"):
        read_on()
    assert values(found) == ALL


def test_a_topic_that_may_not_be_read_ends_the_run(mock_cluster: MockCluster, source: KafkaSource) -> None:
    mock_cluster.push_errors("Fetch", ["TOPIC_AUTHORIZATION_FAILED"])
    source.open({1: Position(0)})
    with pytest.raises(AccessDeniedError) as raised:
        polled(source)
    assert (raised.value.topic, raised.value.partition, raised.value.group_id) == (source._topic, 1, "g")


def test_retention_that_overtakes_the_reader_is_told_once(mock_cluster: MockCluster, source: KafkaSource) -> None:
    source.open({0: Position(0), 1: Position(0)})
    polled(source)
    mock_cluster.delete_records(source._topic, 0, 10)
    source.open({0: Position(4), 1: Position(0)})
    found = polled(source, 1.0)
    assert [each.out_of_range for each in found if each.out_of_range] == [{0: 4}]
    assert len(values(found)) == 10  # the other partition goes on


def test_trouble_is_told_while_the_cluster_is_down_and_forgotten_after(
    mock_cluster: MockCluster, source: KafkaSource
) -> None:
    source.open({0: Position(0), 1: Position(0)})
    polled(source)
    mock_cluster.broker_down()
    deadline = time.monotonic() + 5
    while source.connection_error() is None and time.monotonic() < deadline:
        assert source.poll(10, 0.1).messages.num_rows == 0
    assert source.connection_error()
    mock_cluster.broker_up()
    produce(mock_cluster.bootstrap, source._topic, [NewMessage("late", partition=0)])
    assert values(polled(source, ends=1)) == ["late"]
    assert source.connection_error() is None


def test_a_position_with_an_epoch_is_compared_with_the_log(mock_cluster: MockCluster, source: KafkaSource) -> None:
    """Which the client does only where it learns of the leader after it was told what to read."""
    source.describe()
    source.open({0: Position(0)})
    polled(source, ends=1)
    for positions, asked in (({0: Position(5, 0)}, True), ({0: Position(5)}, False)):
        source.describe()
        mock_cluster.track_requests()
        source.open(positions)
        assert len(values(polled(source, ends=1))) == 5
        assert ("OFFSET_FOR_LEADER_EPOCH" in mock_cluster.requests()) is asked


def test_a_finished_partition_never_surfaces_again(mock_cluster: MockCluster, mock_topic: TopicFactory) -> None:
    """While hundreds of its messages lie in the client's queue."""
    topic = mock_topic(4)
    produce(mock_cluster.bootstrap, topic, [NewMessage("x", partition=number % 4) for number in range(20_000)])
    source = KafkaSource({"bootstrap.servers": mock_cluster.bootstrap}, topic, "g")
    source.open({number: Position(0) for number in range(4)})
    source.poll(100, 2.0)
    time.sleep(0.3)
    source.finish(0)
    source.finish(0)
    found = [source.poll(1000, 0.1) for _ in range(5)]
    source.open({0: Position(4000), 1: Position(10)})
    offsets: dict[int, list[int]] = {0: [], 1: []}
    for each in (reopened := polled(source)):
        for row in each.messages.select(["partition", "offset"]).to_pylist():
            offsets[row["partition"]].append(row["offset"])
    source.close()
    assert {number for each in found for number in each.messages.column("partition").to_pylist()} <= {1, 2, 3}
    assert offsets == {0: list(range(4000, 5000)), 1: list(range(10, 5000))}
    assert {number for each in reopened for number in each.ends} == {0, 1}


def test_a_long_poll_is_made_of_short_calls(source: KafkaSource, monkeypatch: pytest.MonkeyPatch) -> None:
    """A signal that arrives in a call of the client waits for its end."""
    longest = 0.0
    source.open({})
    consumer = source._clients.consumer

    class Watching:
        def consume(self, count: int, timeout: float) -> list[object]:
            nonlocal longest
            longest = max(longest, timeout)
            return list(consumer.consume(count, timeout))

        def close(self) -> None:
            consumer.close()

    monkeypatch.setattr(source._clients, "_consumer", Watching())
    started = time.monotonic()
    assert source.poll(1000, 0.7).messages.num_rows == 0
    assert 0.6 < time.monotonic() - started < 1.2
    assert 0 < longest <= 0.2


def test_nobody_there_is_told_by_name() -> None:
    source = KafkaSource({"bootstrap.servers": "127.0.0.1:1"}, "t", "g", request_timeout_seconds=0.8)
    with pytest.raises(KafkaUnavailableError, match=r"127\.0\.0\.1:1.*Connection refused"):
        source.describe()
    source.close()


def test_a_cluster_without_times_says_so(source: KafkaSource) -> None:
    with pytest.raises(ConfigError, match="by time"):
        source.offsets_at(datetime(2020, 1, 1, tzinfo=UTC))


def test_times_of_an_empty_topic_are_its_end(mock_cluster: MockCluster, mock_topic: TopicFactory) -> None:
    source = KafkaSource({"bootstrap.servers": mock_cluster.bootstrap}, mock_topic(2), "g")
    assert source.offsets_at(datetime(2020, 1, 1, tzinfo=UTC)) == {0: 0, 1: 0}
    source.close()


def test_what_the_mock_cannot_tell_is_not_waited_for(source: KafkaSource) -> None:
    started = time.monotonic()
    assert source.describe().unchecked == ("topic_id",)
    assert source.group().unchecked == ("group_members",)
    assert source.group().unchecked == ("group_members",)
    assert time.monotonic() - started < 1.0


def test_a_partition_without_leader_is_named(mock_cluster: MockCluster, source: KafkaSource) -> None:
    mock_cluster.set_leader(source._topic, 1, -1)
    source._requests.timeout_seconds = 0.7
    with pytest.raises(KafkaUnavailableError, match=r"partitions \[1\] have no leader"):
        source.describe()


def test_a_header_that_cannot_be_shown_is_named(mock_cluster: MockCluster, source: KafkaSource) -> None:
    produce_unreadable_header(mock_cluster.bootstrap, source._topic)
    source.open({0: Position(8)})
    with pytest.raises(BadMessagesError, match="UTF-8") as raised:
        polled(source)
    assert (raised.value.topic, raised.value.partition, raised.value.offset) == (source._topic, 0, 10)


def test_sources_share_an_admin_client_and_leave_it_to_the_others() -> None:
    admins = SharedAdmins()
    first, second = (KafkaSource({"bootstrap.servers": "127.0.0.1:1"}, one, one, admins=admins) for one in "ab")
    assert first._clients.admin is second._clients.admin
    first.close()
    assert second._clients.admin is not None
    assert admins.built == 1
    second.close()
    alone = KafkaSource({"bootstrap.servers": "127.0.0.1:1"}, "a", "a")
    assert alone._clients.admin is not None
    alone.close()
    assert admins.built == 1
