"""Protobuf: every type has a column that keeps its values exactly, or the message is refused by name."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from google.protobuf import json_format

from airflow_kafka_bq.formats.parser import Rejected
from airflow_kafka_bq.formats.structured.protobuf import protobuf_schema
from airflow_kafka_bq.formats.structured.protobuf_files import message_class
from airflow_kafka_bq.formats.structured.rows import json_text
from tests.formats.structured.values import column_type, columns, rows

IMPORTS = "".join(
    f'import "{name}.proto";'
    for name in (
        *(f"google/protobuf/{one}" for one in ("timestamp", "duration", "wrappers", "struct", "any", "empty")),
        "google/protobuf/field_mask", "confluent/type/decimal",
    )
)  # fmt: skip
INNER = "message In { int32 a = 1; } message Empty { } enum E { Z = 0; Y = 1; reserved 9; }"
LAST = datetime(9999, 12, 31, 23, 59, 59, 999_999, UTC)


def kind(field: str, inner: str = INNER, syntax: str = "proto3") -> Any:
    """Class of a message with one field, ``v``."""
    return message_class(f'syntax = "{syntax}"; package p; {IMPORTS} message Row {{ {field} }} {inner}', (), (0,))


def parsed(field: str, value: Any, **more: Any) -> Any:
    """A message as Protobuf's JSON gives it."""
    return json_format.ParseDict({} if value is None else {"v": value}, kind(field, **more)())


# Field, column, and pairs of Protobuf's JSON and what arrives.
EXACT: list[tuple[str, str, list[tuple[Any, Any]]]] = [
    ("bool v = 1;", "BOOL", [(True, True), (None, False)]),
    ("int32 v = 1;", "INT64", [(-(2**31), -(2**31)), (None, 0)]),
    ("sint32 v = 1;", "INT64", [(2**31 - 1, 2**31 - 1)]),
    ("uint32 v = 1;", "INT64", [(2**32 - 1, 2**32 - 1)]),
    ("fixed32 v = 1;", "INT64", [(2**32 - 1, 2**32 - 1)]),
    ("sfixed32 v = 1;", "INT64", [(-1, -1)]),
    ("int64 v = 1;", "INT64", [(-(2**63), -(2**63)), (2**63 - 1, 2**63 - 1)]),
    ("sint64 v = 1;", "INT64", [(-(2**63), -(2**63))]),
    ("sfixed64 v = 1;", "INT64", [(2**63 - 1, 2**63 - 1)]),
    ("uint64 v = 1;", "NUMERIC", [(2**64 - 1, Decimal(2**64 - 1)), (None, Decimal(0))]),
    ("fixed64 v = 1;", "NUMERIC", [(2**64 - 1, Decimal(2**64 - 1))]),
    ("float v = 1;", "FLOAT64", [(0.5, 0.5)]),
    ("double v = 1;", "FLOAT64", [(0.1, 0.1), (5e-324, 5e-324)]),
    ("string v = 1;", "STRING", [("ü😀", "ü😀"), (None, "")]),
    ("bytes v = 1;", "BYTES", [("AP8=", b"\0\xff")]),
    ("E v = 1;", "STRING", [("Y", "Y"), (None, "Z"), (7, "7")]),
    ("optional int32 v = 1;", "INT64", [(None, None), (0, 0)]),
    ("In v = 1;", "STRUCT<a INT64>", [(None, None), ({}, {"a": 0})]),
    ("Empty v = 1;", "JSON", [({}, "{}"), (None, None)]),
    ("Row v = 1;", "JSON", [({"v": {}}, '{"v":{"v":null}}')]),
    ("repeated int32 v = 1;", "ARRAY<INT64>", [(None, []), ([2, 1], [2, 1])]),
    ("repeated In v = 1;", "ARRAY<STRUCT<a INT64>>", [([{"a": 1}], [{"a": 1}])]),
    ("map<string, int64> v = 1;", "ARRAY<STRUCT<key STRING, value INT64>>", [({"a": 1}, [{"key": "a", "value": 1}])]),
    ("map<bool, In> v = 1;", "ARRAY<STRUCT<key BOOL, value STRUCT<a INT64>>>",
     [({"true": {"a": 1}}, [{"key": True, "value": {"a": 1}}])]),
    ("oneof x { int32 v = 1; string w = 2; }", "INT64", [(None, None), (0, 0)]),
    ("google.protobuf.Timestamp v = 1;", "TIMESTAMP",
     [(None, None), ("0001-01-01T00:00:00Z", datetime(1, 1, 1, tzinfo=UTC)), ("9999-12-31T23:59:59.999999Z", LAST)]),
    ("google.protobuf.Duration v = 1;", "STRING", [("-1.000000001s", "-1.000000001s"), ("0s", "0s")]),
    ("google.protobuf.UInt64Value v = 1;", "NUMERIC", [(None, None), (2**64 - 1, Decimal(2**64 - 1))]),
    ("google.protobuf.StringValue v = 1;", "STRING", [(None, None), ("", "")]),
    ("google.protobuf.Struct v = 1;", "JSON", [({"a": [1, None, {"b": True}]}, '{"a":[1.0,null,{"b":true}]}')]),
    ("google.protobuf.Value v = 1;", "JSON", [("x", '"x"')]),
    ("google.protobuf.ListValue v = 1;", "JSON", [([], "[]")]),
    ("google.protobuf.FieldMask v = 1;", "STRUCT<paths ARRAY<STRING>>", [("a,b", {"paths": ["a", "b"]})]),
    ("google.protobuf.Any v = 1;", "STRUCT<type_url STRING, value BYTES>", [({}, {"type_url": "", "value": b""})]),
    ("google.protobuf.Empty v = 1;", "JSON", [({}, "{}")]),
    ("confluent.type.Decimal v = 1;", "BIGNUMERIC", [({"value": "/w==", "precision": 3, "scale": 2}, "-0.01")]),
]  # fmt: skip


@pytest.mark.parametrize(("field", "column", "pairs"), EXACT, ids=[field for field, *_ in EXACT])
def test_a_type_has_a_column_that_keeps_its_values(field: str, column: str, pairs: list[tuple[Any, Any]]) -> None:
    assert column_type(protobuf_schema(kind(field))) == column
    for given, kept in pairs:
        message = parsed(field, given)
        found = rows(protobuf_schema(type(message)), [message.SerializeToString()])
        assert found.bad == ()
        assert found.rows.column(0).to_pylist() == [kept]
        assert found.unknown_fields == 0


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("double v = 1;", "NaN", "not_finite"),
        ("float v = 1;", "-Infinity", "not_finite"),
        ("google.protobuf.Timestamp v = 1;", "2026-01-01T00:00:00.000000001Z", "inexact"),
    ],
)
def test_what_bigquery_cannot_hold_is_refused_by_name(field: str, value: Any, reason: str) -> None:
    message = parsed(field, value)
    found = rows(protobuf_schema(type(message)), [message.SerializeToString()])
    assert [(one.stage, one.reason) for one in found.bad] == [("validate", reason)]


@pytest.mark.parametrize(("seconds", "nanos"), [(253_402_300_800, 0), (-62_135_596_801, 0), (0, -1), (2**62, 0)])
def test_a_moment_outside_the_years_of_bigquery_is_refused(seconds: int, nanos: int) -> None:
    row = kind("google.protobuf.Timestamp v = 1;")()
    row.v.seconds, row.v.nanos = seconds, nanos
    assert [one.reason for one in rows(protobuf_schema(type(row)), [row.SerializeToString()]).bad] == ["out_of_range"]


def test_a_required_field_that_is_missing_is_refused() -> None:
    schema = protobuf_schema(kind("required int32 v = 1;", "", "proto2"))
    with pytest.raises(Rejected) as caught:
        schema.decode(b"")
    assert caught.value.reason == "invalid_protobuf"


@pytest.mark.parametrize("data", [b"\xff", b"\x0a\x05a", b"\x0a\x01\xff"])
def test_bytes_that_are_no_message_are_refused(data: bytes) -> None:
    with pytest.raises(Rejected) as caught:
        protobuf_schema(kind("string v = 1;")).decode(data)
    assert (caught.value.stage, caught.value.reason) == ("decode", "invalid_protobuf")


def test_fields_are_known_by_their_numbers() -> None:
    older, newer = kind("int32 old = 1; int32 gone = 2;"), kind("int32 new = 1; string added = 3; optional E e = 4;")
    found = rows(protobuf_schema(newer), [older(old=5, gone=6).SerializeToString()], protobuf_schema(older))
    assert found.rows.to_pylist() == [{"new": 5, "added": "", "e": None}]
    assert found.unknown_fields == 1


def test_a_number_that_means_something_else_now_is_refused() -> None:
    older, newer = kind("int32 v = 1;"), kind("string v = 1;")
    found = rows(protobuf_schema(newer), [older(v=5).SerializeToString()], protobuf_schema(older))
    assert [(one.stage, one.reason) for one in found.bad] == [("registry", "incompatible_schema")]


def test_fields_of_a_newer_class_are_counted() -> None:
    older, newer = kind("In v = 1;"), kind("In v = 1;", INNER.replace("int32 a = 1;", "int32 a = 1; int32 b = 2;"))
    message = newer()
    message.v.b = 5
    assert rows(protobuf_schema(older), [message.SerializeToString()]).unknown_fields == 1


def test_maps_are_in_the_order_of_their_keys() -> None:
    """Else each process has another order, and a batch that is read again another name."""
    row = kind("map<string, int32> v = 1; map<sint32, In> w = 2; google.protobuf.Struct s = 3;")
    keys = [f"key {number}" for number in range(30)]
    numbers = range(-15, 15)
    message = row(v=dict.fromkeys(reversed(keys), 1), w={one: {"a": one} for one in reversed(numbers)})
    message.s.update(dict.fromkeys(reversed(keys), True))
    found = rows(protobuf_schema(row), [message.SerializeToString()]).rows.to_pylist()[0]
    assert [one["key"] for one in found["v"]] == sorted(keys)
    assert [one["key"] for one in found["w"]] == [one["value"]["a"] for one in found["w"]] == list(numbers)
    assert list(json.loads(found["s"])) == sorted(keys)


def test_whole_it_is_json() -> None:
    row = kind("map<int64, bytes> v = 1; google.protobuf.Timestamp t = 2; uint64 u = 3;")
    message = row(v={2**63 - 1: b"\xff"}, u=2**64 - 1)
    message.t.seconds = -1
    schema = protobuf_schema(row)
    assert json_text(schema)(schema.decode(message.SerializeToString())) == (
        '{"v":{"9223372036854775807":"/w=="},"t":"1969-12-31T23:59:59Z","u":"18446744073709551615"}'
    )


def test_the_columns_are_those_of_the_message() -> None:
    names = [one.name for one in columns(protobuf_schema(kind("int32 a = 1; oneof x { int32 b = 5; string c = 3; }")))]
    assert sorted(names) == ["a", "b", "c"]
