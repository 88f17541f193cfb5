"""Queries of a warehouse: DDL, ledger reads, dry runs, and the batch's transaction with its statistics."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pyarrow as pa
from google.cloud import bigquery

from airflow_kafka_bq.batch import Failure, JobResult
from airflow_kafka_bq.bigquery import sql
from airflow_kafka_bq.bigquery.errors import job_failure
from airflow_kafka_bq.bigquery.jobs import ONCE, Jobs
from airflow_kafka_bq.config.values import TableId
from airflow_kafka_bq.exceptions import IngestError, WarehouseUnavailableError
from airflow_kafka_bq.ports import MergeSpec
from airflow_kafka_bq.schema.target import Target

_ATTEMPTS = 8


class Statements:
    """SQL of one warehouse, in the location of its datasets."""

    def __init__(self, jobs: Jobs, location: str | None) -> None:
        self._jobs = jobs
        self._configured = location
        self._locations: dict[str, str | None] = {}

    def location_of(self, table: TableId) -> str | None:
        """Location of a table's dataset: a job of another location than US or EU is found only with it.

        :raises NotFoundError: no such dataset.
        """
        if self._configured:
            return self._configured
        name = f"{table.project}.{table.dataset}"
        if name not in self._locations:
            found = self._jobs.call(
                f"dataset {name}",
                lambda seconds: self._jobs.client.get_dataset(name, retry=ONCE, timeout=seconds),
            )
            self._locations[name] = found.location
        return self._locations[name]

    def run(self, statement: str, table: TableId, **settings: Any) -> bigquery.QueryJob:
        """A statement that may meet a concurrent one of the same kind: repeated with jitter, then raised.

        :param settings: of ``QueryJobConfig``.
        """
        location = self.location_of(table)
        error: IngestError | None = None
        for attempt in range(_ATTEMPTS):
            job, refusal = self._jobs.query(statement, location, **settings)
            if job is not None and not refusal:
                return job
            failure, error = job_failure(refusal, f"table {table}")
            # IF NOT EXISTS looks first: who loses the race to create is told "duplicate", and finds it the next time.
            if failure not in {Failure.AGAIN, Failure.CONFLICT} and refusal.get("reason") != "duplicate":
                raise error
            self._jobs.pause(random.uniform(0.05, 0.4) * 2 ** min(attempt, 4))  # noqa: S311  # jitter, not a secret
        assert error is not None  # noqa: S101  # at least one attempt was made
        raise error

    def rows(self, statement: str, table: TableId, max_bytes_billed: int | None = None) -> list[Mapping[str, Any]]:
        """Rows of a SELECT. :raises NotFoundError: the table is not there. :raises CostLimitError: it is too dear."""
        return self._jobs.rows(self.run(statement, table, **_limit(max_bytes_billed)))

    def by_partition(self, statement: str, table: TableId, max_bytes_billed: int | None = None) -> dict[int, int]:
        """A SELECT of ``partition`` and ``found``."""
        return {row["partition"]: row["found"] for row in self.rows(statement, table, max_bytes_billed)}

    def pieces(
        self, statement: str, table: TableId, schema: pa.Schema, max_bytes_billed: int | None
    ) -> Iterator[pa.Table]:
        """Rows of a SELECT, a page at a time. :raises CostLimitError: more bytes than allowed; nothing was spent."""
        job = self.run(statement, table, **_limit(max_bytes_billed))
        first = 0
        while rows := self._jobs.page(job, first):
            yield pa.Table.from_pylist(rows, schema)
            first += len(rows)

    def dry_run(self, statement: str, table: TableId) -> int:
        """Bytes that one statement would process."""
        job, refusal = self._jobs.query(statement, self.location_of(table), dry_run=True, use_query_cache=False)
        if job is None or refusal:
            raise job_failure(refusal, f"dry run for {table}")[1]
        return int(job.total_bytes_processed or 0)

    def failure_of(self, statement: str, table: TableId) -> str | None:
        """BigQuery's message if a SELECT fails because of its rows; None if it runs."""
        _, refusal = self._jobs.query(statement, self.location_of(table))
        if not refusal:
            return None
        failure, error = job_failure(refusal, f"table {table}")
        if failure is not Failure.BAD_ROWS:
            raise error
        return str(refusal.get("message"))

    def transaction(self, job_id: str, spec: MergeSpec, max_bytes_billed: int | None) -> JobResult:
        """The batch's script as one job, under an id of our own."""
        done = self.script(job_id, sql.script(spec, job_id), spec.target, max_bytes_billed)
        if done.failure is not None:
            return done
        inserted, updated, deleted = self._statistics(job_id, spec)
        return replace(done, inserted=inserted, updated=updated, deleted=deleted)

    def script(self, job_id: str, text: str, target: Target, max_bytes_billed: int | None) -> JobResult:
        """A script that is one transaction, as one job; attaches to the job if the id is taken."""
        location = self.location_of(target.table)
        config = bigquery.QueryJobConfig(use_legacy_sql=False, labels=target.labels)
        if max_bytes_billed is not None:
            config.script_options = bigquery.ScriptOptions(statement_byte_budget=max_bytes_billed)
        job, attached, refusal = self._jobs.submit(
            job_id, location, lambda seconds: self._jobs.send_query(job_id, text, location, config, seconds)
        )
        if job is not None:
            self._jobs.wait(job)
            refusal = job.error_result
        if refusal:
            failure, error = job_failure(refusal, f"merge job {job_id} of {target.table}")
            return JobResult(job_id, attached, failure, error)
        assert isinstance(job, bigquery.QueryJob)  # noqa: S101
        return JobResult(job_id, attached, bytes_billed=int(job.total_bytes_billed or 0))

    def _statistics(self, job_id: str, spec: MergeSpec) -> tuple[int, int, int]:
        """(inserted, updated, deleted) from the script's child jobs, which carry the counts of each statement."""
        merges = len(sql.merges(spec))
        if not merges:
            return 0, 0, 0
        found = self._merge_jobs(job_id, merges + bool(spec.staged.dead_letters_tables))
        live = found[0].dml_stats if spec.staged.rows > spec.staged.tombstones else None
        dead = found[merges - 1].dml_stats if spec.staged.tombstones else None
        removed = sum(one.deleted_row_count for one in (live, dead) if one)
        return (
            live.inserted_row_count if live else 0,
            live.updated_row_count if live else 0,
            removed + (dead.updated_row_count if dead else 0),
        )

    def _merge_jobs(self, job_id: str, expected: int) -> list[bigquery.QueryJob]:
        """The script's MERGE statements, in its order. A list may lag behind its job: read until all are there."""
        for attempt in range(_ATTEMPTS):
            children = self._jobs.call(
                f"job {job_id}",
                lambda seconds: list(self._jobs.client.list_jobs(parent_job=job_id, retry=ONCE, timeout=seconds)),
            )
            found = sorted((one for one in children if getattr(one, "statement_type", "") == "MERGE"), key=_order)
            if len(found) >= expected and all(one.dml_stats for one in found):
                return found
            self._jobs.pause(0.1 * 2**attempt)
        message = f"merge job {job_id} is done, and BigQuery does not list its statements"
        raise WarehouseUnavailableError(message, remedy="the rows are in; run it again to go on")


def _limit(max_bytes_billed: int | None) -> dict[str, int]:
    return {} if max_bytes_billed is None else {"maximum_bytes_billed": max_bytes_billed}


def _order(job: bigquery.QueryJob) -> tuple[int, int, int]:
    """Place of a statement in its script; where the API leaves it out, the number at the end of the child's id."""
    script = job.script_statistics
    frame = script.stack_frames[0] if script and script.stack_frames else None
    number = re.search(r"_(\d+)$", str(job.job_id))
    line, column = (frame.start_line or 0, frame.start_column or 0) if frame else (0, 0)
    return line, column, int(number[1]) if number else 0
