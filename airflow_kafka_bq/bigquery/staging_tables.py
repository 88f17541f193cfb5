"""Staging tables: loaded, read and dropped: a part of ``ports.Warehouse``."""

from __future__ import annotations

import logging
from datetime import datetime

from google.api_core import exceptions as google
from google.cloud import bigquery

from airflow_kafka_bq.batch import JobResult, Written
from airflow_kafka_bq.bigquery.errors import is_missing_dataset, job_failure
from airflow_kafka_bq.bigquery.fields import staged_fields
from airflow_kafka_bq.bigquery.jobs import ONCE, Jobs
from airflow_kafka_bq.bigquery.staging_file import ParquetFile
from airflow_kafka_bq.bigquery.statements import Statements
from airflow_kafka_bq.config.values import TableId
from airflow_kafka_bq.exceptions import NotFoundError
from airflow_kafka_bq.schema.target import Target

log = logging.getLogger(__name__)


class StagingTables:
    """What a warehouse does with tables that expire."""

    _client: bigquery.Client
    _jobs: Jobs
    _statements: Statements

    def begin_file(self) -> ParquetFile:
        """Parquet, in memory."""
        return ParquetFile()

    def load(self, job_id: str, table: TableId, written: Written, target: Target, expires_at: datetime) -> JobResult:
        """A load job into a table of its own; its expiry is set when the table is made, since a load job cannot."""
        staging = bigquery.Table(str(table), schema=staged_fields(written.schema))
        staging.expires = expires_at
        if target.kms_key_name:  # messages lie here as they do in the target
            staging.encryption_configuration = bigquery.EncryptionConfiguration(target.kms_key_name)
        location = self._statements.location_of(table)
        self._jobs.call(f"staging table {table}", lambda seconds: self._create(staging, seconds))
        config = bigquery.LoadJobConfig(
            source_format=bigquery.SourceFormat.PARQUET,
            write_disposition=bigquery.WriteDisposition.WRITE_EMPTY,  # a table that holds rows is never doubled
            create_disposition=bigquery.CreateDisposition.CREATE_NEVER,  # never without its expiry
            schema=staging.schema,
            labels=target.labels,
        )
        parquet = bigquery.format_options.ParquetOptions()
        parquet.enable_list_inference = True  # without it an ARRAY is read as a STRUCT of lists
        config.parquet_options = parquet
        buffer = written.file.finished()
        size = buffer.tell()  # a known size below 5 MiB goes up in one request

        def send(seconds: float) -> bigquery.LoadJob:
            return self._client.load_table_from_file(
                buffer, staging, rewind=True, size=size, job_id=job_id, location=location, job_config=config,
                num_retries=0, timeout=seconds,
            )  # fmt: skip

        job, attached, refusal = self._jobs.submit(job_id, location, send)
        if job is None:
            failure, error = job_failure(refusal, f"load job {job_id} into {table}")
            return JobResult(job_id, failure=failure, error=error)
        self._jobs.wait(job)
        return _load_result(job, attached)

    def _create(self, staging: bigquery.Table, seconds: float) -> None:
        """Create a staging table unless it is there."""
        try:
            self._client.create_table(staging, exists_ok=True, retry=ONCE, timeout=seconds)
        except google.NotFound as error:
            if is_missing_dataset(error):
                raise
            # It was there, and the client looked at it: a run that applied the same batch dropped it in between.
            raise google.ServiceUnavailable(f"{staging.table_id} was dropped by another run") from error

    def note(self, table: TableId) -> str | None:
        """The text that a staging table of one row holds."""
        try:
            rows = self._statements.rows(f"SELECT `document` FROM {table.quoted}", table)
        except NotFoundError:
            return None
        return str(rows[0]["document"]) if rows else None

    def drop(self, table: TableId) -> None:
        """Best effort: the expiry takes what is left."""
        try:
            self._client.delete_table(str(table), not_found_ok=True, retry=ONCE, timeout=10)
        except Exception as error:  # the rows are applied; a leftover staging table is no failure
            log.warning("staging table %s is left to its expiry: %s", table, type(error).__name__)


def _load_result(job: bigquery.QueryJob | bigquery.LoadJob, attached: bool) -> JobResult:
    if not isinstance(job, bigquery.LoadJob):
        return JobResult(str(job.job_id), attached, destination="not a load job", output_rows=-1)
    where = job.destination
    failure, error = (None, None)
    if job.error_result:
        failure, error = job_failure(job.error_result, f"load job {job.job_id}")
    return JobResult(
        str(job.job_id), attached, failure, error, f"{where.project}.{where.dataset_id}.{where.table_id}",
        job.output_rows,
    )  # fmt: skip
