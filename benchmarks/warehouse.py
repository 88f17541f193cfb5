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
import pyarrow.compute as pc

from airflow_kafka_bq.batch import JobResult, Written
from airflow_kafka_bq.bigquery.staging_file import ParquetFile
from airflow_kafka_bq.config import TableId
from airflow_kafka_bq.ports import MergeSpec, StagingFile, Warehouse
from airflow_kafka_bq.schema.target import Target
from airflow_kafka_bq.testing.memory import MemoryBigQuery, MemoryWarehouse
from airflow_kafka_bq.testing.memory.staging_file import MemoryFile


@dataclass(frozen=True, slots=True)
class Span:
    """Offsets of one partition in one load."""

    first: int
    last: int
    rows: int
    distinct: int


class CountedFile(ParquetFile):
    """Parquet, and the coordinates that its rows have. Dead letters, few, are kept as they are too."""

    def __init__(self) -> None:
        super().__init__()
        self.coordinates: list[pa.Table] = []
        self.letters = MemoryFile()

    def write(self, rows: pa.Table) -> None:
        """As ``ports.StagingFile``."""
        super().write(rows)
        if "_kafka_value" in rows.schema.names:
            self.letters.write(rows)
        else:
            self.coordinates.append(rows.select(["_kafka_partition", "_kafka_offset"]))


class InstantWarehouse(MemoryWarehouse):
    """Counts rows by their coordinates.

    :param loads: takes the load jobs; None: the file is made and thrown away.
    :param merge_seconds: how long a MERGE takes.
    """

    def __init__(self, database: MemoryBigQuery, loads: Warehouse | None = None, merge_seconds: float = 0.0) -> None:
        super().__init__(database)
        self._loads = loads
        self._merge_seconds = merge_seconds
        self._spans: defaultdict[int, list[Span]] = defaultdict(list)
        self.file_bytes = 0
        self.counting_seconds = 0.0  # of CPU: not the engine's

    def begin_file(self) -> StagingFile:
        """Parquet, for BigQuery or to be thrown away."""
        return CountedFile()

    def load(self, job_id: str, table: TableId, written: Written, target: Target, expires_at: datetime) -> JobResult:
        """Send the file, count, and stage an empty table."""
        file: CountedFile = written.file
        if self._loads is None:
            self.file_bytes += file.finished().tell()
        else:
            sent = self._loads.load(job_id, table, written, target, expires_at)
            assert (sent.failure, sent.output_rows) == (None, written.rows), sent
        if "_kafka_value" in written.schema.names:
            return super().load(job_id, table, replace(written, file=file.letters), target, expires_at)
        began = time.thread_time()
        self._count(pa.concat_tables(file.coordinates))
        self.counting_seconds += time.thread_time() - began
        empty = MemoryFile()
        empty.write(written.schema.empty_table())
        done = super().load(job_id, table, replace(written, file=empty, rows=0), target, expires_at)
        return done if done.failure else replace(done, output_rows=written.rows)

    def merge(self, job_id: str, spec: MergeSpec, max_bytes_billed: int | None) -> JobResult:
        """Every staged row is new."""
        time.sleep(self._merge_seconds)
        empty = tuple(replace(one, rows=0) for one in spec.staged.rows_tables)
        nothing = replace(spec, staged=replace(spec.staged, rows=0, rows_tables=empty))
        done = super().merge(job_id, nothing, max_bytes_billed)
        return done if done.failure else replace(done, inserted=spec.staged.rows)

    def _count(self, rows: pa.Table) -> None:
        """A partition at a time: a hash of all rows would be ten MiB of a peak that is measured."""
        partitions, offsets = (rows.column(name).combine_chunks() for name in ("_kafka_partition", "_kafka_offset"))
        for number in pc.unique(partitions).to_pylist():
            found = offsets.filter(pc.equal(partitions, number))
            ascending = pc.all(pc.less(found.slice(0, len(found) - 1), found.slice(1)), min_count=0).as_py()
            distinct = len(found) if ascending else pc.count_distinct(found).as_py()
            least, most = pc.min_max(found).as_py().values()
            self._spans[number].append(Span(least, most, len(found), distinct))

    def landed(self) -> dict[str, int]:
        """Rows, and how many of them repeat coordinates. :raises AssertionError: two loads overlap."""
        spans = [span for found in self._spans.values() for span in found]
        for found in self._spans.values():
            in_order = sorted(found, key=lambda span: span.first)
            assert all(one.last < other.first for one, other in pairwise(in_order)), "two loads overlap"
        rows = sum(span.rows for span in spans)
        return {"rows": rows, "duplicates": rows - sum(span.distinct for span in spans)}
