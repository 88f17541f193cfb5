"""The two kinds of work that a job does: load a staging table, apply a batch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from airflow_kafka_bq.batch import Failure, JobResult
from airflow_kafka_bq.batch import Kind as BatchKind
from airflow_kafka_bq.config.values import TableId
from airflow_kafka_bq.exceptions import (
    CostLimitError,
    IngestError,
    MergeConflictError,
    MergeRejectedError,
    NotFoundError,
    WarehouseUnavailableError,
)
from airflow_kafka_bq.ports import MergeSpec
from airflow_kafka_bq.testing.memory import ledger
from airflow_kafka_bq.testing.memory.clock import Clock
from airflow_kafka_bq.testing.memory.deletes import TooLate, check_in_time
from airflow_kafka_bq.testing.memory.ledger import LedgerMoved
from airflow_kafka_bq.testing.memory.letters import LettersMoved, mark_redriven, write_dead_letters
from airflow_kafka_bq.testing.memory.statements import (
    Counts,
    Predicate,
    RowRejected,
    check_staged,
    merge_batch,
    target_rows,
)
from airflow_kafka_bq.testing.memory.tables import Cancelled, Row, Tables, Transaction

_FAILURES: dict[type[Exception], tuple[Failure, type[IngestError]]] = {
    LedgerMoved: (Failure.LEDGER_MOVED, MergeConflictError),
    LettersMoved: (Failure.LETTERS_MOVED, MergeConflictError),
    Cancelled: (Failure.CONFLICT, MergeConflictError),
    RowRejected: (Failure.BAD_ROWS, MergeRejectedError),
    NotFoundError: (Failure.TERMINAL, NotFoundError),
    TooLate: (Failure.TERMINAL, WarehouseUnavailableError),
    CostLimitError: (Failure.TERMINAL, CostLimitError),
}


def refuse(rows: Iterable[Row], predicates: Iterable[Predicate]) -> None:
    """:raises RowRejected: the first row that a predicate has a message about."""
    tests = tuple(predicates)
    for row in rows if tests else ():
        for message in (test(row) for test in tests):
            if message is not None:
                raise RowRejected(message)


def failure(job_id: str, error: Exception, destination: str | None = None) -> JobResult:
    """The result of a job that ended with this error."""
    kind, raised = _FAILURES[type(error)]
    return JobResult(job_id, failure=kind, error=raised(f"job {job_id}: {error}"), destination=destination)


def size_bytes(value: Any) -> int:
    """About what BigQuery counts for a value (https://cloud.google.com/bigquery/pricing#data)."""
    if value is None:
        return 0
    if isinstance(value, dict):
        return sum(map(size_bytes, value.values()))
    if isinstance(value, list):
        return sum(map(size_bytes, value))
    return 2 + len(value) if isinstance(value, str | bytes) else 8


def merge_bytes(transaction: Transaction, spec: MergeSpec) -> int:
    """Bytes of the MERGE: what was staged, and what it touches of the target.

    :raises NotFoundError: the target, or what was staged, is not there.
    """
    if not spec.staged.rows_tables:
        return 0
    staged = [row for one in spec.staged.rows_tables for row in transaction.rows(one.table).values()]
    return sum(size_bytes(dict(row)) for row in staged) + target_bytes(transaction, spec)


def target_bytes(transaction: Transaction, spec: MergeSpec) -> int:
    """Of the target's rows within the bounds the key, or all columns where an update is possible."""
    target = spec.target
    read = [column.name for column in target.columns] if target.update else list(target.key)
    theirs = target_rows(transaction, target, spec.staged.bounds).values()
    return sum(size_bytes(row[name]) for row in theirs for name in read)


@dataclass(slots=True)
class LoadWork:
    """Write rows into an empty table."""

    tables: Tables
    job_id: str
    table: TableId
    rows: Sequence[Row]
    refused: list[Predicate]

    def execute(self) -> None:
        """A load job shows nothing before it ends."""

    def cancel(self) -> None:
        """Nothing is held."""

    def commit(self) -> JobResult:
        """All rows or none."""
        try:
            refuse(self.rows, self.refused)
            if self.tables.get(self.table).rows:
                error = MergeRejectedError(f"job {self.job_id}: Already Exists: table {self.table} (duplicate)")
                return JobResult(self.job_id, failure=Failure.TERMINAL, error=error, destination=str(self.table))
        except (RowRejected, NotFoundError) as error:
            return failure(self.job_id, error, str(self.table))
        self.tables.write(str(self.table), self.tables.new_rows(self.rows), changed=False)
        return JobResult(self.job_id, destination=str(self.table), output_rows=len(self.rows))


@dataclass(slots=True)
class MergeWork:
    """The batch's transaction; its snapshot is taken when the work is made."""

    tables: Tables
    clock: Clock
    job_id: str
    spec: MergeSpec
    max_bytes_billed: int | None
    refused: list[Predicate]
    transaction: Transaction = field(init=False)
    _counts: Counts | None = None
    _failed: JobResult | None = None
    _bytes_billed: int = 0

    def __post_init__(self) -> None:
        self.transaction = self.tables.begin()

    def execute(self) -> None:
        """Fence, MERGE, dead letters, history."""
        if self._counts or self._failed:
            return
        self._attempt(self._statements)

    def cancel(self) -> None:
        """Roll back."""
        self.transaction.rollback()

    def commit(self) -> JobResult:
        """Make all of it visible, or nothing."""
        self.execute()
        if not self._failed:
            self._attempt(self.transaction.commit)
        if self._failed:
            return self._failed
        assert self._counts  # noqa: S101 - the statements ran
        done = self._counts
        return JobResult(
            self.job_id,
            inserted=done.inserted,
            updated=done.updated,
            deleted=done.deleted,
            bytes_billed=self._bytes_billed,
        )

    def _attempt(self, step: Callable[[], None]) -> None:
        try:
            step()
        except tuple(_FAILURES) as error:
            self.transaction.rollback()
            self._failed = failure(self.job_id, error)

    def _statements(self) -> None:
        now, spec = self.clock(), self.spec
        ledger.fence(self.transaction, spec, self.job_id, now)
        check_in_time(spec, now)
        check_staged(self.transaction, spec)
        self._bytes_billed = merge_bytes(self.transaction, spec)
        if self.max_bytes_billed is not None and self._bytes_billed > self.max_bytes_billed:
            raise CostLimitError(f"{self._bytes_billed} bytes, {self.max_bytes_billed} allowed")
        for one in spec.staged.rows_tables:
            refuse(self.transaction.rows(one.table).values(), self.refused)
        self._counts = merge_batch(self.transaction, spec, now)
        redrives = spec.staged.kind is BatchKind.REDRIVE
        (mark_redriven if redrives else write_dead_letters)(self.transaction, spec, now)
        ledger.record_history(self.transaction, spec, self.job_id, now)
