"""What the staging table carries: types that Parquet loads exactly, text for the rest.

https://cloud.google.com/bigquery/docs/loading-data-cloud-storage-parquet#parquet_conversions has no way to JSON, TIME
and DATETIME; BIGNUMERIC has more digits than a Parquet decimal of 38. The MERGE casts them from text.
"""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa

from airflow_kafka_bq.schema.columns import Column
from airflow_kafka_bq.schema.kafka_columns import NOT_STAGED
from airflow_kafka_bq.schema.target import Target

CONVERTED = frozenset({"BIGNUMERIC", "TIME", "DATETIME", "JSON"})
"""Types that travel as text and that the MERGE converts."""
TOMBSTONE = Column("_tombstone", "BOOL")
ROW = Column("_row", "INT64")

_SCALARS: dict[str, pa.DataType] = {
    "INT64": pa.int64(),
    "FLOAT64": pa.float64(),
    "BOOL": pa.bool_(),
    "STRING": pa.string(),
    "BYTES": pa.binary(),
    "TIMESTAMP": pa.timestamp("us", tz="UTC"),
    "DATE": pa.date32(),
    "NUMERIC": pa.decimal128(38, 9),
    **{name: pa.string() for name in CONVERTED},
}


def wire_type(column: Column) -> pa.DataType:
    """Arrow type of a column in the staging file."""
    if column.type == "STRUCT":
        element: pa.DataType = pa.struct([pa.field(child.name, wire_type(child)) for child in column.fields])
    else:
        element = _SCALARS[column.type]
    return pa.list_(pa.field("element", element)) if column.mode == "REPEATED" else element


def wire_column(column: Column) -> Column:
    """A column as the staging table has it: converted types are STRING, nothing is REQUIRED (a tombstone is a row)."""
    return replace(
        column,
        type="STRING" if column.type in CONVERTED else column.type,
        mode="REPEATED" if column.mode == "REPEATED" else "NULLABLE",
        fields=tuple(map(wire_column, column.fields)),
    )


def converted(column: Column) -> bool:
    """Whether the MERGE has to convert it, or something inside it."""
    return column.type in CONVERTED or any(map(converted, column.fields))


def staged_columns(target: Target) -> tuple[Column, ...]:
    """Columns of the target that the load carries, as the target has them."""
    return tuple(column for column in target.columns if column.name not in NOT_STAGED)


def wire_columns(target: Target) -> tuple[Column, ...]:
    """Columns of the staging table, in order."""
    return (*map(wire_column, staged_columns(target)), TOMBSTONE, ROW)


def row_schema(target: Target) -> pa.Schema:
    """What decoding gives: the staging table without ``_row``."""
    return pa.schema([pa.field(column.name, wire_type(column)) for column in (*staged_columns(target), TOMBSTONE)])


def wire_schema(target: Target) -> pa.Schema:
    """Arrow schema of the staging file."""
    return row_schema(target).append(pa.field(ROW.name, wire_type(ROW)))
