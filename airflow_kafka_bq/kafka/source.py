"""The Source of messages: one topic and one consumer group of a Kafka cluster."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from airflow_kafka_bq.batch import Bounds, Committed, GroupFacts, Polled, Position, Rights, TopicFacts
from airflow_kafka_bq.kafka import errors, messages, offsets, rights, times, topics
from airflow_kafka_bq.kafka.clients import Clients
from airflow_kafka_bq.kafka.errors import Sort
from airflow_kafka_bq.kafka.groups import Group
from airflow_kafka_bq.kafka.requests import Requests
from airflow_kafka_bq.kafka.settings import IsolationLevel, brokers
from airflow_kafka_bq.kafka.shared_admins import SharedAdmins

REQUEST_TIMEOUT_SECONDS = 15.0

# In one call the client holds back signals, and an exception of a signal handler takes along what it had read.
_LONGEST_CALL_SECONDS = 0.2


class KafkaSource:
    """``ports.Source`` on librdkafka.

    Nothing is connected before the first call, and then only in the process that makes it. One thread uses a source;
    :meth:`commit` alone may be called from another one beside the rest, as it uses the admin client only.

    :param settings: librdkafka settings by their dotted names; callables such as ``oauth_cb`` are passed through.
    :param topic: topic.
    :param group_id: consumer group; it is never joined.
    :param isolation_level: whether aborted and open transactions are left out.
    :param stall_timeout_seconds: decides how often the fetch position is looked at.
    :param request_timeout_seconds: for each call, retries included.
    :param admins: the admin client is one of these, which several sources share; None: one of its own.
    :param client_id: ``client.id`` unless the settings have one: what a broker's log will say.
    :raises ConfigError: a setting contradicts what exactly-once needs.
    """

    def __init__(
        self,
        settings: Mapping[str, Any],
        topic: str,
        group_id: str,
        isolation_level: IsolationLevel = "read_committed",
        stall_timeout_seconds: float = 30.0,
        request_timeout_seconds: float = REQUEST_TIMEOUT_SECONDS,
        client_id: str = "kafka-bq",
        admins: SharedAdmins | None = None,
    ) -> None:
        self._topic = topic
        self._group_id = group_id
        self._isolation_level = isolation_level
        self._brokers = brokers(settings)
        self._clients = Clients(
            settings,
            topic=topic,
            group_id=group_id,
            isolation_level=isolation_level,
            client_id=client_id,
            stall_timeout_seconds=stall_timeout_seconds,
            admins=admins,
        )
        self._requests = Requests(self._clients, request_timeout_seconds, topic=topic, group_id=group_id)
        self._group = Group(self._requests, topic, group_id)
        self._partitions: tuple[int, ...] | None = None
        self._open: dict[int, Position] = {}
        self._opened = False

    def describe(self) -> TopicFacts:
        """As ``ports.Source``."""
        facts = topics.describe(self._requests, self._topic, self._brokers, self._group_id)
        self._partitions = facts.partitions
        return facts

    def topic_id(self) -> str | None:
        """As ``ports.Source``. The admin client asks: the consumer's connection may be ending over what it fetches."""
        return topics.topic_id(self._requests, self._topic)

    def committed(self) -> Mapping[int, Committed]:
        """As ``ports.Source``."""
        return self._group.committed(self._known_partitions())

    def group(self) -> GroupFacts:
        """As ``ports.Source``. :raises AccessDeniedError: the group may not be described."""
        return self._group.facts()

    def bounds(self) -> Mapping[int, Bounds]:
        """As ``ports.Source``; under ``read_uncommitted`` the last stable offset is the high watermark."""
        return offsets.bounds(self._requests, self._topic, self._known_partitions(), self._isolation_level)

    def offsets_at(self, time: datetime) -> Mapping[int, int]:
        """As ``ports.Source``. :raises ConfigError: the cluster cannot look offsets up by time."""
        return offsets.offsets_at(self._requests, self._topic, self._known_partitions(), self._isolation_level, time)

    def times_at(self, wanted: Mapping[int, int]) -> Mapping[int, int]:
        """As ``ports.Source``."""
        return times.times_at(self._requests, self._topic, wanted)

    def retention_ms(self) -> int | None:
        """As ``ports.Source``; None also where the cluster has no controller to ask."""
        facts = self.describe()
        return None if "topic_id" in facts.unchecked else topics.retention_ms(self._requests, self._topic)

    def permitted(self, *others: str) -> Rights:
        """As ``ports.Source``."""
        return rights.permitted(self._requests, (self._topic, *others), self._group_id)

    def open(self, positions: Mapping[int, Position]) -> None:
        """As ``ports.Source``. Give no partition that has nothing to read: it would be fetched for nothing."""
        wanted = [offsets.placed(self._topic, partition, position) for partition, position in sorted(positions.items())]
        checked = any(position.leader_epoch is not None for position in positions.values())
        # What a consumer had to say of an earlier place, such as "out of range", it says after the next assignment too.
        consumer = self._clients.new_consumer() if checked or self._opened else self._clients.consumer
        consumer.assign(wanted)
        self._open, self._opened = dict(positions), True
        self._clients.positions.clear()

    def poll(self, max_messages: int, timeout_seconds: float) -> Polled:
        """As ``ports.Source``. No single call into the client is longer than 0.2 s."""
        consumer = self._clients.consumer
        deadline = time.monotonic() + timeout_seconds
        while True:
            remaining = max(0.0, deadline - time.monotonic())
            found = _consume(consumer, max_messages, min(remaining, _LONGEST_CALL_SECONDS))
            if not found:  # what came before a refusal is handed over first: it tells where reading stands
                self._clients.troubles.raise_refusal()
            if found or remaining <= _LONGEST_CALL_SECONDS:
                return self._sorted(found)

    def finish(self, partition: int) -> None:
        """As ``ports.Source``; a partition that is not open is left alone."""
        if self._open.pop(partition, None) is not None:
            self._clients.consumer.incremental_unassign([TopicPartition(self._topic, partition)])

    def fetch_positions(self) -> Mapping[int, int]:
        """As ``ports.Source``, of open partitions, as old as the statistics interval; it moves in ``poll`` only."""
        return self._clients.positions.of(self._open)

    def connection_error(self) -> str | None:
        """As ``ports.Source``."""
        return self._clients.troubles.latest()

    def commit(self, positions: Mapping[int, Position], metadata: str) -> None:
        """As ``ports.Source``. :raises TopicChangedError: a partition is gone. May run beside other calls."""
        self._group.commit(positions, metadata)

    def delete_group(self) -> None:
        """As ``ports.Source``."""
        self._group.delete()

    def close(self) -> None:
        """As ``ports.Source``: within about five seconds."""
        self._clients.close()

    def _known_partitions(self) -> Sequence[int]:
        return self.describe().partitions if self._partitions is None else self._partitions

    def _sorted(self, found: list[Message]) -> Polled:
        """Error entries first: such an entry carries its text as value."""
        ends: dict[int, int] = {}
        out_of_range: dict[int, int] = {}
        failed = [message for message in found if message.error() is not None]
        for message in failed:
            self._event(message, ends, out_of_range)
        read = [message for message in found if message.error() is None] if failed else found
        last = messages.last_of_each(read)
        if not self._open.keys() >= last.keys():
            read = [message for message in read if message.partition() in self._open]
            last = messages.last_of_each(read)
        if read or ends:
            self._clients.troubles.messages_flow()
        if not read:
            return Polled(messages.EMPTY, {}, ends, out_of_range)
        return Polled(messages.record_batch(read), messages.leader_epochs(last), ends, out_of_range)

    def _event(self, message: Message, ends: dict[int, int], out_of_range: dict[int, int]) -> None:
        error, offset = message.error(), message.offset()
        partition = message.partition() if message.topic() is not None else None  # the group's errors have no topic
        if error is None or (partition is not None and partition not in self._open):
            return
        sort = errors.sort(error) if error.code() != errors.PARTITION_EOF else None
        if sort is None and partition is not None and offset is not None:
            ends[partition] = offset
        elif sort is Sort.RANGE and partition is not None:
            out_of_range[partition] = self._open[partition].next_offset if offset is None or offset < 0 else offset
        elif sort is Sort.UNAVAILABLE or (sort is Sort.CORRUPT and partition is None):  # an answer, and no message
            self._clients.troubles.record_fetching(error)  # the client goes on by itself
        else:
            raise self._ending(error, partition, offset) from KafkaException(error)

    def _ending(self, error: KafkaError, partition: int | None, offset: int | None) -> Exception:
        context: dict[str, Any] = {
            "topic": self._topic,
            "partition": partition,
            "offset": offset if offset is not None and offset >= 0 else None,
            "group_id": self._group_id,
        }
        return errors.gone(error, f"reading topic {self._topic!r}", **context)


def _consume(consumer: Consumer, max_messages: int, timeout_seconds: float) -> list[Message]:
    """Wait for one message, then take along what is there.

    ``consume(n, timeout)`` would wait for the whole timeout whenever fewer than ``n`` are there.
    """
    found = consumer.consume(1, timeout_seconds)
    if found and max_messages > 1:
        found += consumer.consume(max_messages - 1, 0)
    return found
