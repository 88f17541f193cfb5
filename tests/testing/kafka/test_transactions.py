from __future__ import annotations

from typing import Literal

import pytest
from confluent_kafka import KafkaException

from airflow_kafka_bq.testing.kafka import (
    KafkaBroker,
    NewMessage,
    NotVisibleError,
    OpenTransaction,
    TopicFactory,
    offset_bounds,
    produce,
    produce_in_transaction,
)

TWO = [NewMessage(b"1", partition=0), NewMessage(b"2", partition=0)]


def ends(kafka: KafkaBroker, topic: str) -> tuple[int, int]:
    """Last stable offset and high watermark of partition 0."""
    stable = offset_bounds(kafka.bootstrap, topic, [0])[0][1]
    return stable, offset_bounds(kafka.bootstrap, topic, [0], isolation_level="read_uncommitted")[0][1]


@pytest.mark.parametrize("outcome", ["commit", "abort"])
def test_an_ended_transaction_is_followed_by_one_control_record(
    kafka: KafkaBroker, kafka_topic: TopicFactory, outcome: Literal["commit", "abort"]
) -> None:
    topic = kafka_topic()
    sent = produce_in_transaction(kafka.bootstrap, topic, TWO, outcome=outcome)
    assert [each.offset for each in sent] == [0, 1]
    assert ends(kafka, topic) == (3, 3)
    assert readable(kafka, topic) == ([b"1", b"2"] if outcome == "commit" else [])


def readable(kafka: KafkaBroker, topic: str) -> list[bytes | None]:
    from confluent_kafka import Consumer, KafkaError, TopicPartition

    settings = {"bootstrap.servers": kafka.bootstrap, "group.id": "unused", "enable.partition.eof": True}
    consumer = Consumer(settings | {"isolation.level": "read_committed"})
    consumer.assign([TopicPartition(topic, 0, 0)])
    values: list[bytes | None] = []
    while True:
        for message in consumer.consume(10, 0.1):
            error = message.error()
            if error is None:
                values.append(message.value())
                continue
            consumer.close()
            assert error.code() == KafkaError._PARTITION_EOF
            return values


def test_an_open_transaction_holds_the_stable_offset_back(kafka: KafkaBroker, kafka_topic: TopicFactory) -> None:
    topic = kafka_topic()
    with OpenTransaction(kafka.bootstrap) as transaction:
        transaction.produce(topic, TWO)
        produce(kafka.bootstrap, topic, [NewMessage(b"behind", partition=0)])
        assert ends(kafka, topic) == (0, 3)
        transaction.commit()
    assert ends(kafka, topic) == (4, 4)


def test_leaving_the_block_aborts(kafka: KafkaBroker, kafka_topic: TopicFactory) -> None:
    topic = kafka_topic()
    with OpenTransaction(kafka.bootstrap) as transaction:
        transaction.produce(topic, TWO)
    with pytest.raises(RuntimeError, match="ended"):
        transaction.commit()
    produce_in_transaction(kafka.bootstrap, topic, TWO)
    assert readable(kafka, topic) == [b"1", b"2"]


def test_an_abandoned_transaction_stays_open_until_it_is_fenced(kafka: KafkaBroker, kafka_topic: TopicFactory) -> None:
    topic = kafka_topic()
    with OpenTransaction(kafka.bootstrap, transactional_id=topic) as lost:
        lost.produce(topic, TWO)
        lost.abandon()
    with pytest.raises(NotVisibleError):
        produce_in_transaction_behind(kafka, topic)
    OpenTransaction(kafka.bootstrap, transactional_id=topic).abort(wait=False)
    produce_in_transaction(kafka.bootstrap, topic, TWO)
    stable, high = ends(kafka, topic)
    assert stable == high


def produce_in_transaction_behind(kafka: KafkaBroker, topic: str) -> None:
    with OpenTransaction(kafka.bootstrap, timeout_seconds=5) as behind:
        behind.produce(topic, TWO)
        behind.commit(wait=False)
    from airflow_kafka_bq.testing.kafka import wait_until_stable
    from airflow_kafka_bq.testing.kafka.producing import Acknowledged

    wait_until_stable(kafka.bootstrap, [Acknowledged(topic, 0, 0, 0)], timeout_seconds=0.3)


def test_a_second_transaction_of_the_same_id_fences_the_first(kafka: KafkaBroker, kafka_topic: TopicFactory) -> None:
    topic = kafka_topic()
    first = OpenTransaction(kafka.bootstrap, transactional_id=topic)
    first.produce(topic, TWO)
    OpenTransaction(kafka.bootstrap, transactional_id=topic).abort(wait=False)
    with pytest.raises(KafkaException, match="FENCED"):
        first.commit()
