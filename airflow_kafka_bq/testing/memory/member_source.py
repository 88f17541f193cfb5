"""The MemberSource port over a cluster in memory."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from airflow_kafka_bq.batch import Polled, Position
from airflow_kafka_bq.exceptions import PartitionsLostError, TerminalError
from airflow_kafka_bq.ports.source import ShareChanged
from airflow_kafka_bq.testing.memory.kafka import MemoryCluster
from airflow_kafka_bq.testing.memory.log import Isolation
from airflow_kafka_bq.testing.memory.source import MemorySource

_numbers = itertools.count(1)


class MemoryMemberSource(MemorySource):
    """See :class:`airflow_kafka_bq.ports.source.MemberSource`. Heart-beats go on until the cluster puts it out."""

    eviction_seconds = 300.0

    def __init__(
        self, cluster: MemoryCluster, topic: str, group_id: str, isolation_level: Isolation = "read_committed"
    ) -> None:
        super().__init__(cluster, topic, group_id, isolation_level)
        self.member_id = f"member-{next(_numbers)}"
        self._is_member = False

    def join(self, positions: Mapping[int, Position]) -> None:  # noqa: ARG002 - ``open`` says where reading begins
        """Subscribe."""
        if self._is_member:
            raise TerminalError("this source has joined its group before")
        with self._request("join"), self._cluster.effect("join"):
            self._cluster.members.join(self._group_id, self.member_id, self._topic)
            self._is_member = True

    def share(self, timeout_seconds: float) -> frozenset[int]:  # noqa: ARG002 - a rebalance is over at once
        """Partitions that are ours."""
        self._check_open()
        with self._cluster.lock:
            found = self._cluster.members.share(self._group_id, self.member_id)
        if found is None:
            raise PartitionsLostError(
                f"the member was put out of group {self._group_id!r}",
                topic=self._topic, group_id=self._group_id, remedy="run it again",
            )  # fmt: skip
        return found

    @contextmanager
    def holding(self, partitions: frozenset[int]) -> Iterator[None]:
        """A rebalance does not wait for anybody here: its time runs out at once."""
        self._require(partitions)
        yield

    def open(self, positions: Mapping[int, Position]) -> None:
        """Fetch from here."""
        self._require(frozenset(positions))
        super().open(positions)

    def poll(self, max_messages: int, timeout_seconds: float) -> Polled:
        """Messages and events of open partitions."""
        self._require(frozenset(self._fetches))
        return super().poll(max_messages, timeout_seconds)

    def commit(self, positions: Mapping[int, Position], metadata: str) -> None:
        """Commit as a member what is ours."""
        if not self._is_member:
            super().commit(positions, metadata)
            return
        if not positions:
            return
        with self._request("commit"), self._cluster.effect("commit"):
            ours = self.share(0)
            mine = {part: at for part, at in positions.items() if part in ours}
            if mine:
                self._cluster.groups.commit(self._group_id, self._topic, mine, metadata, member_id=self.member_id)

    def close(self) -> None:
        """Leave the group."""
        with self._cluster.lock:
            if not self.closed:
                self._cluster.members.leave(self._group_id, self.member_id)
        super().close()

    def _require(self, partitions: frozenset[int]) -> None:
        if not self.share(0) >= partitions:
            raise ShareChanged
