"""A Kafka cluster in memory: logs, transactions, topics that change, and faults."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field

from airflow_kafka_bq.exceptions import KafkaUnavailableError, NotFoundError
from airflow_kafka_bq.testing.memory.clock import Clock, milliseconds, sleep_of, utc_now
from airflow_kafka_bq.testing.memory.faults import Faults
from airflow_kafka_bq.testing.memory.groups import Groups
from airflow_kafka_bq.testing.memory.log import Headers, PartitionLog, Record
from airflow_kafka_bq.testing.memory.members import Members

WEEK_MS = 7 * 24 * 3600 * 1000  # Kafka: log.retention.hours
TOPIC_OPERATIONS = frozenset(
    ("READ", "WRITE", "CREATE", "DELETE", "ALTER", "DESCRIBE", "DESCRIBE_CONFIGS", "ALTER_CONFIGS")
)
GROUP_OPERATIONS = frozenset(("READ", "DELETE", "DESCRIBE", "DESCRIBE_CONFIGS", "ALTER_CONFIGS"))
NOW = -(2**63)
"""Timestamp of a message: the cluster's clock. None stands for a message that carries no timestamp."""


@dataclass(slots=True)
class Topic:
    """A topic's identity and its partitions."""

    topic_id: str
    logs: list[PartitionLog]
    retention_ms: int
    stalled: set[int] = field(default_factory=set)
    max_message_bytes: int = 1_048_588  # as a broker has it; only copies of dead letters are held to it


class MemoryCluster(Faults):
    """One cluster for any number of :class:`~airflow_kafka_bq.testing.memory.source.MemorySource`. Thread-safe.

    ``fail_next(call, error)`` takes the names of the Source's methods, and ``send``; ``on_effect`` hears of ``commit``
    and ``send``.
    ``groups`` has members, commits and expiry; ``members`` those that subscribe.

    :param clock: time of day; with a ``VirtualClock`` an empty poll advances it instead of waiting.
    :param topic_ids: False for a cluster that cannot tell them, nor members of groups (librdkafka's mock).
    """

    def __init__(self, clock: Clock = utc_now, *, cluster_id: str | None = "memory", topic_ids: bool = True) -> None:
        super().__init__()
        self.clock = clock
        self.sleep = sleep_of(clock)
        self.cluster_id = cluster_id
        self.tells_identities = topic_ids
        self.lock = threading.RLock()
        self.groups = Groups(clock, self.partitions)
        self.members = Members(self.groups, self.partitions)
        self.trouble: str | None = None  # what the clients' error callback says while no broker answers
        self.forbidden: set[tuple[str, str]] = set()  # (name of a topic, "group" or "group NAME", operation); told
        self.silent = False  # nothing is fetched, and nobody says why
        self._topics: dict[str, Topic] = {}
        self._numbers = itertools.count(1)

    # Topics

    def create_topic(self, name: str, partitions: int = 1, *, retention_ms: int = WEEK_MS) -> str:
        """A new topic with an id of its own, also under a name that was used before.

        :param retention_ms: only told, never acted upon: see :meth:`delete_records`.
        :raises ValueError: there is such a topic.
        """
        if name in self._topics:
            msg = f"topic {name!r} exists"
            raise ValueError(msg)
        topic_id = f"topic-{next(self._numbers)}"
        self._topics[name] = Topic(topic_id, [PartitionLog() for _ in range(partitions)], retention_ms)
        return topic_id

    def delete_topic(self, name: str) -> None:
        """Records and every group's positions are gone; consumers only notice silence."""
        del self._topics[name]
        self.groups.forget_topic(name)

    def add_partitions(self, name: str, total: int) -> None:
        """CreatePartitions: the new ones start at offset 0."""
        logs = self.topic(name).logs
        logs.extend(PartitionLog() for _ in range(total - len(logs)))

    def topic(self, name: str) -> Topic:
        """:raises NotFoundError: no such topic."""
        found = self._topics.get(name)
        if found is None:
            raise NotFoundError(f"topic {name!r} does not exist", topic=name)
        return found

    def partitions(self, name: str) -> range:
        """Partitions of a topic; empty if there is none."""
        return range(len(self._topics[name].logs)) if name in self._topics else range(0)

    def log(self, name: str, partition: int) -> PartitionLog:
        """:raises NotFoundError: no such topic or partition."""
        if partition not in self.partitions(name):
            raise NotFoundError(f"topic {name!r} has no partition {partition}", topic=name, partition=partition)
        return self._topics[name].logs[partition]

    def rights_on(self, topic: str) -> frozenset[str] | None:
        """Operations that a login may do on a topic; None where there is none, or nothing is told."""
        if not self.tells_identities or topic not in self._topics:
            return None
        return TOPIC_OPERATIONS - {operation for name, operation in self.forbidden if name == topic}

    def rights_on_group(self, group_id: str) -> frozenset[str] | None:
        """Operations that a login may do on a group; None where nothing is told."""
        if not self.tells_identities:
            return None
        names = {"group", f"group {group_id}"}
        return GROUP_OPERATIONS - {operation for name, operation in self.forbidden if name in names}

    # Records

    def produce(
        self,
        topic: str,
        value: bytes | None,
        *,
        key: bytes | None = None,
        partition: int = 0,
        headers: Headers | None = None,
        timestamp_ms: int | None = NOW,
        transaction: int | None = None,
    ) -> int:
        """Append a message; its offset."""
        stamped = milliseconds(self.clock()) if timestamp_ms == NOW else timestamp_ms
        record = Record(-1, stamped, key, value, headers, transaction=transaction)
        with self.lock:
            return self.log(topic, partition).append(record)

    def produce_all(self, topic: str, values: Iterable[bytes | None], *, partition: int = 0) -> list[int]:
        """Append several messages; their offsets."""
        return [self.produce(topic, value, partition=partition) for value in values]

    def transaction(self) -> Transaction:
        """Begin a transaction. Left open, it holds the last stable offset where it is."""
        return Transaction(self, next(self._numbers))

    def compact(self, topic: str) -> None:
        """Let the cleaner run over all partitions: holes, and the log start stays."""
        with self.lock:
            for log in self.topic(topic).logs:
                log.compact()

    def delete_records(self, topic: str, partition: int, before: int) -> None:
        """Retention, or DeleteRecords: the log start moves to ``before``."""
        with self.lock:
            self.log(topic, partition).delete_before(before)

    def truncate(self, topic: str, partition: int, end: int) -> None:
        """An unclean leader election loses what is at and past ``end``."""
        with self.lock:
            self.log(topic, partition).truncate(end)

    def elect(self, topic: str, partition: int) -> None:
        """Another broker leads the partition; nothing is lost."""
        with self.lock:
            self.log(topic, partition).elect()

    # Trouble

    def take_down(self, reason: str = "all broker connections are down") -> None:
        """No broker answers: calls fail, polls are silent, the error callback tells the reason."""
        self.trouble = reason

    def bring_up(self) -> None:
        """Brokers answer again."""
        self.trouble = None

    def stall(self, topic: str, partition: int) -> None:
        """A partition without leader: nothing is fetched from it and nobody says why. Undone by :meth:`unstall`."""
        self.topic(topic).stalled.add(partition)

    def unstall(self, topic: str, partition: int) -> None:
        """The partition has a leader again."""
        self.topic(topic).stalled.discard(partition)

    def request(self, call: str) -> None:
        """What every request meets first.

        :raises KafkaUnavailableError: no broker answers.
        :raises IngestError: planted with ``fail_next``.
        """
        self.check(call)
        if self.trouble:
            raise KafkaUnavailableError(f"{call} was not answered in time: {self.trouble}")


class Transaction:
    """Messages that become readable, or not, when it ends."""

    def __init__(self, cluster: MemoryCluster, number: int) -> None:
        self._cluster = cluster
        self.number = number
        self._touched: dict[tuple[str, int], PartitionLog] = {}

    def produce(
        self, topic: str, value: bytes | None, *, key: bytes | None = None, partition: int = 0, timestamp_ms: int = NOW
    ) -> int:
        """Append a message to the transaction; its offset."""
        self._touched[topic, partition] = self._cluster.log(topic, partition)
        return self._cluster.produce(
            topic, value, key=key, partition=partition, timestamp_ms=timestamp_ms, transaction=self.number
        )

    def commit(self) -> None:
        """Write the markers: the messages become readable."""
        self._end(committed=True)

    def abort(self) -> None:
        """Write the markers: the messages stay invisible under read_committed."""
        self._end(committed=False)

    def _end(self, *, committed: bool) -> None:
        now = milliseconds(self._cluster.clock())
        with self._cluster.lock:
            for log in self._touched.values():
                log.end_transaction(self.number, now, committed=committed)
