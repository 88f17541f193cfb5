"""Columns of a schema: names that BigQuery takes, or a refusal that says which field."""

from __future__ import annotations

import pytest

from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.formats.structured.avro import avro_schema
from airflow_kafka_bq.formats.structured.columns import columns_of
from airflow_kafka_bq.formats.structured.shapes import Field, Scalar, Slot, Struct
from airflow_kafka_bq.schema.names import sanitized
from tests.formats.structured.values import columns, record


def struct(*names: str) -> Struct:
    return Struct("shop.Order", fields=tuple(Field(name, Slot(Scalar("INT64", "int"))) for name in names))


def test_every_column_can_be_null() -> None:
    assert {one.mode for one in columns(avro_schema(record("int", {"type": "array", "items": "int"})))} == {
        "NULLABLE", "REPEATED",
    }  # fmt: skip


@pytest.mark.parametrize(("name", "column"), [("a-b", "a_b"), ("1st", "_1st"), ("größe", "gr__e"), ("", "_")])
def test_a_name_is_made_one_that_bigquery_takes(name: str, column: str) -> None:
    assert sanitized(name) == column
    (found,) = columns_of(struct(name))
    assert (found.name, found.source) == (column, name)


@pytest.mark.parametrize("names", [("a-b", "a_b"), ("A", "a")])
def test_two_fields_of_one_column_are_refused(names: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError, match="are one column"):
        columns_of(struct(*names))


@pytest.mark.parametrize("name", ["_kafka_offset", "_PARTITIONTIME", "_row"])
def test_a_reserved_name_is_refused_with_its_path(name: str) -> None:
    with pytest.raises(ConfigError, match=rf"shop\.Order\.{name}"):
        columns_of(struct(name))


def test_a_schema_without_fields_has_no_columns() -> None:
    with pytest.raises(ConfigError, match="has no fields"):
        columns_of(struct())
