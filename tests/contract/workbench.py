"""Batches for a Warehouse: staged, merged and looked at in one line of a test."""

from __future__ import annotations

import itertools
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from airflow_kafka_bq.batch import (
    DEAD_LETTER_SCHEMA,
    ColumnBounds,
    JobResult,
    Kind,
    LedgerRow,
    OffsetRange,
    Position,
    RunContext,
    Staged,
    StagedTable,
    Written,
)
from airflow_kafka_bq.config.partitioning import Partitioning
from airflow_kafka_bq.config.rules import COORDINATES
from airflow_kafka_bq.config.values import TableId
from airflow_kafka_bq.ports import MergeSpec
from airflow_kafka_bq.schema.columns import Column
from airflow_kafka_bq.schema.kafka_columns import DELETED_AT, kafka_columns
from airflow_kafka_bq.schema.target import Target
from airflow_kafka_bq.schema.wire import wire_schema
from tests.contract.warehouse_world import Rows, WarehouseWorld, soon

TOPIC, PIPELINE = "shop.orders", "cluster/shop.orders"
START = datetime(2026, 1, 1, tzinfo=UTC)
CONTEXT = RunContext("shop", "orders", "manual-1", 2, "contract")
_FIELDS = (Column("id", "STRING"), Column("version", "INT64"), Column("note", "STRING"))


def at(seconds: float) -> datetime:
    """A message's timestamp."""
    return START + timedelta(seconds=seconds)


def coordinate_target(world: WarehouseWorld) -> Target:
    """What a job without dedup key writes to."""
    return Target(
        table=TableId(world.project, world.dataset, "orders"),
        columns=(*_FIELDS, *kafka_columns("string")),
        key=COORDINATES,
        partitioning=Partitioning("_kafka_timestamp"),
        cluster_by=("_kafka_partition", "_kafka_offset"),
    )


def keep_target(world: WarehouseWorld) -> Target:
    """The row that is there stays."""
    return replace(
        coordinate_target(world), key=("id",), by_coordinates=False, immutable=False, partitioning=None, cluster_by=()
    )


def update_target(world: WarehouseWorld, *version: str) -> Target:
    """A newer row wins; tombstones mark."""
    target = keep_target(world)
    return replace(target, columns=(*target.columns, DELETED_AT), update=True, version=version, soft_delete=True)


def delete_target(world: WarehouseWorld, *version: str) -> Target:
    """A newer row wins; tombstones remove."""
    return replace(keep_target(world), update=True, version=version, delete=True, delete_expiration_days=29)


def row(id: str | None, offset: int, *, version: int | None = None, partition: int = 0, seconds: float = 0) -> Any:
    """A staged row; its note is its place in Kafka."""
    return {
        "id": id,
        "version": version,
        "note": f"{partition}/{offset}",
        "_kafka_topic": TOPIC,
        "_kafka_partition": partition,
        "_kafka_offset": offset,
        "_kafka_timestamp": at(seconds),
        "_kafka_key": id,
        "_kafka_headers": [],
        "_tombstone": False,
    }


def tombstone(id: str, offset: int, *, partition: int = 0, seconds: float = 0) -> Any:
    """A staged null value."""
    return row(id, offset, partition=partition, seconds=seconds) | {"note": None, "_tombstone": True}


def dead_letter(offset: int, stage: str = "decode", end_offset: int | None = None) -> dict[str, Any]:
    """A message that could not be used, or a range that is gone."""
    return {
        "_kafka_partition": 0,
        "_kafka_offset": offset,
        "_kafka_timestamp": START,
        "_kafka_value": b"\x00{",
        "_kafka_end_offset": end_offset,
        "stage": stage,
        "reason": "json",
    }


class Workbench:
    """A target with ledger, dead letters and one registered pipeline."""

    def __init__(self, world: WarehouseWorld, target: Target) -> None:
        self.world = world
        self.target = target
        self.warehouse = world.warehouse()
        self._name = uuid.uuid4().hex[:8]
        self._numbers = itertools.count()
        self.warehouse.create(target)
        self.warehouse.create_ledger(target)
        self.warehouse.create_dead_letters(target)
        if target.delete:
            self.warehouse.create_deletes(target)
        self.warehouse.register(target, self.ledger_row())

    def ledger_row(self, **other: Any) -> LedgerRow:
        """The pipeline's row as a first run writes it."""
        fields = {"positions": {0: Position(0), 1: Position(0)}, "target_created_at": "2026-01-01T00:00:00.000+00:00"}
        row = LedgerRow(PIPELINE, TOPIC, "id-1", "cluster", "group", 0, None, None, {}, None, "contract")
        return replace(row, **{**fields, **other})

    def job_id(self, kind: str = "job") -> str:
        """A fresh one."""
        return f"contract-{self._name}-{kind}-{next(self._numbers)}"

    def table(self, rows: list[Any]) -> pa.Table:
        """Rows as they are loaded."""
        numbered = [{**one, "_row": number} for number, one in enumerate(rows)]
        return pa.Table.from_pylist(numbered, wire_schema(self.target))

    def file(self, rows: list[Any]) -> Written:
        """The same as a file that is written."""
        return self.written(self.table(rows))

    def written(self, rows: pa.Table) -> Written:
        """A file that holds just these columns."""
        file = self.warehouse.begin_file()
        file.write(rows)
        return Written(file, rows.schema, rows.num_rows, "", 0.0)

    def stage(self, *rows: Any, dead: tuple[Any, ...] = (), bounds: tuple[ColumnBounds, ...] = ()) -> Staged:
        """Load rows and dead letters into tables of their own."""
        batch_id = self.job_id("batch")
        tables: dict[str, str] = {}
        letters = pa.Table.from_pylist(
            [{**one, "_row": number} for number, one in enumerate(dead)],
            DEAD_LETTER_SCHEMA.append(pa.field("_row", pa.int64())),
        )
        for part, loaded in (("rows", self.table(list(rows))), ("dead", letters)):
            if loaded.num_rows:
                table = self.target.staging(f"{batch_id}-{part}")
                job_id = f"{batch_id}-{part}"
                result = self.warehouse.load(job_id, table, self.written(loaded), self.target, soon(self.world))
                assert (result.failure, result.output_rows) == (None, loaded.num_rows), result
                tables[part] = str(table)
        return Staged(
            batch_id=batch_id,
            kind=Kind.LIVE,
            ranges=(OffsetRange(0, 0, 100),),
            messages=len(rows) + len(dead),
            rows=len(rows),
            dead_lettered=len(dead),
            ignored=0,
            tombstones=sum(one["_tombstone"] for one in rows),
            rows_tables=(StagedTable(tables["rows"], len(rows)),) if rows else (),
            dead_letters_tables=(StagedTable(tables["dead"], len(dead)),) if dead else (),
            load_job_ids=tuple(f"{batch_id}-{part}" for part in tables),
            bounds=bounds,
        )

    def spec(self, staged: Staged, revision: int | None = 0, **other: Any) -> MergeSpec:
        """The transaction that applies it."""
        spec = MergeSpec(
            self.target, TOPIC, PIPELINE, staged, revision, {0: Position(100, 3), 1: Position(0)}, CONTEXT, START
        )
        return replace(spec, **other)

    def merge(self, spec: MergeSpec, job_id: str | None = None) -> JobResult:
        """As one job."""
        return self.warehouse.merge(job_id or self.job_id("merge"), spec, None)

    def revision(self) -> int:
        """The ledger's."""
        found = self.warehouse.ledger(self.target, PIPELINE)
        assert found is not None
        return found.revision

    def apply(self, *rows: Any, dead: tuple[Any, ...] = (), bounds: tuple[ColumnBounds, ...] = ()) -> JobResult:
        """Stage and merge; it must succeed."""
        result = self.merge(self.spec(self.stage(*rows, dead=dead, bounds=bounds), self.revision()))
        assert result.failure is None, result.error
        return result

    def counts(self, *rows: Any) -> tuple[int, int, int]:
        """Apply; (inserted, updated, deleted)."""
        done = self.apply(*rows)
        return done.inserted, done.updated, done.deleted

    def rows(self) -> Rows:
        """The target's rows, in the order of key and coordinates."""
        found = self.world.rows(self.target.table)
        return sorted(found, key=lambda one: (one["id"] or "", one["_kafka_partition"], one["_kafka_offset"]))

    def notes(self) -> dict[str, str]:
        """Which message's row each id has."""
        return {one["id"]: one["note"] for one in self.rows()}
