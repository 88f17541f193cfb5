from __future__ import annotations

import pytest
from confluent_kafka import KafkaException, Producer
from confluent_kafka.admin import AdminClient

from airflow_kafka_bq.testing.kafka import (
    Acknowledged,
    KafkaBroker,
    NewMessage,
    NotVisibleError,
    TopicFactory,
    add_partitions,
    create_topic,
    delete_records,
    delete_topic,
    offset_bounds,
    send,
    wait_until_stable,
    wait_until_visible,
)


def listed(kafka: KafkaBroker) -> set[str]:
    return set(AdminClient({"bootstrap.servers": kafka.bootstrap}).list_topics(timeout=5).topics)


def test_a_topic_is_there_when_created_and_gone_when_deleted(kafka: KafkaBroker) -> None:
    create_topic(kafka.bootstrap, "short-lived", 5)
    assert "short-lived" in listed(kafka)
    with pytest.raises(KafkaException, match="TOPIC_ALREADY_EXISTS"):
        create_topic(kafka.bootstrap, "short-lived")
    delete_topic(kafka.bootstrap, "short-lived")
    assert "short-lived" not in listed(kafka)
    with pytest.raises(KafkaException, match="UNKNOWN_TOPIC_OR_PART"):
        delete_topic(kafka.bootstrap, "short-lived")


def test_topic_settings_are_obeyed(producer: Producer, kafka_topic: TopicFactory) -> None:
    topic = kafka_topic(config={"max.message.bytes": "1000"})
    with pytest.raises(KafkaException, match="MSG_SIZE_TOO_LARGE"):
        send(producer, topic, [b"x" * 5000])


def test_added_partitions_take_messages(kafka: KafkaBroker, producer: Producer, kafka_topic: TopicFactory) -> None:
    topic = kafka_topic(1)
    add_partitions(kafka.bootstrap, topic, 3)
    assert send(producer, topic, [NewMessage(b"x", partition=2)])[0].partition == 2


def test_deleted_records_move_the_log_start(kafka: KafkaBroker, producer: Producer, kafka_topic: TopicFactory) -> None:
    topic = kafka_topic(2)
    send(producer, topic, [NewMessage(b"x", partition=0)] * 4)
    delete_records(kafka.bootstrap, topic, {0: 3})
    assert offset_bounds(kafka.bootstrap, topic, [0, 1]) == {0: (3, 4), 1: (0, 0)}


def test_waiting_in_vain_is_an_error(kafka: KafkaBroker, kafka_topic: TopicFactory) -> None:
    topic = kafka_topic(2)
    with pytest.raises(NotVisibleError, match="3 partitions"):
        wait_until_visible(kafka.bootstrap, topic, 3, timeout_seconds=0.2)
    with pytest.raises(NotVisibleError, match="0 partitions"):
        wait_until_visible(kafka.bootstrap, topic, 0, timeout_seconds=0.2)
    with pytest.raises(NotVisibleError, match="stable"):
        wait_until_stable(kafka.bootstrap, [Acknowledged(topic, 0, 5, 0)], timeout_seconds=0.2)
