from __future__ import annotations

import json
import time

import pytest
from confluent_kafka import KafkaException

from airflow_kafka_bq.testing.kafka import (
    KafkaBroker,
    MockCluster,
    TopicFactory,
    bulk_values,
    offset_bounds,
    produce_bulk,
)
from tests.testing.kafka.test_producing import read_all


def test_values_are_json_of_about_250_bytes_and_repeatable() -> None:
    values = list(bulk_values(2000, seed=7))
    assert values == list(bulk_values(2000, seed=7))
    assert values != list(bulk_values(2000, seed=8))
    records = [json.loads(value) for value in values]
    assert [record["order_id"] for record in records] == list(range(2000))
    assert 230 <= sum(map(len, values)) / len(values) <= 270
    assert json.loads(next(bulk_values(1, first_id=86_400_000)))["updated_at"] == "2025-06-15T00:00:00.000Z"


@pytest.mark.parametrize("compression", ["none", "lz4"])
def test_every_message_lands_once_and_in_turn(kafka: KafkaBroker, kafka_topic: TopicFactory, compression: str) -> None:
    topic = kafka_topic(3)
    report = produce_bulk(kafka.bootstrap, topic, 10_000, 3, compression=compression)
    expected = list(bulk_values(10_000))
    assert (report.messages, report.value_bytes) == (10_000, sum(map(len, expected)))
    assert offset_bounds(kafka.bootstrap, topic, range(3)) == {0: (0, 3334), 1: (0, 3333), 2: (0, 3333)}
    found = read_all(kafka.bootstrap, topic, 1, 3333)
    assert [message.value() for message in found] == expected[1::3]


def test_a_full_queue_loses_nothing(kafka: KafkaBroker, kafka_topic: TopicFactory) -> None:
    topic = kafka_topic(2)
    produce_bulk(kafka.bootstrap, topic, 5_001, 2, settings={"queue.buffering.max.messages": 100, "linger.ms": 0})
    assert offset_bounds(kafka.bootstrap, topic, range(2)) == {0: (0, 2501), 1: (0, 2500)}
    assert [message.value() for message in read_all(kafka.bootstrap, topic, 0, 2501)] == list(bulk_values(5_001))[::2]


def test_what_is_not_acknowledged_is_an_error(mock_cluster: MockCluster, mock_topic: TopicFactory) -> None:
    topic = mock_topic()
    mock_cluster.broker_down()
    with pytest.raises(KafkaException, match="not acknowledged"):
        produce_bulk(mock_cluster.bootstrap, topic, 10, 1, timeout_seconds=0.3, settings={"log_level": 0})


@pytest.mark.slow
def test_it_is_quick_enough_for_benchmarks(kafka: KafkaBroker, kafka_topic: TopicFactory) -> None:
    # The processor's time and not the clock's: other work on the machine must not fail it. 10 microseconds a message
    # let one core produce 100,000 in a second.
    before = time.process_time()
    produce_bulk(kafka.bootstrap, kafka_topic(12), 500_000, 12)
    assert time.process_time() - before < 500_000 * 10e-6
