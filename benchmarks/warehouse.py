"""A Warehouse whose loads are real requests to a sink, and which answers all else at once: what a run costs is our own.

The file of a load job is made, sent and counted as ever. The transaction with its MERGE runs no SQL, for the sink has
none; the ledger, the fence and the history are those of ``MemoryWarehouse``.
"""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise

import pyarrow as pa

from airflow_kafka_bq.batch import JobResult
from airflow_kafka_bq.bigquery.staging_file import ParquetFile, staging_file
from airflow_kafka_bq.config import TableId
from airflow_kafka_bq.ports import MergeSpec, StagingFile, Warehouse
from airflow_kafka_bq.schema.target import Target
from airflow_kafka_bq.testing.memory import MemoryBigQuery, MemoryWarehouse


@dataclass(frozen=True, slots=True)
class Span:
    """Offsets of one partition in one load."""

    first: int
    last: int
    rows: int
    distinct: int


class InstantWarehouse(MemoryWarehouse):
    """Counts rows by their coordinates.

    :param loads: takes the load jobs; None: the file is made and thrown away.
    """

    def __init__(self, database: MemoryBigQuery, loads: Warehouse | None = None) -> None:
        super().__init__(database)
        self._loads = loads
        self._spans: defaultdict[int, list[Span]] = defaultdict(list)
        self.file_bytes = 0
        self.counting_seconds = 0.0  # of CPU: not the engine's

    def begin_file(self) -> StagingFile:
        """Parquet, for BigQuery or to be thrown away."""
        return ParquetFile()

    def load(
        self,
        job_id: str,
        table: TableId,
        rows: pa.Table,
        target: Target,
        expires_at: datetime,
        file: StagingFile | None = None,
    ) -> JobResult:
        """Send the file, count, and stage an empty table."""
        if self._loads is None:
            self.file_bytes += (staging_file(rows) if file is None else file.finished()).tell()
        else:
            sent = self._loads.load(job_id, table, rows, target, expires_at, file)
            assert (sent.failure, sent.output_rows) == (None, rows.num_rows), sent
        if "_kafka_value" in rows.schema.names:  # dead letters, few, are kept as they are
            return super().load(job_id, table, rows, target, expires_at)
        began = time.thread_time()
        self._count(rows)
        self.counting_seconds += time.thread_time() - began
        done = super().load(job_id, table, rows.schema.empty_table(), target, expires_at)
        return done if done.failure else replace(done, output_rows=rows.num_rows)

    def merge(self, job_id: str, spec: MergeSpec, max_bytes_billed: int | None) -> JobResult:
        """Every staged row is new."""
        empty = tuple(replace(one, rows=0) for one in spec.staged.rows_tables)
        nothing = replace(spec, staged=replace(spec.staged, rows=0, rows_tables=empty))
        done = super().merge(job_id, nothing, max_bytes_billed)
        return done if done.failure else replace(done, inserted=spec.staged.rows)

    def _count(self, rows: pa.Table) -> None:
        grouped = rows.group_by("_kafka_partition", use_threads=False).aggregate(
            [("_kafka_offset", how) for how in ("min", "max", "count", "count_distinct")]
        )
        for row in grouped.to_pylist():
            first, last, count, distinct = (
                row[f"_kafka_offset_{how}"] for how in ("min", "max", "count", "count_distinct")
            )
            self._spans[row["_kafka_partition"]].append(Span(first, last, count, distinct))

    def landed(self) -> dict[str, int]:
        """Rows, and how many of them repeat coordinates. :raises AssertionError: two loads overlap."""
        spans = [span for found in self._spans.values() for span in found]
        for found in self._spans.values():
            in_order = sorted(found, key=lambda span: span.first)
            assert all(one.last < other.first for one, other in pairwise(in_order)), "two loads overlap"
        rows = sum(span.rows for span in spans)
        return {"rows": rows, "duplicates": rows - sum(span.distinct for span in spans)}
