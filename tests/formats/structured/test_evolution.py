"""Schemas change; messages of every version fill the columns of the latest."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from airflow_kafka_bq.formats.structured.avro import avro_schema
from airflow_kafka_bq.formats.structured.evolution import IncompatibleError, fit
from airflow_kafka_bq.formats.structured.shapes import as_struct
from tests.formats.structured.values import avro_bytes, avro_rows, columns, record, rows

DECIMAL = {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}


def field(name: str, kind: Any, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": kind, **more}


def kept(reader: Any, writer: Any, value: Any) -> Any:
    """What a value of one version is in the column of another."""
    found = avro_rows(record(field("v", reader)), {"v": value}, record(field("v", writer)))
    assert found.bad == ()
    return found.rows.column("v").to_pylist()[0]


@pytest.mark.parametrize(
    ("reader", "writer", "value", "expected"),
    [
        ("long", "int", 5, 5),
        ("double", "long", 2**53, 2.0**53),
        ("double", "float", 0.5, 0.5),
        ("string", "bytes", "ü".encode(), "ü"),
        ("bytes", "string", "ü", "ü".encode()),
        (DECIMAL, "int", 5, Decimal("5.00")),
        (["null", "string"], "string", "a", "a"),
        ("string", ["null", "string"], None, None),
        ("string", ["string", "int"], "a", "a"),
        (["int", "string"], "string", "a", {"int": None, "string": "a"}),
        (["long", "string"], "int", 5, {"long": 5, "string": None}),
        (["int", "string", "boolean"], ["boolean", "string"], True, {"int": None, "string": None, "boolean": True}),
        ("string", {"type": "enum", "name": "E", "symbols": ["A"]}, "A", "A"),
    ],
)
def test_types_may_widen(reader: Any, writer: Any, value: Any, expected: Any) -> None:
    assert kept(reader, writer, value) == expected


@pytest.mark.parametrize(
    ("reader", "writer", "value", "stage", "reason"),
    [
        ("double", "long", 2**53 + 1, "validate", "inexact"),
        ("string", "bytes", b"\xff", "validate", "invalid_utf8"),
        ("string", "int", 5, "registry", "incompatible_schema"),
        ("int", {"type": "array", "items": "int"}, [5], "registry", "incompatible_schema"),
        ("string", ["string", "int"], 5, "registry", "incompatible_schema"),
        (["int", "string"], ["boolean", "int"], True, "registry", "incompatible_schema"),
        (["int", "string"], "boolean", True, "registry", "incompatible_schema"),
    ],
)
def test_what_has_no_place_is_refused(reader: Any, writer: Any, value: Any, stage: str, reason: str) -> None:
    found = avro_rows(record(field("v", reader)), {"v": value}, record(field("v", writer)))
    assert [(one.stage, one.reason, one.schema_id) for one in found.bad] == [(stage, reason, 7)]


def test_a_field_that_the_writer_does_not_know_has_its_default() -> None:
    inner = {"type": "record", "name": "In", "fields": [field("a", "int", default=4), field("b", ["null", "int"])]}
    added = [
        field("n", "long", default=3),
        field("s", ["null", "string"], default=None),
        field("d", DECIMAL, default="\x01\x00"),
        field("u", ["string", "int"], default="x"),
        field("r", inner, default={"b": None}),
        field("l", {"type": "array", "items": "double"}, default=[1]),
        field("m", {"type": "map", "values": "int"}, default={"k": 1}),
        field("without", "string"),
    ]
    found = avro_rows(record(field("v", "int"), *added), {"v": 1}, record(field("v", "int")))
    assert found.bad == ()
    assert found.rows.to_pylist() == [{
        "v": 1, "n": 3, "s": None, "d": Decimal("2.56"), "u": {"string": "x", "int": None},
        "r": {"a": 4, "b": None}, "l": [1.0], "m": [{"key": "k", "value": 1}], "without": None,
    }]  # fmt: skip


def test_a_field_that_was_renamed_is_found_by_its_alias() -> None:
    found = avro_rows(record(field("new", "int", aliases=["old"])), {"old": 5}, record(field("old", "int")))
    assert found.rows.to_pylist() == [{"new": 5}]
    assert found.unknown_fields == 0


def test_fields_that_no_column_takes_are_counted_or_refused() -> None:
    older, newer = record(field("v", "int")), record(field("v", "int"), field("w", "int"))
    message = [avro_bytes(newer, {"v": 1, "w": 2})]
    assert rows(avro_schema(older), message, avro_schema(newer)).unknown_fields == 1
    refused = rows(avro_schema(older), message, avro_schema(newer), refuse_unknown=True)
    assert [one.reason for one in refused.bad] == ["unknown_field"]


def test_another_kind_of_event_is_no_row_of_this_table() -> None:
    found = avro_rows(record("int", name="Order"), {"v": 1}, record("int", name="Refund"))
    assert [one.reason for one in found.bad] == ["incompatible_schema"]
    assert "Refund" in found.bad[0].error


def test_a_fit_says_which_field_has_no_place() -> None:
    reader, writer = (avro_schema(record(field("v", kind))) for kind in ("int", "string"))
    with pytest.raises(IncompatibleError, match=r"Row\.v is string here and int in the table's schema"):
        fit(as_struct(writer.slot)[0], as_struct(reader.slot)[0], columns(reader))
