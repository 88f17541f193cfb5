from __future__ import annotations

import io

import pyarrow as pa
import pyarrow.parquet as pq

from airflow_kafka_bq.config import TableId
from airflow_kafka_bq.schema.columns import SCALARS, Column
from airflow_kafka_bq.schema.kafka_columns import DELETED_AT, INGESTED_AT, kafka_columns
from airflow_kafka_bq.schema.target import Target
from airflow_kafka_bq.schema.wire import converted, row_schema, wire_column, wire_columns, wire_schema, wire_type

TABLE = TableId("demo", "shop", "orders")
NESTED = Column("s", "STRUCT", "REPEATED", (Column("t", "TIME", "REQUIRED"), Column("n", "INT64")))
TARGET = Target(TABLE, (Column("a", "INT64", "REQUIRED"), NESTED, *kafka_columns("bytes"), DELETED_AT), ("a",))


def test_every_scalar_has_a_wire_type() -> None:
    found = {name: str(wire_type(Column("a", name))) for name in SCALARS}
    assert found == {
        "INT64": "int64",
        "FLOAT64": "double",
        "NUMERIC": "decimal128(38, 9)",
        "BIGNUMERIC": "string",
        "BOOL": "bool",
        "STRING": "string",
        "BYTES": "binary",
        "DATE": "date32[day]",
        "TIME": "string",
        "DATETIME": "string",
        "TIMESTAMP": "timestamp[us, tz=UTC]",
        "JSON": "string",
    }


def test_structs_and_arrays_of_them() -> None:
    assert str(wire_type(NESTED)) == "list<element: struct<t: string, n: int64>>"


def test_nothing_is_required_in_the_staging_table() -> None:
    assert wire_column(NESTED) == Column("s", "STRUCT", "REPEATED", (Column("t", "STRING"), Column("n", "INT64")))
    assert wire_column(TARGET.columns[0]).mode == "NULLABLE"


def test_conversion_is_seen_through_nesting() -> None:
    assert converted(NESTED)
    assert not converted(Column("s", "STRUCT", fields=(Column("n", "INT64"),)))


def test_the_staging_table_has_what_sql_does_not_set() -> None:
    names = [column.name for column in wire_columns(TARGET)]
    assert INGESTED_AT.name not in names
    assert DELETED_AT.name not in names
    assert names == wire_schema(TARGET).names == [*row_schema(TARGET).names, "_row"]
    assert names[-2:] == ["_tombstone", "_row"]


def test_parquet_keeps_names_and_types() -> None:
    file = io.BytesIO()
    pq.write_table(wire_schema(TARGET).empty_table(), file)
    assert pq.read_schema(file).remove_metadata().equals(wire_schema(TARGET))
    assert isinstance(wire_schema(TARGET).field("s").type, pa.ListType)
