"""What BigQuery jobs tell, and who runs them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


@dataclass(frozen=True, slots=True)
class RunContext:
    """Who runs this: kept in the ledger and the history."""

    dag_id: str | None = None
    task_id: str | None = None
    run_id: str | None = None
    try_number: int | None = None
    who: str = "kafka-bq"

    @property
    def task(self) -> dict[str, str | int | None]:
        """Columns of the history."""
        return {
            "dag_id": self.dag_id,
            "task_id": self.task_id,
            "run_id": self.run_id,
            "try_number": self.try_number,
        }


class Failure(StrEnum):
    """Why a BigQuery job failed, sorted by what to do next. Nothing of it was applied."""

    AGAIN = "again"  # next attempt with a new job id
    CONFLICT = "conflict"  # cancelled by a concurrent writer: next attempt, with jitter
    LEDGER_MOVED = "ledger_moved"  # another writer holds the fencing token: reload the ledger
    LETTERS_MOVED = "letters_moved"  # dead letters that were to be redriven are so already, or gone
    BAD_ROWS = "bad_rows"  # a row of the batch is the cause, as far as can be told
    TERMINAL = "terminal"


@dataclass(frozen=True, slots=True)
class JobResult:
    """A finished BigQuery job. ``error`` is set if and only if ``failure`` is."""

    job_id: str
    attached: bool = False  # the id was there already; this call waited for the older submission
    failure: Failure | None = None
    error: Exception | None = None
    destination: str | None = None  # of a load job
    output_rows: int | None = None  # of a load job
    inserted: int = 0
    updated: int = 0
    deleted: int = 0  # rows marked or removed by tombstones
    bytes_billed: int = 0


@dataclass(frozen=True, slots=True)
class Recent:
    """What the history has of a while: batches of all writers of a table, and their load jobs."""

    batches: int = 0
    load_jobs: int = 0


@dataclass(frozen=True, slots=True)
class ColumnBounds:
    """Literal bounds of one column in a batch. ``ranges`` are half-open for the partition column, else inclusive."""

    column: str
    ranges: tuple[tuple[Any, Any], ...]
    values: tuple[Any, ...] = ()  # few distinct values instead of ranges
    has_null: bool = False


@dataclass(frozen=True, slots=True)
class Absent:
    """A message whose key has no row, or an older one than the message."""

    key: Mapping[str, Any]
    partition: int
    offset: int
    missing: bool


@dataclass(frozen=True, slots=True)
class Absence:
    """What a MERGE would insert or replace; the first of them as examples."""

    missing: int = 0
    older: int = 0
    places: tuple[Absent, ...] = ()
