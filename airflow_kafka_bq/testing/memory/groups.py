"""Consumer groups: members, committed offsets, and commits whose answer is late or lost."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from airflow_kafka_bq.batch import Committed, GroupMember, Position
from airflow_kafka_bq.exceptions import (
    ConfigError,
    GroupInUseError,
    IngestError,
    KafkaUnavailableError,
    PartitionsLostError,
    TerminalError,
    TopicChangedError,
)
from airflow_kafka_bq.testing.memory.clock import Clock

METADATA_BYTES = 4095  # offset.metadata.max.bytes is 4096; Kafka 4.3 refuses text of just that length
OFFSETS_RETENTION = timedelta(days=7)  # Kafka: offsets.retention.minutes


class CommitFate(StrEnum):
    """What becomes of a commit whose answer runs into its time limit."""

    LATE = "late"  # the broker was frozen: applied when it wakes
    LOST = "lost"  # it never arrived


@dataclass(frozen=True, slots=True)
class _Stored:
    committed: Committed
    at: datetime


@dataclass(slots=True)
class _Group:
    members: dict[str, GroupMember] = field(default_factory=dict)
    offsets: dict[tuple[str, int], _Stored] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Commit:
    group_id: str
    topic: str
    positions: Mapping[int, Position]
    metadata: str
    member_id: str | None = None


class Groups:
    """All consumer groups of a cluster.

    :param partitions_of: partitions of a topic; empty if there is none.
    """

    def __init__(self, clock: Clock, partitions_of: Callable[[str], range]) -> None:
        self._clock = clock
        self._partitions_of = partitions_of
        self._groups: defaultdict[str, _Group] = defaultdict(_Group)
        self._fates: deque[CommitFate] = deque()
        self._refusals: dict[tuple[str, int], deque[IngestError]] = defaultdict(deque)
        self._late: list[_Commit] = []

    def join(self, group_id: str, member: GroupMember) -> None:
        """A foreign consumer subscribes with this group id."""
        self._groups[group_id].members[member.member_id] = member

    def leave(self, group_id: str, member_id: str) -> None:
        """A member leaves, or its session ends. Offsets expire from now on (Kafka: since the group became empty)."""
        group = self._groups[group_id]
        del group.members[member_id]
        if not group.members:
            group.offsets = {at: _Stored(kept.committed, self._clock()) for at, kept in group.offsets.items()}

    def members(self, group_id: str) -> tuple[GroupMember, ...]:
        """Live members."""
        return tuple(self._groups[group_id].members.values()) if group_id in self._groups else ()

    def committed(self, group_id: str, topic: str) -> dict[int, Committed]:
        """Positions of a group for one topic."""
        offsets = self._unexpired(group_id)
        return {partition: kept.committed for (name, partition), kept in offsets.items() if name == topic}

    def topics(self, group_id: str) -> tuple[str, ...]:
        """Topics that a group has positions for."""
        return tuple(sorted({name for name, _ in self._unexpired(group_id)}))

    def commit(
        self, group_id: str, topic: str, positions: Mapping[int, Position], metadata: str, member_id: str | None = None
    ) -> None:
        """Commit as a member, or without being one; partitions that are not refused are committed.

        :raises KafkaUnavailableError: the answer was late or lost, as planted by :meth:`fate_of_next`.
        :raises IngestError: the refusal of a partition; one that a person must act on comes first.
        """
        commit = _Commit(group_id, topic, dict(positions), metadata, member_id)
        fate = self._fates.popleft() if self._fates else None
        if fate is CommitFate.LATE:
            self._late.append(commit)
        if fate:
            raise KafkaUnavailableError("the commit was not answered in time", topic=topic, group_id=group_id)
        refusals = self._apply(commit)
        if refusals:
            raise min(refusals, key=lambda error: not isinstance(error, TerminalError))

    def fate_of_next(self, *fates: CommitFate) -> None:
        """The next commits run into their time limit, in this order."""
        self._fates.extend(fates)

    def refuse_next(self, group_id: str, partition: int, error: IngestError) -> None:
        """The next commit of the group is refused for this partition only."""
        self._refusals[group_id, partition].append(error)

    def apply_late(self) -> int:
        """The frozen broker wakes: late commits are applied in order, over whatever was committed since. Their number.

        Nobody hears of a refusal.
        """
        late, self._late = self._late, []
        for commit in late:
            self._apply(commit)
        return len(late)

    def expire(self, group_id: str, topic: str | None = None) -> None:
        """Forget a group's positions, of one topic or of all."""
        group = self._groups[group_id]
        group.offsets = {at: kept for at, kept in group.offsets.items() if topic not in (None, at[0])}

    def delete(self, group_id: str) -> None:
        """DeleteGroups. :raises GroupInUseError: it has members."""
        if self.members(group_id):
            raise GroupInUseError("the group is not empty", group_id=group_id)
        self._groups.pop(group_id, None)

    def forget_topic(self, topic: str) -> None:
        """A deleted topic takes the positions of every group with it."""
        for group_id in self._groups:
            self.expire(group_id, topic)

    def _unexpired(self, group_id: str) -> dict[tuple[str, int], _Stored]:
        if group_id not in self._groups:
            return {}
        group, oldest = self._groups[group_id], self._clock() - OFFSETS_RETENTION
        if not group.members:
            group.offsets = {at: kept for at, kept in group.offsets.items() if kept.at > oldest}
        return group.offsets

    def _apply(self, commit: _Commit) -> list[IngestError]:
        refusals = []
        for partition, position in sorted(commit.positions.items()):
            refusal = self._refusal(commit, partition)
            if refusal:
                refusals.append(refusal.located(topic=commit.topic, partition=partition, group_id=commit.group_id))
            else:  # not checked against the log, neither backwards nor beyond the end
                stored = _Stored(Committed(position, commit.metadata), self._clock())
                self._groups[commit.group_id].offsets[commit.topic, partition] = stored
        return refusals

    def _refusal(self, commit: _Commit, partition: int) -> IngestError | None:
        planted = self._refusals.get((commit.group_id, partition))
        if planted:
            return planted.popleft()
        members = {one.member_id for one in self.members(commit.group_id)}
        if commit.member_id is not None and commit.member_id not in members:
            return PartitionsLostError("the coordinator does not know the member")
        if commit.member_id is None and members:
            return GroupInUseError("the group has members, so a commit from outside is refused")
        if partition not in self._partitions_of(commit.topic):
            return TopicChangedError("the partition is gone")
        if len(commit.metadata.encode()) > METADATA_BYTES:
            return ConfigError(f"the metadata of a commit is longer than {METADATA_BYTES} bytes")
        return None
