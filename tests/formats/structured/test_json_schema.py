"""JSON Schema: every form has a column that keeps its values exactly, or the message is refused by name."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest

from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.formats.parser import Rejected
from airflow_kafka_bq.formats.structured.json_schema import json_schema
from tests.formats.structured.values import column_type, columns, rows

INNER = {"type": "object", "properties": {"a": {"type": "integer"}}}
TIME = {"type": "string", "format": "date-time"}
NULL = {"type": "null"}


def text(kind: Any, **more: Any) -> str:
    return json.dumps({"type": "object", "properties": {"v": kind}, **more})


# Schema, column, and pairs of JSON and what arrives.
EXACT: list[tuple[Any, str, list[tuple[str, Any]]]] = [
    ({"type": "boolean"}, "BOOL", [("true", True)]),
    ({"type": "integer"}, "INT64", [(str(2**63 - 1), 2**63 - 1), (str(-(2**63)), -(2**63)), ("1.0", 1)]),
    ({"type": "number"}, "FLOAT64", [("0.1", 0.1), ("9007199254740992", 2.0**53), ("1e308", 1e308)]),
    ({"type": "string"}, "STRING", [('"ü\\u0000😀"', "ü\0😀")]),
    (TIME, "TIMESTAMP", [('"0001-01-01T00:00:00Z"', datetime(1, 1, 1, tzinfo=UTC)),
                         ('"2026-01-01T00:00:00.123456+01:00"', datetime(2025, 12, 31, 23, 0, 0, 123_456, UTC)),
                         ('"2026-01-01T00:00:00.1234560"', datetime(2026, 1, 1, 0, 0, 0, 123_456, UTC))]),
    ({"type": "string", "format": "date"}, "DATE", [('"9999-12-31"', date(9999, 12, 31))]),
    ({"type": "string", "format": "time"}, "STRING", [('"10:00:00Z"', "10:00:00Z")]),
    ({"type": "string", "format": "uuid"}, "STRING", [('"x"', "x")]),
    ({"enum": ["a", "b"]}, "STRING", [('"b"', "b")]),
    ({"const": 5}, "INT64", [("5", 5)]),
    ({"type": ["null", "string"]}, "STRING", [("null", None), ('"a"', "a")]),
    ({"oneOf": [NULL, {"type": "integer"}]}, "INT64", [("null", None), ("5", 5)]),
    ({"type": ["integer", "string"]}, "JSON", [("5", "5"), ('"5"', '"5"'), ("null", None)]),
    ({"anyOf": [{"type": "integer"}, INNER]}, "JSON", [('{"a":9223372036854775807}', '{"a":9223372036854775807}')]),
    (INNER, "STRUCT<a INT64>", [('{"a":1}', {"a": 1}), ("{}", {"a": None})]),
    ({"type": "object"}, "JSON", [('{"x":[1.5,null]}', '{"x":[1.5,null]}')]),
    ({"type": "object", "additionalProperties": {"type": "integer"}}, "ARRAY<STRUCT<key STRING, value INT64>>",
     [('{"ü": 1}', [{"key": "ü", "value": 1}])]),
    ({"type": "array", "items": {"type": "integer"}}, "ARRAY<INT64>", [("[]", []), ("[2,1]", [2, 1]), ("null", [])]),
    ({"type": "array", "items": {"type": ["integer", "null"]}}, "ARRAY<STRUCT<value INT64>>",
     [("[null]", [{"value": None}])]),
    ({"type": "array", "items": {"type": "array", "items": INNER}}, "ARRAY<STRUCT<value ARRAY<STRUCT<a INT64>>>>",
     [('[[{"a":1}],[]]', [{"value": [{"a": 1}]}, {"value": []}])]),
    ({"type": "array"}, "JSON", [('[1,"a"]', '[1,"a"]')]),
    ({}, "JSON", [("[1]", "[1]")]),
    (True, "JSON", [("1", "1")]),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "column", "pairs"), EXACT, ids=[json.dumps(kind)[:60] for kind, *_ in EXACT])
def test_a_form_has_a_column_that_keeps_its_values(kind: Any, column: str, pairs: list[tuple[str, Any]]) -> None:
    reader, loose = json_schema(text(kind)), json_schema("{}")
    assert column_type(reader) == column
    for given, kept in pairs:
        found = rows(reader, [f'{{"v": {given}}}'.encode()], loose)
        assert (found.bad, found.unknown_fields) == ((), 0)
        assert found.rows.column(0).to_pylist() == [kept]
    absent = rows(reader, [b"{}"], loose).rows.column(0).to_pylist()
    nothing: Any = [] if column.startswith("ARRAY") else None
    assert absent == [nothing]


@pytest.mark.parametrize(
    ("kind", "value", "reason"),
    [
        ({"type": "integer"}, "9223372036854775808", "out_of_range"),
        ({"type": "integer"}, "1.5", "wrong_type"),
        ({"type": "integer"}, "true", "wrong_type"),
        ({"type": "number"}, "9007199254740993", "inexact"),
        ({"type": "number"}, '"1"', "wrong_type"),
        ({"type": "boolean"}, "1", "wrong_type"),
        ({"type": "string"}, "1", "wrong_type"),
        (TIME, '"2026-01-01T00:00:00.1234567Z"', "inexact"),
        (TIME, '"2026-02-30T00:00:00Z"', "out_of_range"),
        (TIME, '"0001-01-01T00:00:00+01:00"', "out_of_range"),
        (TIME, '"yesterday"', "wrong_type"),
        ({"type": "string", "format": "date"}, '"10000-01-01"', "wrong_type"),
        ({"type": "string", "format": "date"}, '"2026-02-30"', "out_of_range"),
        (INNER, "[]", "wrong_type"),
        ({"type": "array", "items": INNER}, '{"a":1}', "wrong_type"),
        ({"type": "array", "items": {"type": "integer"}}, "[null]", "null_in_required"),
    ],
)
def test_what_a_column_cannot_hold_is_refused_by_name(kind: Any, value: str, reason: str) -> None:
    found = rows(json_schema(text(kind)), [f'{{"v": {value}}}'.encode()], json_schema("{}"))
    assert [(one.stage, one.reason, one.schema_id) for one in found.bad] == [("validate", reason, 7)]


@pytest.mark.parametrize("value", ["[]", "null", "5"])
def test_a_message_that_is_no_object_has_no_fields(value: str) -> None:
    found = rows(json_schema(text({})), [value.encode()], json_schema("{}"))
    assert [one.reason for one in found.bad] == ["no_fields"]


def test_the_schema_of_the_writer_judges_and_the_message_is_not_quoted() -> None:
    schema = json_schema(text({"type": "string", "maxLength": 3}, additionalProperties=False))
    with pytest.raises(Rejected) as caught:
        schema.decode(b'{"v": "secret"}')
    assert (caught.value.stage, caught.value.reason) == ("validate", "json_schema")
    assert "properties/v/maxLength" in caught.value.error
    assert "secret" not in caught.value.error
    with pytest.raises(Rejected) as caught:
        schema.decode(b'{"secret": 1}')
    assert "secret" not in caught.value.error


def test_references_are_followed() -> None:
    root = {
        "type": "object",
        "properties": {
            "a": {"$ref": "#/$defs/A"},
            "b": {"$ref": "other.json"},
            "c": {"allOf": [{"$ref": "#/$defs/A"}]},
        },
        "$defs": {"A": {"type": "integer"}},
    }
    schema = json_schema(json.dumps(root), [("other.json", json.dumps(INNER))])
    assert [(one.name, one.type) for one in columns(schema)] == [("a", "INT64"), ("b", "STRUCT"), ("c", "INT64")]
    assert schema.decode(b'{"a": 1, "b": {"a": 2}}') == {"a": 1, "b": {"a": 2}}
    with pytest.raises(Rejected):
        schema.decode(b'{"b": {"a": "x"}}')


def test_a_schema_that_contains_itself_is_json_from_there_on() -> None:
    tree = {"type": "object", "properties": {"n": {"type": "integer"}, "left": {"$ref": "#"}}}
    schema = json_schema(json.dumps(tree))
    found = rows(schema, [b'{"n": 1, "left": {"n": 2, "more": [1.50]}}'])
    assert found.rows.to_pylist() == [{"n": 1, "left": '{"n":2,"more":[1.5]}'}]
    assert found.unknown_fields == 1


def test_fields_without_a_column_are_counted_on_every_level() -> None:
    items = {"type": "array", "items": INNER}
    schema = json_schema(text(items))
    messages = [b'{"v": [{"a": 1}]}', b'{"v": [{"a": 1}, {"b": 1}]}', b'{"v": [], "w": 1}']
    assert rows(schema, messages).unknown_fields == 2
    assert [one.index for one in rows(schema, messages, refuse_unknown=True).bad] == [1, 2]


def test_text_is_kept_as_it_came() -> None:
    schema = json_schema("{}")
    assert schema.text is not None
    assert schema.text(b'{"a": 1.50}') == '{"a": 1.50}'


@pytest.mark.parametrize(
    "bad", ["{", '{"type": "nothing"}', '{"$ref": "#/nowhere"}', '{"$ref": "#"}', '{"$ref": "other.json"}', "5"]
)
def test_what_is_no_schema_is_refused(bad: str) -> None:
    with pytest.raises(ConfigError, match="not a JSON Schema"):
        json_schema(bad)
