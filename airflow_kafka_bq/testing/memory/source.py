"""The Source port over a cluster in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from airflow_kafka_bq.batch import (
    RAW_SCHEMA,
    Bounds,
    Committed,
    GroupFacts,
    Polled,
    Position,
    Rights,
    TopicFacts,
)
from airflow_kafka_bq.exceptions import AccessDeniedError, IngestError, TerminalError
from airflow_kafka_bq.testing.memory.clock import milliseconds_at_or_after
from airflow_kafka_bq.testing.memory.kafka import MemoryCluster
from airflow_kafka_bq.testing.memory.log import Isolation, PartitionLog, Record

TOPIC_ID, GROUP_MEMBERS = "topic_id", "group_members"


@dataclass(slots=True)
class _Fetch:
    """A partition that is being read."""

    position: int
    epoch: int | None  # of the record before the position
    end_told: int | None = None  # the end-of-partition event comes once per reached end
    out_of_range: bool = False  # told once; the client then stays silent about the partition


class MemorySource:
    """One topic and one consumer group. See :class:`airflow_kafka_bq.ports.Source`."""

    def __init__(
        self, cluster: MemoryCluster, topic: str, group_id: str, isolation_level: Isolation = "read_committed"
    ) -> None:
        self._cluster = cluster
        self._topic = topic
        self._group_id = group_id
        self._isolation = isolation_level
        self._fetches: dict[int, _Fetch] = {}
        self._trouble: str | None = None
        self.closed = False

    @contextmanager
    def _request(self, call: str) -> Iterator[None]:
        self._check_open()
        with self._cluster.lock:
            try:
                self._cluster.request(call)
                yield
            except IngestError as error:
                raise error.located(topic=self._topic, group_id=self._group_id)  # noqa: B904 - the same error

    def describe(self) -> TopicFacts:
        """Partitions and identity."""
        with self._request("describe"):
            topic = self._cluster.topic(self._topic)
            partitions = tuple(self._cluster.partitions(self._topic))
            if self._cluster.tells_identities:
                return TopicFacts(self._topic, partitions, topic.topic_id, self._cluster.cluster_id)
            return TopicFacts(self._topic, partitions, None, self._cluster.cluster_id, (TOPIC_ID,))

    def topic_id(self) -> str | None:
        """The topic's id now."""
        with self._request("topic_id"):
            found = self._cluster.topic(self._topic).topic_id
            return found if self._cluster.tells_identities else None

    def committed(self) -> Mapping[int, Committed]:
        """Committed positions."""
        with self._request("committed"):
            return self._cluster.groups.committed(self._group_id, self._topic)

    def group(self) -> GroupFacts:
        """Members and other topics."""
        with self._request("group"):
            groups = self._cluster.groups
            others = tuple(name for name in groups.topics(self._group_id) if name != self._topic)
            if self._cluster.tells_identities:
                return GroupFacts(groups.members(self._group_id), others)
            return GroupFacts((), others, (GROUP_MEMBERS,))

    def bounds(self) -> Mapping[int, Bounds]:
        """Log start, last stable offset, high watermark."""
        with self._request("bounds"):
            logs = self._cluster.topic(self._topic).logs
            return {number: log.bounds(self._isolation) for number, log in enumerate(logs)}

    def offsets_at(self, time: datetime) -> Mapping[int, int]:
        """First offset at or after a time."""
        with self._request("offsets_at"):
            logs = self._cluster.topic(self._topic).logs
            first_ms = milliseconds_at_or_after(time)
            return {number: log.offset_at(first_ms, self._isolation) for number, log in enumerate(logs)}

    def times_at(self, wanted: Mapping[int, int]) -> Mapping[int, int]:
        """When the message at an offset was written."""
        with self._request("times_at"):
            logs = self._cluster.topic(self._topic).logs
            found = {number: logs[number].time_at(offset) for number, offset in wanted.items()}
            return {number: at for number, at in found.items() if at is not None}

    def retention_ms(self) -> int | None:
        """How long the topic keeps messages; None where the cluster tells no identities either."""
        with self._request("retention_ms"):
            topic = self._cluster.topic(self._topic)
            return topic.retention_ms if self._cluster.tells_identities else None

    def permitted(self, *others: str) -> Rights:
        """What the login may do, as the cluster says."""
        with self._request("permitted"):
            names = (self._topic, *others)
            group = self._cluster.rights_on_group(self._group_id)
            return Rights({name: self._cluster.rights_on(name) for name in names}, group)

    def open(self, positions: Mapping[int, Position]) -> None:
        """Fetch from here. A missing topic or partition is silent, as with the client."""
        self._fetches = {number: _Fetch(at.next_offset, at.leader_epoch) for number, at in positions.items()}

    def poll(self, max_messages: int, timeout_seconds: float) -> Polled:
        """Messages and events; an empty answer takes the whole timeout."""
        self._check_open()
        with self._cluster.lock:
            self._cluster.check("poll")
            polled = self._silence() if self._cluster.trouble or self._cluster.silent else self._fetch(max_messages)
        if not (polled.messages.num_rows or polled.ends or polled.out_of_range):
            self._cluster.sleep(timeout_seconds)
        return polled

    def finish(self, partition: int) -> None:
        """Stop fetching a partition."""
        self._fetches.pop(partition, None)

    def fetch_positions(self) -> Mapping[int, int]:
        """Next offset to ask for, of what is being fetched."""
        return {partition: fetch.position for partition, fetch in self._fetches.items()}

    def connection_error(self) -> str | None:
        """Trouble since the last message."""
        return self._trouble

    def commit(self, positions: Mapping[int, Position], metadata: str) -> None:
        """Commit without joining the group."""
        if not positions:
            return
        with self._request("commit"), self._cluster.effect("commit"):
            self._cluster.groups.commit(self._group_id, self._topic, positions, metadata)

    def delete_group(self) -> None:
        """Delete the group unless it has members."""
        with self._request("delete_group"), self._cluster.effect("delete_group"):
            rights = self._cluster.rights_on_group(self._group_id)
            if rights is not None and "DELETE" not in rights:
                raise AccessDeniedError("the login may not delete the group", group_id=self._group_id)
            self._cluster.groups.delete(self._group_id)

    def close(self) -> None:
        """Stop fetching."""
        self._fetches = {}
        self.closed = True

    def _check_open(self) -> None:
        if self.closed:
            raise TerminalError("this Kafka source is closed", topic=self._topic, group_id=self._group_id)

    def _silence(self) -> Polled:
        self._trouble = self._cluster.trouble
        return Polled(_messages([]))

    def _fetch(self, max_messages: int) -> Polled:
        records: list[tuple[int, Record]] = []
        epochs: dict[int, int] = {}
        ends: dict[int, int] = {}
        out_of_range: dict[int, int] = {}
        for partition in self._fetchable():
            fetch, log = self._fetches[partition], self._cluster.log(self._topic, partition)
            if not log.log_start <= fetch.position <= log.high_watermark or _is_truncated(fetch, log):
                fetch.out_of_range = True
                out_of_range[partition] = fetch.position
                continue
            found, after = log.fetch(fetch.position, max_messages - len(records), self._isolation)
            if after > fetch.position:
                fetch.position, fetch.epoch = after, log.epoch_before(after)
            records += [(partition, record) for record in found]
            if found:
                epochs[partition] = found[-1].leader_epoch
            # An event is an entry of the client's answer as a message is: it waits where the answer is full.
            at_end = fetch.position >= log.end(self._isolation)
            if len(records) < max_messages and at_end and fetch.end_told != fetch.position:
                fetch.end_told = ends[partition] = fetch.position
        if records or ends:
            self._trouble = None
        return Polled(_messages(records), epochs, ends, out_of_range)

    def _fetchable(self) -> list[int]:
        """Partitions to fetch now; who was served waits behind the others, so that a small limit starves nobody."""
        there = self._cluster.partitions(self._topic)
        stalled = self._cluster.topic(self._topic).stalled if there else set()
        ready = [
            partition
            for partition, fetch in self._fetches.items()
            if partition in there and partition not in stalled and not fetch.out_of_range
        ]
        if ready:
            self._fetches[ready[0]] = self._fetches.pop(ready[0])
        return ready


def _is_truncated(fetch: _Fetch, log: PartitionLog) -> bool:
    """The client asks where the position's epoch ended; in front of the position means: other records stand there."""
    return fetch.epoch is not None and log.end_of_epoch(fetch.epoch) < fetch.position


def _messages(records: list[tuple[int, Record]]) -> pa.RecordBatch:
    rows = [
        {
            "partition": partition,
            "offset": record.offset,
            "timestamp_ms": record.timestamp_ms,
            "key": record.key,
            "value": record.value,
            "headers": None
            if not record.headers
            else [{"key": name, "value": value} for name, value in record.headers],
        }
        for partition, record in records
    ]
    return pa.RecordBatch.from_pylist(rows, schema=RAW_SCHEMA)
