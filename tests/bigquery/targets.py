"""Targets and transactions that the tests of this room share."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from airflow_kafka_bq.batch import ColumnBounds, Kind, OffsetRange, Position, RunContext, Staged, StagedTable
from airflow_kafka_bq.config.partitioning import Partitioning
from airflow_kafka_bq.config.rules import COORDINATES
from airflow_kafka_bq.config.values import TableId
from airflow_kafka_bq.pipeline import bounds
from airflow_kafka_bq.ports import MergeSpec
from airflow_kafka_bq.schema.columns import Column
from airflow_kafka_bq.schema.kafka_columns import DELETED_AT, kafka_columns, payload_column
from airflow_kafka_bq.schema.target import Target
from airflow_kafka_bq.schema.wire import row_schema

TOPIC, PIPELINE = "shop.orders", "cluster-1/shop.orders"
TABLE = TableId("demo", "analytics", "orders")
STARTED = datetime(2026, 1, 31, 6, tzinfo=UTC)
CONTEXT = RunContext("shop", "orders", "manual__2026-01-31", 2, "airflow shop.orders")
JOB = "kafka-bq-merge-0123456789abcdef0123-17-0"
FIELDS = (
    Column("order_id", "STRING", "REQUIRED", description="Number of the order"),
    Column("updated_at", "TIMESTAMP"),
    Column("sequence", "INT64"),
    Column("total", "NUMERIC"),
)
# Every type, every nesting that needs a conversion, and none that does not.
TYPES = (
    Column("id", "INT64"),
    Column("f", "FLOAT64"),
    Column("ok", "BOOL"),
    Column("b", "BYTES"),
    Column("d", "DATE"),
    Column("ts", "TIMESTAMP"),
    Column("n", "NUMERIC"),
    Column("bn", "BIGNUMERIC"),
    Column("t", "TIME"),
    Column("dt", "DATETIME"),
    Column("j", "JSON"),
    Column("tags", "STRING", "REPEATED"),
    Column("times", "TIME", "REPEATED"),
    Column("plain", "STRUCT", fields=(Column("a", "INT64"), Column("b", "STRING"))),
    Column("mixed", "STRUCT", fields=(Column("a", "DATETIME"), Column("b", "JSON"), Column("c", "BYTES"))),
    Column(
        "lines",
        "STRUCT",
        "REPEATED",
        (
            Column("sku", "STRING"),
            Column("price", "BIGNUMERIC"),
            Column("marks", "JSON", "REPEATED"),
            Column("moment", "STRUCT", fields=(Column("day", "DATE"), Column("time", "TIME"))),
        ),
    ),
)


def payload(value_format: str = "json", key_format: str = "bytes") -> Target:
    """A job without a model: the message whole, keyed by its coordinates."""
    return Target(
        table=TABLE,
        columns=(payload_column(value_format), *kafka_columns(key_format)),
        key=COORDINATES,
        partitioning=Partitioning("_kafka_timestamp"),
        cluster_by=("_kafka_partition", "_kafka_offset"),
    )


def keep(*fields: Column, **other: Any) -> Target:
    """A business key; the row that is there stays."""
    fields = fields or FIELDS
    target = replace(
        payload(), columns=(*fields, *kafka_columns("string")), key=(fields[0].name,), by_coordinates=False
    )
    return replace(target, **{"immutable": False, "cluster_by": (fields[0].name,), **other})


def update(*version: str, soft_delete: bool = False, **other: Any) -> Target:
    """A business key; a newer row wins."""
    target = keep(**other)
    marks = (DELETED_AT,) if soft_delete else ()
    return replace(target, columns=(*target.columns, *marks), update=True, version=version, soft_delete=soft_delete)


def rows(target: Target, *found: dict[str, Any]) -> pa.Table:
    """Rows as decoding gives them; what a row leaves out is NULL, its offset is its place."""
    coordinates = {"_kafka_topic": TOPIC, "_kafka_partition": 0, "_kafka_timestamp": STARTED, "_tombstone": False}
    whole = [{**coordinates, "_kafka_offset": offset, **row} for offset, row in enumerate(found)]
    return pa.Table.from_pylist(whole, row_schema(target))


def staging_tables(target: Target, part: str, count: int) -> tuple[StagedTable, ...]:
    """The table of a batch's rows or letters, if there are any."""
    return (StagedTable(str(target.staging(f"0123456789abcdef0123_{part}_0")), count),) if count else ()


def staged(target: Target, *found: dict[str, Any], dead: int = 0, **other: Any) -> Staged:
    """A batch of these rows, with the bounds that staging would find."""
    table = rows(target, *found)
    tombstones = sum(bool(row.get("_tombstone")) for row in found)
    letters = (
        ColumnBounds("_kafka_timestamp", ((datetime(2026, 1, 31, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)),)),
        ColumnBounds("_kafka_partition", (), (0,)),
        ColumnBounds("_kafka_offset", ((40, 99),)),
    )
    batch = Staged(
        batch_id="0123456789abcdef0123",
        kind=Kind.LIVE,
        ranges=(OffsetRange(0, 0, 100), OffsetRange(3, 7, 9, 1)),
        messages=len(found) + dead,
        rows=len(found),
        dead_lettered=dead,
        ignored=0,
        tombstones=tombstones,
        rows_tables=staging_tables(target, "rows", len(found)),
        dead_letters_tables=staging_tables(target, "dead", dead),
        load_job_ids=("kafka-bq-load-0123456789abcdef0123-rows-0",) if found else (),
        bounds=bounds.of_rows(table, target, STARTED) if found else (),
        dead_letter_bounds=letters if dead else (),
    )
    return replace(batch, **other)


def spec(target: Target, batch: Staged, **other: Any) -> MergeSpec:
    """The batch's transaction at revision 17."""
    positions = {0: Position(100, 4), 3: Position(9, 1)}
    return replace(MergeSpec(target, TOPIC, PIPELINE, batch, 17, positions, CONTEXT, STARTED), **other)
