"""A table's own columns decide what a message must be: nothing is rounded, cut or set to NULL to make it fit."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from airflow_kafka_bq.exceptions import SchemaDriftError
from airflow_kafka_bq.formats.columnar_plan import plan
from airflow_kafka_bq.formats.json_rows import JsonRows
from airflow_kafka_bq.formats.parser import Parsed
from airflow_kafka_bq.schema.columns import Column
from airflow_kafka_bq.schema.kafka_columns import DELETED_AT, kafka_columns
from airflow_kafka_bq.schema.table_columns import table_columns, table_model
from airflow_kafka_bq.schema.target import TableFacts


def facts(*columns: Column) -> TableFacts:
    return TableFacts(columns, "2026-01-01T00:00:00.000+00:00", 0)


def parsed(column: Column, *values: str) -> Parsed:
    columns = table_columns(facts(column), "shop.orders")
    array: pa.Array[Any] = pa.array([f'{{"{column.name}":{value}}}'.encode() for value in values], pa.binary())
    return JsonRows(table_model(columns), columns).parse(array)


def test_columns_of_ours_and_those_that_nothing_fills_are_left_out() -> None:
    odd = (
        Column("place", "GEOGRAPHY"),
        Column("größe", "INT64"),
        Column("_row", "INT64"),
        Column("_unknown_fields", "JSON"),
        Column("around", "STRUCT", fields=(Column("at", "GEOGRAPHY"),)),
    )
    mine = Column("id", "STRING", "REQUIRED", description="theirs")
    found = table_columns(facts(*odd, mine, *kafka_columns("string"), DELETED_AT), "shop.orders")
    assert found == (replace(mine, field="f5"),)


def test_a_table_without_columns_for_messages_is_refused() -> None:
    with pytest.raises(SchemaDriftError, match=r"shop\.orders has no column that a message could fill"):
        table_columns(facts(*kafka_columns("string")), "shop.orders")


BYTES = base64.b64encode(b"\xff\x00").decode()
NESTED = Column("x", "STRUCT", "REPEATED", (Column("a", "INT64", "REQUIRED"), Column("_b", "STRING")))


@pytest.mark.parametrize(
    ("column", "value", "kept"),
    [
        (Column("x", "INT64"), "9223372036854775807", 2**63 - 1),
        (Column("x", "INT64"), '"12"', 12),
        (Column("x", "FLOAT64"), "0.1", 0.1),
        (Column("x", "NUMERIC"), "12345678901234567.891", Decimal("12345678901234567.891")),
        (Column("x", "NUMERIC", precision=5, scale=2), "123.45", Decimal("123.45")),
        (Column("x", "BIGNUMERIC"), '"1e-38"', "0." + "0" * 37 + "1"),
        (Column("x", "BOOL"), "true", True),
        (Column("x", "STRING", max_length=2), '"äö"', "äö"),
        (Column("x", "BYTES"), f'"{BYTES}"', b"\xff\x00"),
        (Column("x", "DATE"), '"1969-12-31"', date(1969, 12, 31)),
        (Column("x", "TIME"), '"23:59:59.999999"', "23:59:59.999999"),
        (Column("x", "DATETIME"), '"2026-01-31T00:00:00"', "2026-01-31T00:00:00"),
        (Column("x", "TIMESTAMP"), '"2026-01-31T02:00:00.000001+02:00"', datetime(2026, 1, 31, 0, 0, 0, 1, UTC)),
        (Column("x", "JSON"), '{"a":[1,null]}', '{"a":[1,null]}'),
        (Column("x", "INT64", "REPEATED"), "[1,2]", [1, 2]),
        (Column("x", "INT64", "REPEATED"), "null", []),
        (NESTED, '[{"a":1,"_b":"c"},{"a":2}]', [{"a": 1, "_b": "c"}, {"a": 2, "_b": None}]),
        (Column("_x", "STRING"), "null", None),
        (Column("model_config", "STRING"), '"a"', "a"),
    ],
)
def test_what_fits_is_kept(column: Column, value: str, kept: Any) -> None:
    found = parsed(column, value)
    assert found.bad == ()
    assert found.rows.to_pylist() == [{column.name: kept}]


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        (Column("x", "INT64"), "9223372036854775808", "out_of_range"),
        (Column("x", "INT64"), "1.5", "int_from_float"),
        (Column("x", "INT64"), "{}", "int_type"),
        (Column("x", "FLOAT64"), "1e999", "not_finite"),
        (Column("x", "NUMERIC"), "0.1234567891", "decimal_max_places"),
        (Column("x", "NUMERIC", precision=5, scale=2), "1.234", "decimal_max_places"),
        (Column("x", "NUMERIC", precision=5, scale=2), "1234.5", "decimal_whole_digits"),
        (Column("x", "NUMERIC", precision=5, scale=0), "1.5", "decimal_max_places"),
        (Column("x", "BIGNUMERIC"), '"1e-39"', "inexact"),
        (Column("x", "BOOL"), '"perhaps"', "bool_parsing"),
        (Column("x", "STRING"), "5", "string_type"),
        (Column("x", "STRING", max_length=2), '"abc"', "string_too_long"),
        (Column("x", "BYTES"), '"?"', "bytes_invalid_encoding"),
        (Column("x", "BYTES", max_length=1), f'"{BYTES}"', "bytes_too_long"),
        (Column("x", "DATE"), '"2026-02-30"', "date_from_datetime_parsing"),
        (Column("x", "TIME"), '"12:00:00+01:00"', "time_zone"),
        (Column("x", "TIME"), '"12:00:00.0000001"', "time_parsing"),
        (Column("x", "DATETIME"), '"2026-01-31T00:00:00Z"', "timezone_naive"),
        (Column("x", "TIMESTAMP"), '"2026-01-31T00:00:00.1234567Z"', "datetime_from_date_parsing"),
        (Column("x", "INT64", "REQUIRED"), "null", "int_type"),
        (Column("x", "JSON", "REQUIRED"), "null", "null_in_required"),
        (Column("x", "INT64", "REPEATED"), "[null]", "int_type"),
        (Column("x", "INT64", "REPEATED"), "1", "list_type"),
        (NESTED, '[{"_b":"c"}]', "missing"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_reason_and_the_column(column: Column, value: str, reason: str) -> None:
    found = parsed(column, value)
    assert [one.reason for one in found.bad] == [reason]
    assert "x" in found.bad[0].error.split(":")[0].split(".")
    assert found.rows.num_rows == 0


def test_a_missing_required_column_is_refused_and_an_unknown_field_is_counted() -> None:
    columns = table_columns(facts(Column("a", "INT64", "REQUIRED"), Column("b", "STRING")), "shop.orders")
    array: pa.Array[Any] = pa.array([b'{"b":"x"}', b'{"a":1,"c":2}', b'{"A":1}'], pa.binary())
    found = JsonRows(table_model(columns), columns).parse(array)
    assert [one.reason for one in found.bad] == ["missing", "missing"]
    assert (found.rows.to_pylist(), found.unknown_fields) == ([{"a": 1, "b": None}], 1)


def test_plain_tables_are_read_in_bulk() -> None:
    scalars = ("INT64", "FLOAT64", "NUMERIC", "BIGNUMERIC", "BOOL", "STRING", "DATE", "TIME", "DATETIME", "TIMESTAMP")
    plain = [Column(f"c{at}", kind, mode) for mode in ("NULLABLE", "REQUIRED") for at, kind in enumerate(scalars)]
    plain = [replace(one, name=f"{one.mode}_{one.name}") for one in plain]
    columns = table_columns(facts(*plain, NESTED, Column("tags", "STRING", "REPEATED")), "shop.orders")
    assert plan(table_model(columns), columns) is not None
