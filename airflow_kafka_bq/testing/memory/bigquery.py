"""A BigQuery project in memory: tables, transactions, jobs, and faults."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa

from airflow_kafka_bq.batch import JobResult
from airflow_kafka_bq.config.values import TableId
from airflow_kafka_bq.ports import MergeSpec
from airflow_kafka_bq.schema.columns import Column
from airflow_kafka_bq.testing.memory.clock import Clock, utc_now
from airflow_kafka_bq.testing.memory.faults import Faults
from airflow_kafka_bq.testing.memory.jobs import Fate, Job, Jobs, Kind
from airflow_kafka_bq.testing.memory.statements import Predicate
from airflow_kafka_bq.testing.memory.tables import Row, Tables
from airflow_kafka_bq.testing.memory.work import LoadWork, MergeWork


class MemoryBigQuery(Faults):
    """One project for any number of :class:`~airflow_kafka_bq.testing.memory.warehouse.MemoryWarehouse`. Thread-safe.

    ``fail_next(call, error)`` takes the names of the Warehouse's methods. ``on_effect`` hears of ``create``,
    ``add_columns``, ``relax``, ``widen``, ``create_ledger``, ``create_dead_letters``, ``create_copied_at``,
    ``register``, ``place``, ``load``, ``merge``, ``mark_copied`` and ``drop``.

    :param datasets: names of datasets that exist in the project.
    :param clock: time of day; staging tables expire by it and slow jobs end by it.
    """

    def __init__(
        self, project: str = "memory", datasets: Iterable[str] = ("analytics",), clock: Clock = utc_now
    ) -> None:
        super().__init__()
        self.project = project
        self.clock = clock
        self.lock = threading.RLock()
        self.forbidden: set[tuple[str, str]] = set()  # (table, permission); told, not enforced
        self.tables = Tables(clock)
        self.jobs = Jobs(clock, self)
        self._refused: dict[Kind, list[Predicate]] = {"load": [], "merge": []}
        for name in datasets:
            self.create_dataset(name)

    # What a test sets up and looks at

    def create_dataset(self, name: str, project: str | None = None) -> None:
        """A dataset, in this project unless another is named."""
        self.tables.datasets.add((project or self.project, name))

    def create_table(self, table: TableId, columns: Iterable[Column], rows: Iterable[Row] = (), **facts: Any) -> None:
        """A table that was there before us; ``facts`` are fields of ``StoredTable``."""
        self.tables.create(table, columns, **facts)
        self.insert(table, rows)

    def insert(self, table: TableId, rows: Iterable[Row]) -> None:
        """Rows by other means than ours; columns that are not given are NULL."""
        with self.lock:
            empty = {column.name: None for column in self.tables.get(table).columns}
            self.tables.write(str(table), self.tables.new_rows({**empty, **row} for row in rows), changed=False)

    def delete(self, table: TableId, wanted: Callable[[Row], bool]) -> int:
        """Somebody deletes rows; their number."""
        with self.lock:
            return self.tables.delete(table, wanted)

    def age(self, table: TableId, by: timedelta) -> None:
        """Move all rows of a table by ingestion time into earlier partitions."""
        with self.lock:
            self.tables.age(table, by)

    def drop_table(self, table: TableId) -> None:
        """Somebody drops a table."""
        self.tables.drop(table)

    def rows(self, table: TableId | str) -> list[dict[str, Any]]:
        """Rows of a table in the order of their insertion; none if there is no such table."""
        with self.lock:
            self.jobs.settle()
            found = self.tables.named(str(table))
            return [dict(row) for row in found.rows.values()] if found else []

    def table_names(self) -> list[str]:
        """Full names of all tables that have not expired."""
        with self.lock:
            return sorted(self.tables.snapshot())

    # Jobs

    def script(
        self, pattern: str, fate: Fate, *, times: int = 1, seconds: float | None = None, holding: bool = False
    ) -> None:
        """The next jobs whose id matches the glob meet this fate; see :meth:`Jobs.script`."""
        self.jobs.script(pattern, fate, times=times, seconds=seconds, holding=holding)

    def reject_rows(self, predicate: Predicate, at: Kind = "merge") -> None:
        """From now on rows that the predicate has a message about end every MERGE (or load) as bad rows."""
        self._refused[at].append(predicate)

    def refused(self, at: Kind) -> list[Predicate]:
        """Predicates planted by :meth:`reject_rows`."""
        return self._refused[at]

    def begin_merge(self, job_id: str, spec: MergeSpec, max_bytes_billed: int | None = None) -> Job:
        """Take the snapshot and stay open: ``execute()`` runs the statements, ``commit()`` ends the job."""
        with self.lock:
            return self.jobs.begin("merge", job_id, None, lambda: self.merge_work(job_id, spec, max_bytes_billed))

    def begin_load(self, job_id: str, table: TableId, rows: pa.Table, expires_at: datetime) -> Job:
        """A load job that runs until ``commit()``."""
        with self.lock:
            self.create_staging(table, expires_at)
            return self.jobs.begin("load", job_id, str(table), lambda: self.load_work(job_id, table, rows))

    def finish(self, job_id: str, fate: Fate | None = None) -> JobResult:
        """End a running job, with an error if one is given."""
        with self.lock:
            return self.jobs.finish(job_id, fate)

    # What a warehouse needs

    def create_staging(self, table: TableId, expires_at: datetime) -> None:
        """An empty table that expires; a load job cannot set an expiry."""
        self.tables.create(table, (), expires_at=expires_at)

    def load_work(self, job_id: str, table: TableId, rows: pa.Table) -> LoadWork:
        """A load job's work."""
        return LoadWork(self.tables, job_id, table, rows.to_pylist(), self.refused("load"))

    def merge_work(self, job_id: str, spec: MergeSpec, max_bytes_billed: int | None) -> MergeWork:
        """A merge job's work; the snapshot is taken now."""
        return MergeWork(self.tables, self.clock, job_id, spec, max_bytes_billed, self.refused("merge"))
