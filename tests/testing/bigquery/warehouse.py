from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from google.cloud import bigquery

from airflow_kafka_bq.testing.bigquery import LocalBigQuery

#: The client takes None; its annotations do not.
NO_RETRY: Any = None


@dataclass(frozen=True)
class Warehouse:
    """A client, and a dataset of the test's own."""

    local: LocalBigQuery
    client: bigquery.Client
    dataset: str

    def submit(self, sql: str, job_id: str | None = None, **settings: Any) -> bigquery.QueryJob:
        """Start a query job; DATASET in the SQL is the test's."""
        configuration = bigquery.QueryJobConfig(**settings)
        text = sql.replace("DATASET", self.dataset)
        return self.client.query(text, job_id=job_id, job_config=configuration, job_retry=None, retry=NO_RETRY)

    def query(self, sql: str, job_id: str | None = None, **settings: Any) -> bigquery.QueryJob:
        """Run a query job to its end."""
        job = self.submit(sql, job_id, **settings)
        job.result(retry=NO_RETRY, timeout=30)
        return job

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return [tuple(row.values()) for row in self.submit(sql).result(retry=NO_RETRY, timeout=20)]

    def table(self, name: str) -> str:
        return f"{self.client.project}.{self.dataset}.{name}"

    def load(
        self, table: pa.Table | bytes, name: str, job_id: str | None = None, sized: bool = True, **settings: Any
    ) -> bigquery.LoadJob:
        """Load an Arrow table as Parquet, or bytes as NDJSON, to the end."""
        job = self.start_load(table, name, job_id, sized, **settings)
        job.result(retry=NO_RETRY, timeout=30)
        return job

    def start_load(
        self, table: pa.Table | bytes, name: str, job_id: str | None = None, sized: bool = True, **settings: Any
    ) -> bigquery.LoadJob:
        content = table if isinstance(table, bytes) else parquet_bytes(table)
        options = bigquery.ParquetOptions()
        options.enable_list_inference = settings.pop("lists", True)
        parquet = not isinstance(table, bytes)
        configuration = bigquery.LoadJobConfig(
            source_format="PARQUET" if parquet else "NEWLINE_DELIMITED_JSON",
            **({"parquet_options": options} if parquet else {}),
            **settings,
        )
        return self.client.load_table_from_file(
            io.BytesIO(content),
            self.table(name),
            size=len(content) if sized else None,
            job_id=job_id,
            job_config=configuration,
            num_retries=0,
        )


def parquet_bytes(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return sink.getvalue()
