"""What the Source contract needs of a Kafka: in memory, librdkafka's mock cluster, or a real broker."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Literal, Protocol

from confluent_kafka import Consumer

from airflow_kafka_bq.batch import GroupMember
from airflow_kafka_bq.kafka import IsolationLevel, KafkaMemberSource, KafkaSource
from airflow_kafka_bq.ports.source import MemberSource, Source
from airflow_kafka_bq.testing.kafka import (
    MockCluster,
    NewMessage,
    OpenTransaction,
    TopicFactory,
    add_partitions,
    delete_records,
    delete_topic,
    produce,
    produce_in_transaction,
)
from airflow_kafka_bq.testing.memory import NOW, MemoryCluster, MemoryMemberSource, MemorySource, VirtualClock
from airflow_kafka_bq.testing.memory.log import Headers

Message = NewMessage | bytes | None
Outcome = Literal["commit", "abort"]
READ_COMMITTED, TOPIC_IDS, MEMBERS, TIMES, GROWTH = "read_committed", "topic_ids", "members", "times", "growth"


class Transaction(Protocol):
    """An open one."""

    def commit(self) -> None: ...

    def abort(self) -> None: ...


class SourceWorld(Protocol):
    """One cluster; ``lacks`` names what it cannot do."""

    lacks: frozenset[str]

    def topic(self, partitions: int = 1) -> str: ...

    def source(self, topic: str, group_id: str, isolation_level: IsolationLevel = "read_committed") -> Source: ...

    def member_source(self, topic: str, group_id: str) -> MemberSource: ...

    def produce(self, topic: str, *messages: Message) -> None: ...

    def transact(self, topic: str, *messages: Message, outcome: Outcome) -> None: ...

    def begin(self, topic: str, *messages: Message) -> AbstractContextManager[Transaction]: ...

    def delete_records(self, topic: str, partition: int, before: int) -> None: ...

    def delete_topic(self, topic: str) -> None: ...

    def create_again(self, topic: str) -> None: ...

    def add_partitions(self, topic: str, total: int) -> None: ...

    def member(self, group_id: str, topic: str) -> AbstractContextManager[str]:
        """A foreign consumer in the group; its client id."""
        ...

    def monotonic(self) -> float: ...

    def sleep(self, seconds: float) -> None: ...


def whole(message: Message) -> NewMessage:
    """Partition 0 unless another one is named."""
    return message if isinstance(message, NewMessage) else NewMessage(message, partition=0)


class MemoryWorld:
    """The in-memory cluster on a virtual clock."""

    lacks: frozenset[str] = frozenset()

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.cluster = MemoryCluster(self.clock)
        self.monotonic = self.clock.monotonic
        self.sleep = self.clock.sleep
        self.delete_records = self.cluster.delete_records
        self.delete_topic = self.cluster.delete_topic
        self.add_partitions = self.cluster.add_partitions

    def topic(self, partitions: int = 1) -> str:
        name = f"topic-{uuid.uuid4().hex[:8]}"
        self.cluster.create_topic(name, partitions)
        return name

    def create_again(self, topic: str) -> None:
        self.cluster.create_topic(topic)

    def source(self, topic: str, group_id: str, isolation_level: IsolationLevel = "read_committed") -> Source:
        return MemorySource(self.cluster, topic, group_id, isolation_level)

    def member_source(self, topic: str, group_id: str) -> MemberSource:
        return MemoryMemberSource(self.cluster, topic, group_id)

    def produce(self, topic: str, *messages: Message) -> None:
        self._append(topic, messages, None)

    def transact(self, topic: str, *messages: Message, outcome: Outcome) -> None:
        with self.begin(topic, *messages) as transaction:
            if outcome == "commit":
                transaction.commit()

    @contextmanager
    def begin(self, topic: str, *messages: Message) -> Iterator[Transaction]:
        transaction = self.cluster.transaction()
        for message in map(whole, messages):
            transaction.produce(
                topic,
                _bytes(message.value),
                partition=message.partition or 0,
                timestamp_ms=message.timestamp_ms or NOW,
            )
        yield transaction
        transaction.abort()  # unless it was ended before

    @contextmanager
    def member(self, group_id: str, topic: str) -> Iterator[str]:  # noqa: ARG002 - members of real groups subscribe
        self.cluster.groups.join(group_id, GroupMember("foreign-1", "foreign", "/127.0.0.1"))
        yield "foreign"
        self.cluster.groups.leave(group_id, "foreign-1")

    def _append(self, topic: str, messages: tuple[Message, ...], transaction: int | None) -> None:
        for message in map(whole, messages):
            self.cluster.produce(
                topic,
                _bytes(message.value),
                key=_bytes(message.key),
                partition=message.partition or 0,
                headers=_headers(message),
                timestamp_ms=message.timestamp_ms or NOW,
                transaction=transaction,
            )


def _bytes(value: object) -> bytes | None:
    assert value is None or isinstance(value, bytes)
    return value


def _headers(message: NewMessage) -> Headers:
    return tuple(message.headers)


class WireWorld:
    """A cluster that is reached over the wire; the topic factory makes fresh topics."""

    lacks: frozenset[str] = frozenset()

    def __init__(self, bootstrap: str, topics: TopicFactory, settings: dict[str, object] | None = None) -> None:
        self.bootstrap = bootstrap
        self.topic = topics
        self._settings = {"bootstrap.servers": bootstrap} | (settings or {})
        self._opened: list[KafkaSource] = []

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def source(self, topic: str, group_id: str, isolation_level: IsolationLevel = "read_committed") -> Source:
        source = KafkaSource(self._settings, topic, group_id, isolation_level, stall_timeout_seconds=1.0)
        self._opened.append(source)
        return source

    def member_source(self, topic: str, group_id: str) -> MemberSource:
        quick = {"session.timeout.ms": 6000, "heartbeat.interval.ms": 200}
        source = KafkaMemberSource({**self._settings, **quick}, topic, group_id, stall_timeout_seconds=1.0)
        self._opened.append(source)
        return source

    def close(self) -> None:
        for source in self._opened:
            source.close()

    def produce(self, topic: str, *messages: Message) -> None:
        produce(self.bootstrap, topic, map(whole, messages))

    def transact(self, topic: str, *messages: Message, outcome: Outcome) -> None:
        produce_in_transaction(self.bootstrap, topic, map(whole, messages), outcome=outcome)

    @contextmanager
    def begin(self, topic: str, *messages: Message) -> Iterator[Transaction]:
        with OpenTransaction(self.bootstrap) as transaction:
            transaction.produce(topic, map(whole, messages))
            yield transaction

    @contextmanager
    def member(self, group_id: str, topic: str) -> Iterator[str]:
        consumer = Consumer({"bootstrap.servers": self.bootstrap, "group.id": group_id, "client.id": "foreign"})
        consumer.subscribe([topic])
        deadline = time.monotonic() + 20
        while not consumer.assignment():
            consumer.poll(0.1)
            assert time.monotonic() < deadline, "the foreign member did not get into the group"
        yield "foreign"
        consumer.close()


class BrokerWorld(WireWorld):
    """A real broker."""

    def delete_records(self, topic: str, partition: int, before: int) -> None:
        delete_records(self.bootstrap, topic, {partition: before})

    def delete_topic(self, topic: str) -> None:
        delete_topic(self.bootstrap, topic)

    def create_again(self, topic: str) -> None:
        from airflow_kafka_bq.testing.kafka import create_topic

        create_topic(self.bootstrap, topic, 1)

    def add_partitions(self, topic: str, total: int) -> None:
        add_partitions(self.bootstrap, topic, total)


class MockWorld(WireWorld):
    """librdkafka's mock: no control of transactions by readers, no identities, no index of times, no growth."""

    lacks = frozenset({READ_COMMITTED, TOPIC_IDS, MEMBERS, TIMES, GROWTH})

    def __init__(self, mock: MockCluster, topics: TopicFactory) -> None:
        super().__init__(mock.bootstrap, topics, {"check.crcs": False})  # its control records carry no checksum
        self._mock = mock

    def delete_records(self, topic: str, partition: int, before: int) -> None:
        self._mock.delete_records(topic, partition, before)

    def delete_topic(self, topic: str) -> None:
        self._mock.delete_topic(topic)

    def create_again(self, topic: str) -> None:
        self._mock.create_topic(topic, 1)

    def add_partitions(self, topic: str, total: int) -> None:
        raise NotImplementedError(topic, total)
