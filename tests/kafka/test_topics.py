"""What a cluster tells of a topic, and what it means; no cluster is needed for that."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest
from confluent_kafka import KafkaError, KafkaException

from airflow_kafka_bq.batch import TopicFacts
from airflow_kafka_bq.exceptions import AccessDeniedError, KafkaUnavailableError, NotFoundError
from airflow_kafka_bq.kafka import topics
from airflow_kafka_bq.kafka.requests import LONGEST_SECONDS, Requests

NO_ID = "AAAAAAAAAAAAAAAAAAAAAA"


def metadata(*leaders: int, error: int | None = None, controller: int = 1, topic: str = "t") -> Any:
    partitions = {number: SimpleNamespace(leader=leader) for number, leader in reversed([*enumerate(leaders)])}
    found = SimpleNamespace(error=error and KafkaError(error), partitions=partitions)
    return SimpleNamespace(topics={topic: found}, controller_id=controller, brokers={1: "b"}, cluster_id="cluster")


class Cluster:
    """Answers looks at the topic one after the other, and admin requests with one value or error."""

    def __init__(self, *looks: Any, admin: Any = None) -> None:
        self.looks, self.told, self.admin_requests = list(looks), admin, 0
        self.clients = SimpleNamespace(consumer=self)

    def list_topics(self, topic: str, timeout: float) -> Any:
        assert (topic, timeout) == ("t", 0.25)
        return self.looks.pop(0)

    def retried(self, _doing: str, attempt: Callable[[float], Any], slice_seconds: float) -> Any:
        return attempt(slice_seconds)

    def admin(self, _doing: str, send: Callable[[Any], Any]) -> list[Any]:
        self.admin_requests += 1
        if isinstance(self.told, Exception):
            raise self.told
        return list(send(self))

    def describe_topics(self, _topics: Any, *, request_timeout: float) -> Any:
        assert request_timeout == LONGEST_SECONDS
        return {"t": SimpleNamespace(topic_id=self.told)}

    def describe_configs(self, _resources: Any, *, request_timeout: float) -> Any:
        assert request_timeout == LONGEST_SECONDS
        return {"t": {name: SimpleNamespace(value=value) for name, value in self.told.items()}}


def describe(cluster: Cluster) -> TopicFacts:
    return topics.describe(cast(Requests, cluster), "t", "broker:9092", "g")


def retention(told: Any) -> int | None:
    return topics.retention_ms(cast(Requests, Cluster(admin=told)), "t")


def unsupported(code: int) -> KafkaUnavailableError:
    error = KafkaUnavailableError("no")
    error.__cause__ = KafkaException(KafkaError(code))
    return error


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topics, "_SECOND_LOOK_SECONDS", 0.0)


def test_partitions_are_sorted_and_all_is_checked() -> None:
    assert describe(Cluster(metadata(1, 1, 1), admin="an-id")) == TopicFacts("t", (0, 1, 2), "an-id", "cluster", ())


@pytest.mark.parametrize(
    "told", [NO_ID, unsupported(KafkaError._UNSUPPORTED_FEATURE), unsupported(KafkaError.UNSUPPORTED_VERSION)]
)
def test_brokers_too_old_for_ids_leave_it_unchecked(told: Any) -> None:
    assert describe(Cluster(metadata(1), admin=told)) == TopicFacts("t", (0,), None, "cluster", ("topic_id",))


def test_a_refusal_to_tell_the_id_is_not_taken_for_old_age() -> None:
    with pytest.raises(KafkaUnavailableError):
        describe(Cluster(metadata(1), admin=unsupported(KafkaError.REQUEST_TIMED_OUT)))


def test_a_controller_that_is_not_there_is_not_asked() -> None:
    cluster = Cluster(metadata(1, controller=7), admin="never told")
    assert describe(cluster).unchecked == ("topic_id",)
    assert cluster.admin_requests == 0


@pytest.mark.parametrize("code", [KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC])
def test_a_topic_that_was_created_a_moment_ago_gets_a_second_look(code: int) -> None:
    assert describe(Cluster(metadata(error=code), metadata(1), admin="an-id")).topic_id == "an-id"


def test_a_topic_that_two_looks_do_not_find_is_not_there() -> None:
    other = metadata(1, topic="another")
    with pytest.raises(NotFoundError) as raised:
        describe(Cluster(other, metadata(error=KafkaError.UNKNOWN_TOPIC_OR_PART)))
    assert (raised.value.topic, raised.value.group_id) == ("t", "g")
    assert "broker:9092" in str(raised.value)


def test_partitions_without_a_leader_are_waited_for() -> None:
    with pytest.raises(KafkaException) as raised:
        describe(Cluster(metadata(1, -1, 1, -1)))
    assert raised.value.args[0].code() == KafkaError.LEADER_NOT_AVAILABLE
    assert "[1, 3]" in raised.value.args[0].str()


def test_another_error_of_the_topic_is_raised_as_it_is() -> None:
    with pytest.raises(KafkaException, match="TOPIC_AUTHORIZATION_FAILED"):
        describe(Cluster(metadata(error=KafkaError.TOPIC_AUTHORIZATION_FAILED)))


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"retention.ms": "604800000", "cleanup.policy": "delete"}, 604_800_000),
        ({"retention.ms": "5", "cleanup.policy": "compact,delete"}, 5),
        ({"retention.ms": "5", "cleanup.policy": "compact"}, -1),
        ({"retention.ms": "-1", "cleanup.policy": "delete"}, -1),
        ({"retention.ms": "5"}, 5),
        ({}, None),
    ],
)
def test_how_long_messages_stay(settings: dict[str, str], expected: int | None) -> None:
    assert retention(settings) == expected


def test_a_login_that_may_not_read_settings_does_not_know_the_retention() -> None:
    assert retention(AccessDeniedError("no")) is None
    with pytest.raises(KafkaUnavailableError):
        retention(KafkaUnavailableError("no"))
