"""Avro: every type has a column that keeps its values exactly, or the message is refused by name."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.formats.parser import Rejected
from airflow_kafka_bq.formats.structured.avro import avro_schema
from tests.formats.structured.values import avro_bytes, avro_rows, column_type, record, rows

FIRST, LAST = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999_999, UTC)
INNER = {"type": "record", "name": "Inner", "fields": [{"name": "a", "type": "int"}]}


def logical(kind: str, name: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, "logicalType": name, **more}


def decimal(precision: int, scale: int) -> dict[str, Any]:
    return logical("bytes", "decimal", precision=precision, scale=scale)


def fixed(name: str, size: int, logical_type: str, **more: Any) -> dict[str, Any]:
    return {"type": "fixed", "name": name, "size": size, "logicalType": logical_type, **more}


# Avro type, column, and pairs of what is written and what arrives.
EXACT: list[tuple[Any, str, list[tuple[Any, Any]]]] = [
    ("boolean", "BOOL", [(True, True), (False, False)]),
    ("int", "INT64", [(-(2**31), -(2**31)), (2**31 - 1, 2**31 - 1)]),
    ("long", "INT64", [(-(2**63), -(2**63)), (2**63 - 1, 2**63 - 1)]),
    ("float", "FLOAT64", [(0.1, 0.10000000149011612), (-0.0, -0.0)]),
    ("double", "FLOAT64", [(0.1, 0.1), (5e-324, 5e-324), (1.7976931348623157e308, 1.7976931348623157e308)]),
    ("string", "STRING", [("", ""), ("ü\0€😀", "ü\0€😀"), ("x" * 100_000, "x" * 100_000)]),
    ("bytes", "BYTES", [(b"", b""), (b"\0\xff", b"\0\xff")]),
    (decimal(38, 9), "NUMERIC", [(Decimal("9" * 29 + "." + "9" * 9),) * 2, (Decimal(0), Decimal(0))]),
    (decimal(9, 0), "NUMERIC", [(Decimal(-1), Decimal(-1))]),
    (decimal(76, 38), "BIGNUMERIC", [(Decimal("-" + "5" * 38 + "." + "9" * 38), "-" + "5" * 38 + "." + "9" * 38)]),
    (decimal(80, 2), "STRING", [(Decimal("9" * 78 + ".01"), "9" * 78 + ".01")]),
    (fixed("D", 8, "decimal", precision=12, scale=2), "NUMERIC", [(Decimal("-1.25"), Decimal("-1.25"))]),
    (logical("int", "date"), "DATE", [(date(1, 1, 1),) * 2, (date(9999, 12, 31),) * 2, (date(1969, 12, 31),) * 2]),
    (logical("int", "time-millis"), "TIME", [(time(23, 59, 59, 999_000), "23:59:59.999000"), (time(), "00:00:00")]),
    (logical("long", "time-micros"), "TIME", [(time(23, 59, 59, 999_999), "23:59:59.999999")]),
    (logical("long", "timestamp-millis"), "TIMESTAMP", [(FIRST, FIRST), (LAST.replace(microsecond=999_000),) * 2]),
    (logical("long", "timestamp-micros"), "TIMESTAMP", [(FIRST, FIRST), (LAST, LAST)]),
    (logical("long", "timestamp-nanos"), "INT64", [(-1, -1), (2**63 - 1, 2**63 - 1)]),
    (logical("long", "local-timestamp-micros"), "DATETIME",
     [(LAST.replace(tzinfo=None), "9999-12-31T23:59:59.999999")]),
    (logical("long", "local-timestamp-millis"), "DATETIME", [(datetime(1969, 1, 1), "1969-01-01T00:00:00")]),
    (logical("long", "local-timestamp-nanos"), "INT64", [(1, 1)]),
    (logical("string", "uuid"), "STRING", [(UUID(int=1), "00000000-0000-0000-0000-000000000001")]),
    (fixed("U", 16, "uuid"), "STRING", [(UUID(int=1).bytes, "00000000-0000-0000-0000-000000000001")]),
    (fixed("P", 12, "duration"), "STRING", [(b"\1\0\0\0\2\0\0\0\xdc\5\0\0", "P1M2DT1.500S")]),
    ({"type": "fixed", "name": "F", "size": 2}, "BYTES", [(b"\0\xff", b"\0\xff")]),
    ({"type": "enum", "name": "E", "symbols": ["A", "B"]}, "STRING", [("B", "B")]),
    (logical("long", "never-heard-of"), "INT64", [(5, 5)]),
    (["null", "string"], "STRING", [(None, None), ("a", "a")]),
    (["string", "null"], "STRING", [(None, None), ("a", "a")]),
    (INNER, "STRUCT<a INT64>", [({"a": 1}, {"a": 1})]),
    (["null", INNER], "STRUCT<a INT64>", [(None, None), ({"a": 1}, {"a": 1})]),
    ({"type": "array", "items": "int"}, "ARRAY<INT64>", [([], []), ([2, 1], [2, 1])]),
    (["null", {"type": "array", "items": "int"}], "ARRAY<INT64>", [(None, []), ([1], [1])]),
    ({"type": "array", "items": ["null", "int"]}, "ARRAY<STRUCT<value INT64>>",
     [([None, 1], [{"value": None}, {"value": 1}])]),
    ({"type": "array", "items": {"type": "array", "items": "int"}}, "ARRAY<STRUCT<value ARRAY<INT64>>>",
     [([[], [1, 2]], [{"value": []}, {"value": [1, 2]}])]),
    ({"type": "map", "values": ["null", "long"]}, "ARRAY<STRUCT<key STRING, value INT64>>",
     [({"ü": 1, "b": None}, [{"key": "ü", "value": 1}, {"key": "b", "value": None}])]),
    (["null", "int", "string", INNER], "STRUCT<int INT64, string STRING, Inner STRUCT<a INT64>>",
     [(None, None), (1, {"int": 1, "string": None, "Inner": None}), ("1", {"int": None, "string": "1", "Inner": None}),
      ({"a": 1}, {"int": None, "string": None, "Inner": {"a": 1}})]),
    (["int", "long"], "STRUCT<int INT64, long INT64>", [(2**40, {"int": None, "long": 2**40})]),
    ({"type": "record", "name": "Empty", "fields": []}, "JSON", [({}, "{}")]),
    ("null", "JSON", [(None, None)]),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "column", "pairs"), EXACT, ids=[json.dumps(kind)[:60] for kind, *_ in EXACT])
def test_a_type_has_a_column_that_keeps_its_values(kind: Any, column: str, pairs: list[tuple[Any, Any]]) -> None:
    schema = record(kind)
    assert column_type(avro_schema(schema)) == column
    for given, kept in pairs:
        found = avro_rows(schema, {"v": given})
        assert found.bad == ()
        (value,) = found.rows.column(0).to_pylist()
        assert value == kept
        assert str(value) == str(kept) or not isinstance(kept, float)


REFUSED: list[tuple[Any, Any, str]] = [
    ("double", float("nan"), "not_finite"),
    ("double", float("inf"), "not_finite"),
    ("float", float("-inf"), "not_finite"),
    (logical("int", "date"), 3_000_000, "out_of_range"),
    (logical("int", "date"), -(2**31), "out_of_range"),
    (logical("int", "time-millis"), 24 * 3600 * 1000, "out_of_range"),
    (logical("long", "time-micros"), -1, "out_of_range"),
    (logical("long", "timestamp-millis"), 253_402_300_800_000, "out_of_range"),
    (logical("long", "timestamp-micros"), 2**63 - 1, "out_of_range"),
    (logical("long", "local-timestamp-millis"), -(2**63), "out_of_range"),
]


@pytest.mark.parametrize(("kind", "value", "reason"), REFUSED)
def test_what_bigquery_cannot_hold_is_refused_by_name(kind: Any, value: Any, reason: str) -> None:
    plain = kind["type"] if isinstance(kind, dict) else kind
    found = rows(avro_schema(record(kind)), [avro_bytes(record(plain), {"v": value})])
    assert [(one.stage, one.reason, one.schema_id) for one in found.bad] == [("validate", reason, 7)]


def test_a_decimal_that_is_longer_than_its_schema_says_is_not_rounded() -> None:
    raw = (10**40 + 1).to_bytes(20, "big", signed=True)
    found = rows(avro_schema(record(decimal(4, 2))), [avro_bytes(record("bytes"), {"v": raw})])
    assert [one.reason for one in found.bad] == ["out_of_range"]


def test_a_record_that_contains_itself_is_json_from_there_on() -> None:
    tree = {"type": "record", "name": "Tree", "fields": [
        {"name": "n", "type": "long"}, {"name": "left", "type": ["null", "Tree"]}, {"name": "raw", "type": "bytes"},
    ]}  # fmt: skip
    schema = json.dumps(tree)
    leaf = {"n": 2**63 - 1, "left": None, "raw": b"\xff"}
    found = avro_rows(schema, {"n": 1, "left": leaf, "raw": b""})
    assert found.rows.column("left").to_pylist() == ['{"n":9223372036854775807,"left":null,"raw":"/w=="}']


def test_types_of_other_schemas_are_found_by_name() -> None:
    inner = {**INNER, "namespace": "shop"}
    schema = avro_schema(record("shop.Inner"), [json.dumps(inner)])
    assert column_type(schema) == "STRUCT<a INT64>"
    assert schema.decode(b"\6") == {"v": {"a": 3}}


@pytest.mark.parametrize("data", [b"", b"\2", b"\6\6", b"\3", b"\2a\0"])
def test_bytes_that_are_no_datum_are_refused(data: bytes) -> None:
    with pytest.raises(Rejected) as caught:
        avro_schema(record("string")).decode(data)
    assert (caught.value.stage, caught.value.reason) == ("decode", "invalid_avro")


@pytest.mark.parametrize("text", ["{", '{"type": "record"}', record("Nowhere"), record({"type": "array"}), "[]x", "5"])
def test_what_is_no_schema_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="not an Avro schema"):
        avro_schema(text)


def test_deep_and_wide_values_keep_their_form() -> None:
    deep: Any = "int"
    value: Any = 1
    for level in range(20):
        deep = {"type": "record", "name": f"L{level}", "fields": [{"name": "in", "type": deep}]}
        value = {"in": value}
    found = avro_rows(record(deep), {"v": value})
    assert found.bad == ()
    assert str(found.rows.column(0).to_pylist()[0]).count("in") == 20


def test_a_timestamp_is_exact_wherever_it_lies() -> None:
    schema = record(logical("long", "timestamp-micros"))
    moments = [FIRST + timedelta(microseconds=at) for at in (1, 999_999)] + [LAST - timedelta(microseconds=7)]
    found = rows(avro_schema(schema), [avro_bytes(schema, {"v": one}) for one in moments])
    assert found.rows.column(0).to_pylist() == moments
