"""BigQuery as the stations see it: ``ports.Warehouse`` on google-cloud-bigquery."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from datetime import datetime
from functools import cached_property, partial
from typing import TYPE_CHECKING

from google.api_core import exceptions as google
from google.cloud import bigquery

from airflow_kafka_bq.batch import Absence, JobResult, LedgerRow, OffsetRange, Recent, RunContext
from airflow_kafka_bq.bigquery import copies, ddl, ledger, sql, tagged
from airflow_kafka_bq.bigquery.errors import is_missing_dataset, translated
from airflow_kafka_bq.bigquery.fields import facts
from airflow_kafka_bq.bigquery.jobs import DEADLINE_SECONDS, ONCE, Jobs
from airflow_kafka_bq.bigquery.letter_table import LetterTable
from airflow_kafka_bq.bigquery.offsets import OffsetsRead
from airflow_kafka_bq.bigquery.quotas import spread
from airflow_kafka_bq.bigquery.staging_tables import StagingTables
from airflow_kafka_bq.bigquery.statements import Statements
from airflow_kafka_bq.config.values import TableId
from airflow_kafka_bq.exceptions import AccessDeniedError, MergeConflictError, MergeRejectedError, NotFoundError
from airflow_kafka_bq.ports import MergeSpec
from airflow_kafka_bq.schema.columns import Column
from airflow_kafka_bq.schema.target import TableFacts, Target

if TYPE_CHECKING:
    from airflow_kafka_bq.bigquery.audits import BigQueryAudits
    from airflow_kafka_bq.bigquery.repairs import BigQueryRepairs

log = logging.getLogger(__name__)


class BigQueryWarehouse(LetterTable, OffsetsRead, StagingTables):
    """One project's BigQuery. Safe to use from two threads: one that stages, one that merges.

    :param client: see ``bigquery.client.connect``.
    :param location: of the datasets; None: read from the target's dataset.
    :param stop: set when the run is to stop; waiting for jobs then ends with ``StopRequested``.
    :param deadline_seconds: how long a call is retried while BigQuery does not answer.
    """

    def __init__(
        self,
        client: bigquery.Client,
        location: str | None = None,
        stop: threading.Event | None = None,
        deadline_seconds: float = DEADLINE_SECONDS,
    ) -> None:
        self._jobs = Jobs(client, stop or threading.Event(), deadline_seconds)
        self._client = client
        self._statements = Statements(self._jobs, location)

    @cached_property
    def audits(self) -> BigQueryAudits:
        """As ``ports.Warehouse``."""
        from airflow_kafka_bq.bigquery.audits import BigQueryAudits  # a run without a MERGE looks after nothing

        return BigQueryAudits(self._jobs, self._statements)

    @cached_property
    def repairs(self) -> BigQueryRepairs:
        """As ``ports.Warehouse``."""
        from airflow_kafka_bq.bigquery.repairs import BigQueryRepairs  # a run repairs nothing

        return BigQueryRepairs(self._client, self._jobs, self._statements, self.audits)

    @property
    def project(self) -> str | None:
        """Project of the credentials."""
        return self._client.project

    def location_of(self, table: TableId) -> str | None:
        """Location of a table's dataset; one request, the first time. :raises NotFoundError: no such dataset."""
        return self._statements.location_of(table)

    def table(self, table: TableId) -> TableFacts | None:
        """What ``tables.get`` says: unlike INFORMATION_SCHEMA it never lags behind a DDL."""

        def get(seconds: float) -> TableFacts | None:
            try:
                return facts(self._client.get_table(str(table), retry=ONCE, timeout=seconds))
            except google.NotFound as error:
                if is_missing_dataset(error):
                    raise translated(error, f"table {table}") from error
                return None

        found = self._jobs.call(f"table {table}", get)
        if found is None:
            self._statements.location_of(table)  # a missing dataset is an error, a missing table is not
        return found

    def permitted(self, table: TableId, wanted: Sequence[str]) -> frozenset[str] | None:
        """``tables.testIamPermissions``; a server without that call answers as for a table that is not there."""

        def ask(seconds: float) -> frozenset[str] | None:
            try:
                found = self._client.test_iam_permissions(str(table), list(wanted), retry=ONCE, timeout=seconds)
            except (google.NotFound, google.MethodNotAllowed, google.MethodNotImplemented):
                return None
            return frozenset(found.get("permissions", ()))

        try:
            return self._jobs.call(f"permissions on table {table}", ask)
        except AccessDeniedError:
            return frozenset()  # of a table that it may not even see

    def create(self, target: Target) -> None:
        """Create the target unless it exists."""
        if tagged.is_tagged(target.columns):
            self._jobs.call(f"table {target.table}", lambda seconds: tagged.create(self._client, target, seconds))
        else:
            self._statements.run(ddl.create_target(target), target.table)

    def add_columns(self, target: Target, names: tuple[str, ...]) -> None:
        """Add columns unless they exist."""
        if tagged.is_tagged(column for column in target.columns if column.name in names):
            add = partial(tagged.add_columns, self._client, target, names)
            self._jobs.call(f"columns of {target.table}", add)
        else:
            self._statements.run(ddl.add_columns(target, names), target.table)

    def relax(self, target: Target, names: tuple[str, ...]) -> None:
        """REQUIRED to NULLABLE."""
        for name in spread(names, self._jobs.pause):
            try:
                self._statements.run(ddl.relax(target, name), target.table)
            except MergeRejectedError:
                found = self.table(target.table)
                column = found.column(name) if found else None
                if column is None or column.mode == "REQUIRED":
                    raise  # else another run was faster: DROP NOT NULL fails where there is nothing to drop

    def widen(self, target: Target, columns: tuple[Column, ...]) -> None:
        """Wider types; what has its type already keeps it."""
        for column in spread(columns, self._jobs.pause):
            self._statements.run(ddl.widen(target, column), target.table)

    def create_ledger(self, target: Target) -> None:
        """Ledger with its sentinel, and history."""
        self._unless_there(target.ledger, ddl.create_ledger(target))
        self._unless_there(target.history, ddl.create_history(target))

    def create_dead_letters(self, target: Target) -> None:
        """Dead-letter table."""
        self._unless_there(target.dead_letters, ddl.create_dead_letters(target))

    def create_copied_at(self, target: Target) -> None:
        """The column that says which letters were copied."""
        found = self.table(target.dead_letters)
        if found is None or found.column("copied_at") is None:
            self._statements.run(copies.add_copied_at(target), target.dead_letters)

    def create_deletes(self, target: Target) -> None:
        """Delete markers."""
        self._unless_there(target.deletes, ddl.create_deletes(target))

    def _unless_there(self, table: TableId, statement: str) -> None:
        """Looking costs a tenth of a second, a DDL job one or two, and most runs find their tables."""
        if self.table(table) is None:
            self._statements.run(statement, table)

    def ledger(self, target: Target, pipeline: str) -> LedgerRow | None:
        """A pipeline's row; None if there is none, or no ledger yet."""
        try:
            found = self._statements.rows(ledger.select(target, pipeline), target.ledger)
        except NotFoundError:
            self._statements.location_of(target.ledger)
            return None
        return ledger.row_of(found, target, pipeline)

    def register(self, target: Target, row: LedgerRow) -> None:
        """Insert a pipeline's row unless it exists."""
        self._statements.run(ledger.register(target, row), target.ledger)

    def place(
        self, target: Target, row: LedgerRow, skipped: Sequence[OffsetRange] = (), by: RunContext | None = None
    ) -> bool:
        """Compare-and-set of positions; with the history's word on what is skipped, and by which task."""
        if skipped or by is not None:
            try:
                self._statements.run(ledger.place_over(target, row, skipped, by), target.ledger)
            except MergeConflictError:
                return False
            return True
        job = self._statements.run(ledger.place(target, row), target.ledger)
        return job.num_dml_affected_rows == 1

    def placed_by(self, target: Target, pipeline: str, by: RunContext) -> bool:
        """Whether a task has moved the position already."""
        try:
            found = self._statements.rows(ledger.placed_by(target, pipeline, by), target.history)
        except NotFoundError:
            return False
        return bool(found[0]["found"])

    def applied(self, target: Target, batch_id: str, revision: int) -> bool:
        """Whether the history has this batch at this revision."""
        found = self._statements.rows(ledger.applied(target, batch_id, revision), target.history)
        return bool(found[0]["found"])

    def recent(self, target: Target, since: datetime) -> Recent:
        """Batches and load jobs that the history has of a while."""
        try:
            return Recent(**self._statements.rows(ledger.recent(target, since), target.history)[0])
        except NotFoundError:
            return Recent()

    def row_count(self, table: TableId) -> int | None:
        """Rows of a staging table; None if it is not there any more."""
        found = self.table(table)
        return None if found is None else found.num_rows

    def estimate(self, spec: MergeSpec) -> int:
        """Bytes of the MERGE statements by dry run; never of the script, which some servers would execute."""
        return sum(self._statements.dry_run(one, spec.target.table) for one in sql.merges(spec))

    def estimate_empty(self, spec: MergeSpec) -> int:
        """The same with a typed source of no rows instead of the staging table."""
        return self._statements.dry_run(sql.with_empty_source(spec), spec.target.table)

    def merge(self, job_id: str, spec: MergeSpec, max_bytes_billed: int | None) -> JobResult:
        """The batch's transaction as one job."""
        return self._statements.transaction(job_id, spec, max_bytes_billed)

    def absent(self, spec: MergeSpec, most: int, max_bytes_billed: int | None) -> Absence:
        """What the MERGE would insert or replace."""
        return self.audits.absent(spec, most, max_bytes_billed)

    def probe(self, spec: MergeSpec, first_row: int, last_row: int) -> str | None:
        """Convert staged rows without applying them; BigQuery's message if that fails."""
        return self._statements.failure_of(sql.probe(spec, first_row, last_row), spec.target.table)

    def close(self) -> None:
        """Release connections."""
        self._client.close()
