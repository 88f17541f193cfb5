"""What Kafka tells: positions, ranges, bounds, groups, messages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Position:
    """Next offset to read in a partition, as committed, with the leader epoch of the message before it."""

    next_offset: int
    leader_epoch: int | None = None


@dataclass(frozen=True, slots=True)
class Committed:
    """A group's committed position and the text committed beside it."""

    position: Position
    metadata: str = ""


@dataclass(frozen=True, slots=True)
class OffsetRange:
    """Half-open range of one partition."""

    partition: int
    start_offset: int
    end_offset: int
    leader_epoch: int | None = None  # of the last message below end_offset

    @property
    def position(self) -> Position:
        """Where reading goes on after this range."""
        return Position(self.end_offset, self.leader_epoch)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a partition holds: ``log_start <= last_stable <= high_watermark``."""

    log_start: int
    last_stable: int
    high_watermark: int


@dataclass(frozen=True, slots=True)
class TopicFacts:
    """Identity of a topic. What the cluster cannot tell is None and named in ``unchecked``."""

    topic: str
    partitions: tuple[int, ...]
    topic_id: str | None
    cluster_id: str | None
    unchecked: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GroupMember:
    """A live member of a consumer group. ``topics``: of the partitions that it is assigned, as far as told."""

    member_id: str
    client_id: str
    host: str
    topics: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rights:
    """What a login may do, in Kafka's words (``READ``, ``DESCRIBE``, …); None: the cluster does not tell.

    :param topics: by their names.
    """

    topics: Mapping[str, frozenset[str] | None]
    group: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class GroupFacts:
    """Who else uses a consumer group."""

    members: tuple[GroupMember, ...] = ()
    other_topics: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Polled:
    """Answer of one poll of a Source.

    ``messages`` has RAW_SCHEMA; ``leader_epochs`` is the epoch of the last message per partition;
    ``ends`` maps a partition to the offset of its end-of-partition event;
    ``out_of_range`` maps a partition to the offset that the broker no longer (or not yet) has.
    """

    messages: pa.RecordBatch
    leader_epochs: Mapping[int, int] = field(default_factory=dict)
    ends: Mapping[int, int] = field(default_factory=dict)
    out_of_range: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Gap:
    """Messages that Kafka no longer has: ``[start_offset, end_offset)``."""

    partition: int
    start_offset: int
    end_offset: int

    def to_json(self) -> dict[str, int]:
        """As in the run report."""
        return {"partition": self.partition, "start": self.start_offset, "end": self.end_offset}
