"""The fixtures themselves: what a test finds, and that nothing of one test reaches the next."""

from __future__ import annotations

import time

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from airflow_kafka_bq.testing.kafka import KafkaBroker, MockCluster, TopicFactory, offset_bounds, send
from airflow_kafka_bq.testing.kafka.fixtures import _unique_name


def test_names_of_topics_are_fresh_and_tell_the_test(kafka_topic: TopicFactory, request: pytest.FixtureRequest) -> None:
    one, other = kafka_topic(), kafka_topic()
    assert one != other
    assert one.startswith("names-of-topics-are-fresh") or one.startswith("names_of_topics_are_fresh")
    assert len(_unique_name(request)) <= 49


def test_the_producer_is_connected_to_the_broker(
    kafka: KafkaBroker, producer: Producer, kafka_topic: TopicFactory
) -> None:
    topic = kafka_topic()
    send(producer, topic, [b"x"])
    assert offset_bounds(kafka.bootstrap, topic, [0]) == {0: (0, 1)}


def test_the_first_commit_of_a_test_does_not_wait(kafka: KafkaBroker, kafka_topic: TopicFactory) -> None:
    consumer = Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": kafka_topic()})
    started = time.monotonic()
    consumer.commit(offsets=[TopicPartition("warm-up", 0, 0)], asynchronous=False)
    consumer.close()
    assert time.monotonic() - started < 1.0


_clusters: list[int] = []


@pytest.mark.parametrize("turn", [1, 2])
def test_every_test_has_a_mock_cluster_of_its_own(mock_cluster: MockCluster, turn: int) -> None:
    mock_cluster.create_topic("same-name")
    _clusters.append(mock_cluster.process_id)
    assert len(set(_clusters)) == turn


def test_the_mock_cluster_knows_no_topic_settings(mock_topic: TopicFactory) -> None:
    with pytest.raises(ValueError, match="no topic settings"):
        mock_topic(config={"cleanup.policy": "compact"})
