"""Lag on a real broker: one admin client for fifty topics, an open transaction, and a group that nothing touches."""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, ClassVar

import pytest
from confluent_kafka import ConsumerGroupTopicPartitions, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from airflow_kafka_bq.batch import Position
from airflow_kafka_bq.kafka import clients
from airflow_kafka_bq.kafka.shared_admins import SharedAdmins
from airflow_kafka_bq.kafka.source import KafkaSource
from airflow_kafka_bq.operations.lag import Most, lag_of
from airflow_kafka_bq.testing.kafka import KafkaBroker, NewMessage, OpenTransaction, TopicFactory, produce
from tests.pipeline.world import World

MANY = 50


class Counted(AdminClient):
    """An admin client that is counted, with what it is asked for."""

    built = 0
    asked: ClassVar[Counter[str]] = Counter()

    def __init__(self, *arguments: Any, **named: Any) -> None:
        type(self).built += 1
        super().__init__(*arguments, **named)

    def __getattribute__(self, name: str) -> Any:
        if name.startswith(("list_", "describe_", "alter_", "delete_", "create_", "incremental_")):
            type(self).asked[name] += 1
        return super().__getattribute__(name)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> type[Counted]:
    monkeypatch.setattr(clients, "AdminClient", Counted)
    Counted.built = 0
    Counted.asked.clear()
    return Counted


def looked(kafka: KafkaBroker, topic: str, group: str, admins: SharedAdmins | None = None, **most: Any) -> Any:
    """A document about a topic on the broker; ledger and table are in memory."""
    source = KafkaSource({"bootstrap.servers": kafka.bootstrap}, topic, group, admins=admins)
    try:
        job = replace(World(1).job(source=source, group_id=group), now=lambda: datetime.now(UTC))
        return lag_of(job, Most(**most))
    finally:
        source.close()


def group_state(kafka: KafkaBroker, group: str, topic: str) -> Any:
    """Members, state and offsets, as Kafka's own tools see them."""
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    (found,) = admin.describe_consumer_groups([group]).values()
    state = found.result()
    asked = ConsumerGroupTopicPartitions(group, [TopicPartition(topic, part) for part in range(2)])
    (offsets,) = admin.list_consumer_group_offsets([asked]).values()
    kept = [(one.partition, one.offset, one.metadata) for one in offsets.result().topic_partitions]
    return (str(state.state), len(state.members), kept)


def test_fifty_topics_are_looked_at_by_one_admin_client(kafka: KafkaBroker, counted: type[Counted]) -> None:
    topics = [f"of-fifty-{number}" for number in range(MANY)]
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    for done in admin.create_topics([NewTopic(topic, 1) for topic in topics]).values():
        done.result(30)
    producer = Producer({"bootstrap.servers": kafka.bootstrap})
    for number, topic in enumerate(topics):
        for _ in range(number % 3):
            producer.produce(topic, b"x")
    assert producer.flush(30) == 0
    admins = SharedAdmins()
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda topic: looked(kafka, topic, f"group-{topic}", admins), topics))
    admins.close()
    assert [one["lag"] for one in found] == [number % 3 for number in range(MANY)]
    assert (counted.built, admins.built) == (1, 1)
    changing = [name for name in counted.asked if name.startswith(("alter", "delete", "create", "incremental"))]
    assert changing == []
    assert counted.asked["list_offsets"] <= 9 * MANY, "three for the ends, one for the rate, a few for each age"


def test_each_look_leaves_group_offsets_and_messages_as_they_are(kafka: KafkaBroker, kafka_topic: TopicFactory) -> None:
    topic = kafka_topic(partitions=2)
    group = f"group-{topic}"
    produce(kafka.bootstrap, topic, [NewMessage(b"x", partition=number % 2) for number in range(10)])
    source = KafkaSource({"bootstrap.servers": kafka.bootstrap}, topic, group)
    source.commit({0: Position(2), 1: Position(3)}, "ours")
    before = group_state(kafka, group, topic)
    for _ in range(3):
        assert looked(kafka, topic, group)["lag"] == 5
    assert (
        group_state(kafka, group, topic) == before == ("ConsumerGroupState.EMPTY", 0, [(0, 2, "ours"), (1, 3, "ours")])
    )
    source.open({0: Position(2), 1: Position(3)})
    messages, deadline = 0, time.monotonic() + 20
    while messages < 5 and time.monotonic() < deadline:
        messages += source.poll(100, 0.5).messages.num_rows
    source.close()
    assert messages == 5


def test_a_group_that_was_not_there_is_not_made(kafka: KafkaBroker, kafka_topic: TopicFactory) -> None:
    topic = kafka_topic(partitions=1)
    produce(kafka.bootstrap, topic, [b"x"])
    assert looked(kafka, topic, f"group-{topic}")["lag"] == 1
    listed = AdminClient({"bootstrap.servers": kafka.bootstrap}).list_consumer_groups().result()
    assert f"group-{topic}" not in {one.group_id for one in listed.valid}


def test_a_transaction_that_hangs_is_told_with_its_age(kafka: KafkaBroker, kafka_topic: TopicFactory) -> None:
    topic = kafka_topic(partitions=2)
    old = int((time.time() - 7200) * 1000)
    produce(kafka.bootstrap, topic, [NewMessage(b"x", partition=0, timestamp_ms=old - 1) for _ in range(3)])
    with OpenTransaction(kafka.bootstrap) as transaction:
        transaction.produce(topic, [NewMessage(b"held", partition=0, timestamp_ms=old) for _ in range(4)])
        produce(kafka.bootstrap, topic, [NewMessage(b"behind", partition=0)])
        found = looked(kafka, topic, f"group-{topic}", age_seconds=3600)
    line = found["partitions"]["0"]
    assert (line["lag"], line["end"], line["high_watermark"]) == (3, 3, 8)
    assert 7190 < line["open_transaction_seconds"] < 7300
    assert found["partitions"]["1"]["open_transaction_seconds"] is None
    assert found["findings"][1].startswith("partition 0: an open transaction has held messages back for 7,2")
