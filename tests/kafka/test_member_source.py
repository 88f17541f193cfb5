"""A member's commits and settings, without a cluster."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from airflow_kafka_bq.batch import Position
from airflow_kafka_bq.exceptions import ConfigError, KafkaUnavailableError, PartitionsLostError, TopicChangedError
from airflow_kafka_bq.kafka import KafkaMemberSource
from airflow_kafka_bq.kafka.settings import is_incremental

BROKERS = {"bootstrap.servers": "127.0.0.1:1"}
AT = {0: Position(5), 1: Position(7, 2)}


def made(answer: Callable[[list[TopicPartition]], None], **settings: Any) -> tuple[KafkaMemberSource, list[list[int]]]:
    """A source whose member commits by ``answer``; and of which partitions it was asked for."""
    source = KafkaMemberSource({**BROKERS, **settings}, "t", "g", request_timeout_seconds=0.5)
    asked: list[list[int]] = []

    def commit(wanted: list[TopicPartition], _seconds: float) -> None:
        asked.append([one.partition for one in wanted])
        answer(wanted)

    source._member.commit = commit  # type: ignore[method-assign,assignment]
    source._standing.assigned([0, 1], besides=False)
    return source, asked


def refusing(code: int, times: int = 99) -> Callable[[list[TopicPartition]], None]:
    left = [times]

    def answer(_wanted: list[TopicPartition]) -> None:
        left[0] -= 1
        if left[0] >= 0:
            raise KafkaException(KafkaError(code, "no"))

    return answer


def test_what_is_not_ours_is_not_committed() -> None:
    source, asked = made(lambda _: None)
    source.commit(AT, "")
    with source._standing.giving_up([0], lambda: None, settled=True):
        pass
    source.commit(AT, "")
    source._standing.assigned([], besides=False)
    source.commit(AT, "")
    assert asked == [[0, 1], [1]]
    with pytest.raises(ConfigError):
        source.commit(AT, "m" * 5000)


def test_a_rebalance_under_way_is_waited_for() -> None:
    source, asked = made(refusing(KafkaError.REBALANCE_IN_PROGRESS, 1))
    source.commit(AT, "")
    assert len(asked) == 2


def test_a_coordinator_that_does_not_know_us_ends_the_membership() -> None:
    source, asked = made(refusing(KafkaError.UNKNOWN_MEMBER_ID))
    with pytest.raises(PartitionsLostError, match="session") as raised:
        source.commit(AT, "")
    assert (raised.value.group_id, len(asked)) == ("g", 1)
    with pytest.raises(PartitionsLostError):
        source.share(0)
    with pytest.raises(PartitionsLostError):
        source.poll(1, 0)


def test_no_answer_and_a_topic_that_is_gone_are_told_apart() -> None:
    def silent(_wanted: list[TopicPartition]) -> None:
        raise TimeoutError

    with pytest.raises(KafkaUnavailableError, match="committing"):
        made(silent)[0].commit(AT, "")
    with pytest.raises(KafkaUnavailableError, match=r"within 0\.5 s"):
        made(refusing(KafkaError.REBALANCE_IN_PROGRESS))[0].commit(AT, "")
    with pytest.raises(TopicChangedError):
        made(refusing(KafkaError.UNKNOWN_TOPIC_OR_PART))[0].commit(AT, "")


def test_settings_of_membership() -> None:
    source, _ = made(lambda _: None, **{"max.poll.interval.ms": "600000", "session.timeout.ms": 9000})
    assert source.eviction_seconds == 600
    with pytest.raises(ConfigError, match=r"session\.timeout\.ms must be a number of milliseconds, not 'long'"):
        KafkaMemberSource({**BROKERS, "session.timeout.ms": "long"}, "t", "g")
    brief = KafkaMemberSource({**BROKERS, "group.protocol": "consumer", "max.poll.interval.ms": 6000}, "t", "g")
    for clients in (brief._clients, brief._joined):  # shorter than the session that the other protocol would have
        assert clients.consumer.assignment() == []
        clients.close()
    assert not is_incremental({})
    assert not is_incremental({"partition.assignment.strategy": "range,roundrobin"})
    assert is_incremental({"partition.assignment.strategy": "cooperative-sticky"})
    assert is_incremental({"group.protocol": "CONSUMER"})
    assert "group.instance.id" not in made(lambda _: None, **{"group.instance.id": "x"})[0]._clients._for_consumer
