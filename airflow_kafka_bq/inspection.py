"""What looking after a table needs of a Warehouse: reads that find what should not be there, and their repair.

Part of the ports (see ``airflow_kafka_bq.ports``): held by the in-memory parts and the real adapter alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol

from airflow_kafka_bq.batch import ColumnBounds, JobResult, OffsetRange, RunContext
from airflow_kafka_bq.config.partitioning import Partitioning
from airflow_kafka_bq.config.values import TableId
from airflow_kafka_bq.schema.columns import Column
from airflow_kafka_bq.schema.target import Target

Examples = tuple[tuple[Mapping[str, Any], int], ...]
"""Keys, by their columns, and how many rows each has."""


@dataclass(frozen=True, slots=True)
class Scan:
    """Rows of a table that are looked at.

    :param target: with the partitioning that the table has.
    :param day: column whose day the counts are shown by; None: the table has no column of time.
    :param bounds: literal range of a column, half-open; None: all rows.
    """

    target: Target
    day: Column | None = None
    bounds: ColumnBounds | None = None


def by_time(target: Target) -> Partitioning | None:
    """The partitioning by a column of time; None: there is none, or another one, by which no days can be told."""
    found = target.partitioning
    return found if isinstance(found, Partitioning) and not found.by_ingestion else None


@dataclass(frozen=True, slots=True)
class Surplus:
    """Rows beyond the first of each group of equal ones; ``groups`` are those that have any."""

    groups: int = 0
    rows: int = 0


@dataclass(frozen=True, slots=True)
class DayCount:
    """Rows of a day, and how many of them are duplicates. None: the rows have no day."""

    day: date | None
    rows: int
    duplicates: int


@dataclass(frozen=True, slots=True)
class Duplicates:
    """What a scan counted.

    :param null_keys: rows whose dedup key has a NULL, which equals nothing: no MERGE finds them again.
    :param by_coordinates: None: the table has no coordinates. :param copies: equal in key and coordinates.
    """

    rows: int
    null_keys: int
    by_key: Surplus
    by_coordinates: Surplus | None
    copies: Surplus
    days: tuple[DayCount, ...]


@dataclass(frozen=True, slots=True)
class Shortage:
    """A batch of the history of which fewer messages are found than it applied."""

    batch_id: str
    revision: int
    kind: str
    applied_at: datetime
    expected: int
    found: int


@dataclass(frozen=True, slots=True)
class Strays:
    """Rows of one Kafka partition that no batch of the history read.

    :param early: they lie in front of where the job began with their partition, or it never did.
    """

    partition: int
    first_offset: int
    last_offset: int
    rows: int
    early: bool


class Audits(Protocol):
    """Reads of a target, its history and its dead letters. None of them changes anything.

    Each is dry-run first, and runs with the same limit.

    :raises CostLimitError: it would read more bytes than allowed; nothing was spent.
    """

    @property
    def estimated_bytes(self) -> int:
        """Bytes of all reads so far, by their dry runs."""

    def duplicates(self, scan: Scan, max_bytes_billed: int | None) -> Duplicates:
        """Rows, and those that are there more than once: by dedup key, by coordinates, by both."""

    def examples(self, scan: Scan, most: int, max_bytes_billed: int | None) -> Examples:
        """Dedup keys with most rows, and how many they have."""

    def covered(self, target: Target, pipeline: str, *, live: bool = False) -> tuple[OffsetRange, ...]:
        """What the batches of a pipeline have read, neighbours joined; empty without a history.

        :param live: those that moved the position alone.
        """

    def skipped(self, target: Target, pipeline: str) -> tuple[OffsetRange, ...]:
        """What a seek moved the position over, as covered; a batch may have read it all the same."""

    def lost(self, target: Target, topic: str) -> tuple[OffsetRange, ...]:
        """Ranges that Kafka no longer had, as the dead-letter table says."""

    def shortages(
        self, scan: Scan, topic: str, pipeline: str, block: int, most: int, max_bytes_billed: int | None
    ) -> tuple[Shortage, ...]:
        """Batches of which not every message that was not left out is a row or a dead letter, the oldest ones first.

        Rows are those of the whole table: no batch says which of its partitions it touched. Right for tables whose
        dedup key is the coordinates.

        :param block: offsets that are compared at a time; an even split of the longest range is cheapest.
        """

    def strays(
        self,
        scan: Scan,
        topic: str,
        covered: Sequence[OffsetRange],
        firsts: Mapping[int, int],
        max_bytes_billed: int | None,
    ) -> tuple[Strays, ...]:
        """Rows of a topic whose offsets no range holds; early ones lie in front of their partition's first offset."""

    def leftovers(self, target: Target) -> tuple[Leftover, ...]:
        """Staging tables of this target, whoever made them."""

    def batches_since(self, target: Target, since: datetime) -> int:
        """How many batches all pipelines of the target have applied since then; 0 without a history."""


@dataclass(frozen=True, slots=True)
class Leftover:
    """A staging table that is there. ``expires_at`` None: it will be there until somebody drops it."""

    table: str
    created_at: datetime | None
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Doubled:
    """Duplicates that are removed together: those whose first rows lie in one partition of the table.

    :param first: start of that partition; None: rows without one, or a table without partitions.
    :param parts: starts of all partitions that hold rows of their keys. :param rows: of these keys, kept ones included.
    """

    first: Any
    parts: tuple[Any, ...]
    keys: int
    rows: int

    @property
    def name(self) -> str:
        """What the backup calls them."""
        return "none" if self.first is None else str(self.first.isoformat())


@dataclass(frozen=True, slots=True)
class RepairSpec:
    """One transaction: fence, backup, removal.

    :param columns: all columns of the table, also those that are not ours.
    :param first: start of the first partition of the keys; see ``Doubled``. :param part: what the backup calls them.
    :param bounds: partitions that hold the rows; None: the whole table.
    """

    target: Target
    columns: tuple[str, ...]
    pipeline: str
    revision: int
    backup: TableId
    first: Any
    part: str
    bounds: ColumnBounds | None
    context: RunContext


@dataclass(frozen=True, slots=True)
class BackedUp:
    """What a backup has of one part of a repair."""

    part: str
    kept: int
    removed: int


class Repairs(Protocol):
    """Removal of duplicates, and its undoing. Every change is fenced by the ledger's revision, as a batch's is."""

    def doubled(self, scan: Scan, max_bytes_billed: int | None) -> tuple[Doubled, ...]:
        """Where the duplicates lie that the job's own rule decides, by their first partitions.

        Keys whose rows it cannot tell apart are left out: different rows without coordinates, and, where versions and
        deletions decide together, keys with deleted and undeleted rows.
        """

    def make_backup(self, target: Target, backup: TableId, expires_at: datetime) -> None:
        """An empty table with the columns of the target, their policy tags, and two of ours."""

    def estimate(self, spec: RepairSpec) -> int:
        """Upper bound of the bytes of a removal, by dry run. The backup need not exist."""

    def remove(self, job_id: str, spec: RepairSpec, max_bytes_billed: int | None) -> JobResult:
        """Copy all rows of the doubled keys to the backup, and leave one of each in the table: all of it or nothing.

        A job that BigQuery ended with an error is returned, ``Failure.LEDGER_MOVED`` where a run was faster.
        """

    def backed_up(self, backup: TableId) -> tuple[BackedUp, ...]:
        """What a backup holds, part by part. :raises NotFoundError: there is none, or it has expired."""

    def restore(self, job_id: str, spec: RepairSpec, max_bytes_billed: int | None) -> JobResult:
        """Put one part's removed rows back and take them out of the backup: all of it or nothing."""
