"""What the stations hand over to each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import pyarrow as pa

from airflow_kafka_bq.batch.coordinates import Bounds, Gap, OffsetRange, Position, TopicFacts
from airflow_kafka_bq.batch.jobs import ColumnBounds
from airflow_kafka_bq.batch.letters import LetterPlace


class Kind(StrEnum):
    """Why a batch was applied; the history keeps it."""

    LIVE = "live"
    WINDOW = "window"
    REDRIVE = "redrive"
    SEEK = "seek"  # no batch: offsets that a position was moved over on purpose


class Outcome(StrEnum):
    """How a run ended."""

    END = "end"
    LIMIT = "limit"
    WINDOW = "window"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """A pipeline's row of the ledger. ``positions`` is empty where only windows ran so far."""

    pipeline: str
    topic: str
    topic_id: str | None
    cluster_id: str | None
    group_id: str | None
    revision: int
    batch_id: str | None
    job_id: str | None
    positions: Mapping[int, Position]
    target_created_at: str | None  # ISO time, UTC, milliseconds
    updated_by: str | None = None

    def is_of(self, facts: TopicFacts) -> bool:
        """Whether the row was written for this topic and not for an earlier one of its name, as far as ids are told."""
        return self.topic_id is None or facts.topic_id is None or self.topic_id == facts.topic_id


@dataclass(frozen=True, slots=True)
class PartitionPlan:
    """What a run will read of one partition."""

    partition: int
    start_offset: int
    end_offset: int
    leader_epoch: int | None
    bounds: Bounds
    committed: int | None

    @property
    def lag(self) -> int:
        """Messages at most between the start and the end of the run."""
        return self.end_offset - self.start_offset


@dataclass(frozen=True, slots=True)
class RunPlan:
    """Ranges, identity and fencing token of a run."""

    facts: TopicFacts
    pipeline: str
    kind: Kind
    partitions: Mapping[int, PartitionPlan]
    revision: int | None  # None: fence="none"
    positions: Mapping[int, Position]  # of every partition of the topic, as the ledger has them
    gaps: tuple[Gap, ...] = ()
    unchecked: tuple[str, ...] = ()
    shared: bool = False  # the other partitions of the ledger's row are moved by other members

    @property
    def lag(self) -> int:
        """Messages at most in this run."""
        return sum(part.lag for part in self.partitions.values())


@dataclass(frozen=True, slots=True)
class RawBatch:
    """Messages of one batch as read, with the ranges they close."""

    messages: pa.Table  # RAW_SCHEMA
    ranges: tuple[OffsetRange, ...]
    gaps: tuple[Gap, ...] = ()


@dataclass(frozen=True, slots=True)
class Decoded:
    """Rows, dead letters and what was dropped; ``rows.num_rows + dead_letters + ignored == messages``.

    ``rows`` has one Arrow column per target column that the load carries (wire types: see ``schema.wire``),
    plus ``_tombstone`` (bool). ``dead_letters`` has DEAD_LETTER_SCHEMA. Where ``written`` has the rows, those columns
    alone are in memory that somebody looks at behind it (``bounds.looked_at``); ``again`` decodes the batch anew.
    """

    rows: pa.Table
    dead_letters: pa.Table
    origins: Any | None = None  # index of each row's message in the raw batch
    ignored: int = 0
    unknown_fields: int = 0
    timestamps_replaced: int = 0
    written: Future[Written] | None = None  # the rows, numbered, where they are written already or soon will be
    again: Callable[[], Decoded] | None = None

    def whole(self) -> Decoded:
        """With all columns of its rows."""
        return self if self.again is None else self.again()


@dataclass(frozen=True, slots=True)
class Written:
    """Rows of a batch in the file that their load job sends (``ports.StagingFile``); None once it is loaded."""

    file: Any
    schema: pa.Schema
    rows: int
    digest: str
    seconds: float  # that writing them took


@dataclass(frozen=True, slots=True)
class StagedTable:
    """A staging table (full id), and how many rows it holds."""

    table: str
    rows: int


@dataclass(frozen=True, slots=True)
class Staged:
    """What lies in staging tables, and one MERGE applies; the rows are no longer in memory.

    ``rows_tables`` and ``dead_letters_tables`` are in the order in which their messages were read: one each at most,
    where every batch has a MERGE of its own.
    """

    batch_id: str
    kind: Kind
    ranges: tuple[OffsetRange, ...]
    messages: int
    rows: int
    dead_lettered: int
    ignored: int
    tombstones: int
    rows_tables: tuple[StagedTable, ...]
    dead_letters_tables: tuple[StagedTable, ...]
    load_job_ids: tuple[str, ...]
    bounds: tuple[ColumnBounds, ...] = ()  # of the rows, for the target
    dead_letter_bounds: tuple[ColumnBounds, ...] = ()


@dataclass(frozen=True, slots=True)
class Portion:
    """What one MERGE applies, a batch or several, and what the report needs of it.

    :param batches: how many there are in it. :param size_bytes: keys, values and headers.
    :param letter: the last dead letter of a redrive.
    :param leftovers: what else was staged, and is dropped with it.
    """

    staged: Staged
    batches: int
    gaps: tuple[Gap, ...]
    unknown_fields: int
    timestamps_replaced: int
    size_bytes: int
    letter: LetterPlace | None
    leftovers: tuple[Staged, ...] = ()


@dataclass(frozen=True, slots=True)
class Applied:
    """What one MERGE did."""

    revision: int | None  # of the ledger after it
    merge_job_id: str
    inserted: int
    updated: int
    deleted: int
    estimated_bytes: int
    bytes_billed: int
    overtaken: bool = False  # applied, and another live writer went on from there
