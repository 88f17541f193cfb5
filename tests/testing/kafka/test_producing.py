from __future__ import annotations

import json

import pytest
from confluent_kafka import Consumer, KafkaException, Message, Producer, TopicPartition

from airflow_kafka_bq.testing.kafka import (
    KafkaBroker,
    MockCluster,
    NewMessage,
    TopicFactory,
    new_producer,
    produce,
    send,
)


def read_all(bootstrap: str, topic: str, partition: int, count: int) -> list[Message]:
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "unused"})
    try:
        consumer.assign([TopicPartition(topic, partition, 0)])
        found: list[Message] = []
        while len(found) < count and (more := consumer.consume(count - len(found), 5)):
            found += more
        return found
    finally:
        consumer.close()


def test_every_part_of_a_message_arrives(kafka: KafkaBroker, producer: Producer, kafka_topic: TopicFactory) -> None:
    topic = kafka_topic(3)
    message = NewMessage(b"v", b"k", [("a", b"1"), ("a", None)], partition=2, timestamp_ms=1234)
    (acknowledged,) = send(producer, topic, [message])
    assert acknowledged == (topic, 2, 0, 1234)
    (found,) = read_all(kafka.bootstrap, topic, 2, 1)
    assert (found.value(), found.key(), found.headers()) == (b"v", b"k", [("a", b"1"), ("a", None)])
    assert found.timestamp()[1] == 1234


def test_values_alone_are_messages_too(kafka: KafkaBroker, producer: Producer, kafka_topic: TopicFactory) -> None:
    topic = kafka_topic()
    send(producer, topic, [b"bytes", "text", {"a": 1}, None])
    values = [message.value() for message in read_all(kafka.bootstrap, topic, 0, 4)]
    assert values[:2] == [b"bytes", b"text"]
    assert json.loads(values[2] or b"") == {"a": 1}
    assert values[3] is None


def test_acknowledgements_are_in_the_order_given(producer: Producer, kafka_topic: TopicFactory) -> None:
    topic = kafka_topic(4)
    sent = send(producer, topic, [NewMessage(b"x", partition=i % 4) for i in range(40)])
    assert [(each.partition, each.offset) for each in sent] == [(i % 4, i // 4) for i in range(40)]


def test_more_messages_than_the_client_holds_all_arrive(mock_cluster: MockCluster, mock_topic: TopicFactory) -> None:
    small = new_producer(mock_cluster.bootstrap, {"queue.buffering.max.messages": 100})
    sent = send(small, mock_topic(), [NewMessage(b"x", partition=0)] * 1000)
    assert [each.offset for each in sent] == list(range(1000))


def test_nothing_to_send_is_nothing(mock_cluster: MockCluster, mock_topic: TopicFactory) -> None:
    assert produce(mock_cluster.bootstrap, mock_topic(), []) == []


def test_a_refused_message_is_an_error(producer: Producer, kafka_topic: TopicFactory) -> None:
    with pytest.raises(KafkaException, match="UNKNOWN_PARTITION"):
        send(producer, kafka_topic(1), [b"fine", NewMessage(b"x", partition=7)])


def test_a_missing_acknowledgement_is_an_error(mock_cluster: MockCluster, mock_topic: TopicFactory) -> None:
    topic = mock_topic()
    mock_cluster.broker_down()
    with pytest.raises(KafkaException, match="not acknowledged"):
        produce(mock_cluster.bootstrap, topic, [b"x"], timeout_seconds=0.3, settings={"log_level": 0})
