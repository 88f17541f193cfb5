"""The Warehouse port over a project in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from airflow_kafka_bq.batch import Absence, JobResult, LedgerRow, OffsetRange, Recent, RunContext, Written
from airflow_kafka_bq.config.values import TableId
from airflow_kafka_bq.exceptions import IngestError, MergeRejectedError
from airflow_kafka_bq.ports import MergeSpec, StagingFile
from airflow_kafka_bq.schema.columns import Column
from airflow_kafka_bq.schema.table_options import asked
from airflow_kafka_bq.schema.target import TableFacts, Target
from airflow_kafka_bq.testing.memory import deletes, ledger
from airflow_kafka_bq.testing.memory.comparing import absent
from airflow_kafka_bq.testing.memory.letter_table import LetterTable
from airflow_kafka_bq.testing.memory.staging_file import MemoryFile, rows_in
from airflow_kafka_bq.testing.memory.statements import RowRejected, staged_rows
from airflow_kafka_bq.testing.memory.tables import Transaction
from airflow_kafka_bq.testing.memory.work import merge_bytes, refuse, target_bytes


class MemoryWarehouse(LetterTable):
    """One client of a project. See :class:`airflow_kafka_bq.ports.Warehouse`."""

    @property
    def project(self) -> str | None:
        """Project of the credentials."""
        return self._database.project

    def table(self, table: TableId) -> TableFacts | None:
        """What is there."""
        with self._call("table"):
            found = self._database.tables.find(table)
            return found.facts if found else None

    def permitted(self, table: TableId, wanted: Sequence[str]) -> frozenset[str] | None:
        """What is not forbidden."""
        with self._call("permitted"):
            if self._database.tables.find(table) is None:
                return None
            return frozenset(wanted) - {right for name, right in self._database.forbidden if name == str(table)}

    def create(self, target: Target) -> None:
        """Create the target unless it exists."""
        with self._effect("create"):
            hours = target.options.get("expiration_hours")
            self._database.tables.create(
                target.table,
                target.columns,
                expires_at=self._database.clock() + timedelta(hours=hours) if hours else None,
                partitioning=target.partitioning,
                cluster_by=target.cluster_by,
                require_partition_filter=bool(target.options.get("require_partition_filter")),
                options=asked(target),
            )

    def add_columns(self, target: Target, names: tuple[str, ...]) -> None:
        """Add columns at the end; an added one can only be nullable. Rows that are there get NULL."""
        with self._effect("add_columns"):
            tables = self._database.tables
            there = tables.get(target.table)
            new = [_nullable(column) for name in names if (column := target.column(name))]
            new = [column for column in new if there.facts.column(column.name) is None]
            tables.alter(target.table, (*there.columns, *new))
            added = {column.name: None for column in new}
            filled = {number: {**row, **added} for number, row in there.rows.items()}
            tables.write(str(target.table), filled, changed=False)

    def relax(self, target: Target, names: tuple[str, ...]) -> None:
        """REQUIRED to NULLABLE."""
        with self._effect("relax"):
            tables, wanted = self._database.tables, {name.lower() for name in names}
            columns = tables.get(target.table).columns
            tables.alter(target.table, [_nullable(one) if one.name.lower() in wanted else one for one in columns])

    def widen(self, target: Target, columns: tuple[Column, ...]) -> None:
        """Wider types; the values that are there stay as they are."""
        with self._effect("widen"):
            tables, wider = self._database.tables, {one.name.lower(): one for one in columns}
            there = tables.get(target.table).columns
            tables.alter(target.table, [wider.get(one.name.lower(), one) for one in there])

    def create_ledger(self, target: Target) -> None:
        """Ledger with its sentinel row, and history."""
        with self._effect("create_ledger"):
            tables = self._database.tables
            if tables.find(target.ledger) is None:
                tables.create(target.ledger, ledger.LEDGER)
                tables.write(
                    str(target.ledger), tables.new_rows([ledger.sentinel(self._database.clock())]), changed=False
                )
            tables.create(target.history, ledger.HISTORY)

    def create_dead_letters(self, target: Target) -> None:
        """Dead-letter table."""
        with self._effect("create_dead_letters"):
            self._database.tables.create(target.dead_letters, ledger.DEAD_LETTERS)

    def create_deletes(self, target: Target) -> None:
        """Delete markers."""
        with self._effect("create_deletes"):
            self._database.tables.create(target.deletes, (*target.marker_columns, deletes.EXPIRES_AT))

    def ledger(self, target: Target, pipeline: str) -> LedgerRow | None:
        """A pipeline's row."""
        with self._call("ledger"):
            found = self._database.tables.find(target.ledger)
            rows = ledger.rows_of(found.rows, pipeline) if found else {}
            return ledger.ledger_row(list(rows.values()), pipeline)

    def register(self, target: Target, row: LedgerRow) -> None:
        """Insert a pipeline's row unless it exists."""
        with self._effect("register"):
            self._transact(target.ledger, lambda one: ledger.register(one, target, row, self._database.clock()))

    def place(
        self, target: Target, row: LedgerRow, skipped: Sequence[OffsetRange] = (), by: RunContext | None = None
    ) -> bool:
        """Compare-and-set of positions and identity."""
        with self._effect("place"):
            now = self._database.clock()
            return self._transact(target.ledger, lambda one: ledger.place(one, target, row, skipped, now, by))

    def placed_by(self, target: Target, pipeline: str, by: RunContext) -> bool:
        """Whether a task has moved the position already."""
        with self._call("placed_by"):
            found = self._database.tables.find(target.history)
            return found is not None and ledger.placed_by(found.rows.values(), pipeline, by)

    def applied(self, target: Target, batch_id: str, revision: int) -> bool:
        """Whether the history has this batch at this revision."""
        with self._call("applied"):
            rows = self._database.tables.get(target.history).rows.values()
            return any(row["batch_id"] == batch_id and row["revision"] == revision for row in rows)

    def recent(self, target: Target, since: datetime) -> Recent:
        """Batches and load jobs that the history has of a while."""
        with self._call("recent"):
            found = self._database.tables.find(target.history)
            rows = [row for row in found.rows.values() if row["applied_at"] >= since] if found else []
            return Recent(len(rows), sum(len(row["load_job_ids"]) for row in rows))

    def first_read(self, target: Target, pipeline: str) -> Mapping[int, int]:
        """Where live reading began."""
        with self._call("first_read"):
            return ledger.first_read(self._database.tables.get(target.history).rows.values(), pipeline)

    def highest(self, target: Target, facts: TableFacts, topic: str, max_bytes_billed: int | None) -> Mapping[int, int]:  # noqa: ARG002
        """The highest offsets in the table."""
        with self._call("highest"):
            return ledger.highest(self._database.tables.get(target.table).rows.values(), topic, max_bytes_billed)

    def begin_file(self) -> StagingFile:
        """What is written into it is what a load of it loads."""
        return MemoryFile()

    def load(
        self,
        job_id: str,
        table: TableId,
        written: Written,
        target: Target,  # noqa: ARG002 - labels and keys of the target mean nothing in memory
        expires_at: datetime,
    ) -> JobResult:
        """A load job into a table of its own, which is made before the job is sent."""
        loaded = rows_in(written.file)
        with self._call("load"):
            self._database.create_staging(table, expires_at)
            return self._database.jobs.submit(
                "load", job_id, str(table), lambda: self._database.load_work(job_id, table, loaded)
            )

    def row_count(self, table: TableId) -> int | None:
        """Rows of a staging table."""
        with self._call("row_count"):
            found = self._database.tables.find(table)
            return len(found.rows) if found else None

    def note(self, table: TableId) -> str | None:
        """The text that a staging table of one row holds."""
        with self._call("note"):
            found = self._database.tables.find(table)
            return next((str(row["document"]) for row in found.rows.values()), None) if found else None

    def estimate(self, spec: MergeSpec) -> int:
        """Bytes of the MERGE."""
        return self._dry_run("estimate", spec, merge_bytes)

    def estimate_empty(self, spec: MergeSpec) -> int:
        """Bytes of the MERGE with a source of no rows."""
        return self._dry_run("estimate_empty", spec, target_bytes)

    def merge(self, job_id: str, spec: MergeSpec, max_bytes_billed: int | None) -> JobResult:
        """The batch's transaction as one job."""
        with self._call("merge"):
            return self._database.jobs.submit(
                "merge", job_id, None, lambda: self._database.merge_work(job_id, spec, max_bytes_billed)
            )

    def absent(self, spec: MergeSpec, most: int, max_bytes_billed: int | None) -> Absence:
        """What the MERGE would insert or replace: it is applied, looked at, and rolled back."""
        with self._call("absent"):
            transaction = self._database.tables.begin()
            found = absent(transaction, spec, most, max_bytes_billed, self._database.clock())
            self.audits.estimated_bytes += merge_bytes(transaction, spec)
            return found

    def probe(self, spec: MergeSpec, first_row: int, last_row: int) -> str | None:
        """Whether these staged rows convert; both ends are meant."""
        with self._call("probe"):
            if not spec.staged.rows_tables:
                return None
            rows = staged_rows(self._database.tables.begin(), spec)
            try:
                refuse(rows[first_row : last_row + 1], self._database.refused("merge"))
            except RowRejected as rejected:
                return str(rejected)
            return None

    def drop(self, table: TableId) -> None:
        """Best effort."""
        try:
            with self._effect("drop"):
                self._database.tables.drop(table)
        except IngestError:
            return

    def close(self) -> None:
        """Nothing to release."""
        self.closed = True

    def _dry_run(self, name: str, spec: MergeSpec, count: Callable[[Transaction, MergeSpec], int]) -> int:
        with self._call(name):
            try:
                return count(self._database.tables.begin(), spec)
            except RowRejected as rejected:
                raise MergeRejectedError(f"dry run for {spec.target.table}: {rejected}") from rejected


def _nullable(column: Column) -> Column:
    return replace(column, mode="NULLABLE") if column.mode == "REQUIRED" else column
