"""What the Warehouse contract needs of a BigQuery: in memory, or the local one behind the strict front."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Protocol, TypeVar

from google.cloud.bigquery import Client

from airflow_kafka_bq.batch import JobResult
from airflow_kafka_bq.bigquery.client import connect
from airflow_kafka_bq.bigquery.literals import literal
from airflow_kafka_bq.bigquery.warehouse import BigQueryWarehouse
from airflow_kafka_bq.config.values import TableId
from airflow_kafka_bq.ports import MergeSpec, Warehouse
from airflow_kafka_bq.testing.bigquery import LocalBigQuery
from airflow_kafka_bq.testing.memory import MemoryBigQuery, MemoryWarehouse, VirtualClock

T = TypeVar("T")
Rows = list[dict[str, Any]]


class WarehouseWorld(Protocol):
    """One project with one empty dataset."""

    project: str
    dataset: str

    def warehouse(self) -> Warehouse:
        """A client of its own."""
        ...

    def rows(self, table: TableId) -> Rows: ...

    def double(self, table: TableId, pipeline: str) -> None:
        """Insert a copy of a pipeline's ledger row."""
        ...

    def forget(self, table: TableId, pipeline: str) -> None:
        """Delete a pipeline's ledger rows."""
        ...

    def expire(self, table: TableId, id: str) -> None:
        """Let the delete markers of a key have expired."""
        ...

    def age(self, table: TableId, days: int) -> None:
        """Move rows of a table by ingestion time into the partitions of so many days before."""
        ...

    def drop(self, table: TableId) -> None: ...

    def without(self, table: TableId, column: str) -> None:
        """Make it a table of before there was this column."""
        ...

    def insert(self, table: TableId, rows: Rows) -> None:
        """Somebody else's INSERT."""
        ...

    def forget_offsets(self, table: TableId, *offsets: int) -> None:
        """Somebody else's DELETE."""
        ...

    def now(self) -> datetime: ...

    def wait(self, seconds: float) -> None: ...

    def merge_together(self, *jobs: tuple[str, MergeSpec]) -> list[JobResult]:
        """Jobs whose transactions have all begun before the first one commits."""
        ...


def at_once(*calls: Callable[[], T]) -> list[T]:
    """Results of calls that run in threads of their own."""
    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result(60) for future in [pool.submit(call) for call in calls]]


class MemoryWorld:
    """In memory, on a virtual clock."""

    project, dataset = "demo", "analytics"

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.database = MemoryBigQuery(self.project, [self.dataset], self.clock)
        self.rows = self.database.rows
        self.now = self.clock
        self.wait = self.clock.advance
        self.drop = self.database.drop_table
        self.insert = self.database.insert

    def warehouse(self) -> Warehouse:
        return MemoryWarehouse(self.database)

    def double(self, table: TableId, pipeline: str) -> None:
        self.database.insert(table, [row for row in self.rows(table) if row["pipeline"] == pipeline])

    def forget(self, table: TableId, pipeline: str) -> None:
        self.database.delete(table, lambda row: row["pipeline"] == pipeline)

    def forget_offsets(self, table: TableId, *offsets: int) -> None:
        self.database.delete(table, lambda row: row["_kafka_offset"] in offsets)

    def expire(self, table: TableId, id: str) -> None:
        found = [row for row in self.rows(table) if row["id"] == id]
        self.database.delete(table, lambda row: row["id"] == id)
        self.database.insert(table, [{**row, "expires_at": self.now()} for row in found])

    def without(self, table: TableId, column: str) -> None:
        rows = [{name: value for name, value in row.items() if name != column} for row in self.rows(table)]
        columns = [one for one in self.database.tables.get(table).columns if one.name != column]
        self.drop(table)
        self.database.create_table(table, columns, rows)

    def age(self, table: TableId, days: int) -> None:
        self.database.age(table, timedelta(days=days))

    def merge_together(self, *jobs: tuple[str, MergeSpec]) -> list[JobResult]:
        begun = [self.database.begin_merge(job_id, spec) for job_id, spec in jobs]
        return [job.commit() for job in begun]


class ClientWorld:
    """A dataset that a client of Google's reaches, through the real adapter."""

    def __init__(self, client: Client, dataset: str) -> None:
        self._client = client
        self.project, self.dataset = str(client.project), dataset
        self._opened: list[BigQueryWarehouse] = []

    def close(self) -> None:
        for warehouse in self._opened:
            warehouse.close()

    def now(self) -> datetime:
        return datetime.now(UTC)

    def wait(self, seconds: float) -> None:
        time.sleep(seconds)

    def rows(self, table: TableId) -> Rows:
        return [dict(row.items()) for row in self._run(f"SELECT * FROM {table.quoted}")]

    def double(self, table: TableId, pipeline: str) -> None:
        self._run(f"INSERT INTO {table.quoted} SELECT * FROM {table.quoted} WHERE pipeline = '{pipeline}'")

    def forget(self, table: TableId, pipeline: str) -> None:
        self._run(f"DELETE FROM {table.quoted} WHERE pipeline = '{pipeline}'")

    def age(self, table: TableId, days: int) -> None:
        moved = f"TIMESTAMP_SUB(_PARTITIONTIME, INTERVAL {days} DAY)"
        self._run(f"UPDATE {table.quoted} SET _PARTITIONTIME = {moved} WHERE TRUE")

    def expire(self, table: TableId, id: str) -> None:
        self._run(f"UPDATE {table.quoted} SET expires_at = CURRENT_TIMESTAMP() WHERE id = '{id}'")

    def drop(self, table: TableId) -> None:
        self._client.delete_table(str(table))

    def without(self, table: TableId, column: str) -> None:
        self._run(f"ALTER TABLE {table.quoted} DROP COLUMN {column}")

    def insert(self, table: TableId, rows: Rows) -> None:
        names = list(rows[0]) if rows else []
        for first in range(0, len(rows), 50):
            values = ", ".join(
                f"({', '.join(_literal(name, one[name]) for name in names)})" for one in rows[first:][:50]
            )
            self._run(f"INSERT INTO {table.quoted} ({', '.join(names)}) VALUES {values}")

    def forget_offsets(self, table: TableId, *offsets: int) -> None:
        self._run(f"DELETE FROM {table.quoted} WHERE _kafka_offset IN ({', '.join(map(str, offsets))})")

    def _run(self, sql: str) -> Any:
        return self._client.query(sql, job_retry=None).result(timeout=60)


def _literal(name: str, value: Any) -> str:
    return "[]" if name == "_kafka_headers" else literal(value)


class LocalWorld(ClientWorld):
    """The emulator behind the strict front."""

    def __init__(self, bigquery: LocalBigQuery, client: Client, dataset: str) -> None:
        super().__init__(client, dataset)
        self._bigquery = bigquery

    def warehouse(self) -> Warehouse:
        client = connect({"project": self.project, "api_endpoint": self._bigquery.url})
        self._opened.append(BigQueryWarehouse(client, deadline_seconds=20))
        return self._opened[-1]

    def close(self) -> None:
        self._bigquery.faults.clear()
        super().close()

    def merge_together(self, *jobs: tuple[str, MergeSpec]) -> list[JobResult]:
        for job_id, _ in jobs:
            self._bigquery.faults.add("slow", call="jobs.insert", job_id=job_id, seconds=1.0, at="commit")
        return at_once(*[partial(self.warehouse().merge, job_id, spec, None) for job_id, spec in jobs])


def soon(world: WarehouseWorld, seconds: float = 3600) -> datetime:
    """A time after now."""
    return world.now() + timedelta(seconds=seconds)
