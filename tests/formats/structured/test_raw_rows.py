"""Rows out of raw columns are those that each message makes by itself."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_kafka_bq.formats.structured.avro import avro_schema
from airflow_kafka_bq.formats.structured.parsing import StructuredRows
from tests.formats.structured import drawn
from tests.formats.structured.draw import Draw
from tests.formats.structured.test_avro_columns import Drawn
from tests.formats.structured.test_parsing import alone, parser, same
from tests.formats.structured.values import avro_bytes, record
from tests.formats.structured.versions import another, logical

MOMENT = {"type": "long", "logicalType": "timestamp-millis"}
MICROS = {"type": "long", "logicalType": "timestamp-micros"}
DAY = {"type": "int", "logicalType": "date"}
AMOUNT = {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 2}
LONG_AMOUNT = {"type": "bytes", "logicalType": "decimal", "precision": 38, "scale": 9}
WIDE = {"type": "bytes", "logicalType": "decimal", "precision": 60, "scale": 20}
FIXED = {"type": "fixed", "name": "F", "size": 16, "logicalType": "decimal", "precision": 20, "scale": 4}
CLOCK = {"type": "int", "logicalType": "time-millis"}
STATE = {"type": "enum", "name": "State", "symbols": ["NEW", "PAID"]}
INNER = {
    "type": "record", "name": "Inner",
    "fields": [{"name": "a", "type": "string"}, {"name": "b", "type": ["null", MOMENT]}],
}  # fmt: skip
REAL = {"type": "record", "name": "R", "fields": [{"name": "x", "type": "double"}]}
MORE = {**INNER, "fields": [*INNER["fields"], {"name": "c", "type": "int", "default": 7}]}


def raw(kind: str) -> str:
    """The schema without its logical types, so that any value of the plain type can be written."""
    return json.dumps(_raw(json.loads(kind)))


def _raw(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {key: _raw(value) for key, value in schema.items() if key != "logicalType"}
    return [_raw(one) for one in schema] if isinstance(schema, list) else schema


def both_ways(one: StructuredRows, messages: list[bytes]) -> int:
    """The same either way; how many messages were not certain."""
    values = pa.array(messages, pa.binary())
    found = one.parse(values)
    same(found, alone(one, values))
    pieces = one._in_columns(values)
    assert pieces
    return len(messages) - sum(len(piece.positions) for piece in pieces)


def written(kind: Any, values: list[Any], *, reader: Any = None) -> int:
    """Messages with one field of a type, often enough to be read together; how many were not certain."""
    schema = record(kind)
    messages = [avro_bytes(raw(schema), {"v": value}) for value in values]
    times = -(-300 // len(messages))
    one = parser(avro_schema(schema if reader is None else record(reader)), avro_schema(schema))
    return both_ways(one, messages * times) // times


@pytest.mark.parametrize("kind", [kind for kind in drawn.AVRO if avro_schema(record(json.loads(kind))).together])
def test_drawn_values(kind: str) -> None:
    schema = record(json.loads(kind))
    one = parser(avro_schema(schema))

    @settings(max_examples=5, deadline=None)
    @given(st.integers(0, 2**32))
    def holds(seed: int) -> None:
        draw = Draw(Random(seed))
        messages = [avro_bytes(schema, {"v": drawn.AVRO[kind](draw)[0]}) for _ in range(300)]
        both_ways(one, messages)

    holds()


_FIRST, _LAST = -62_135_596_800_000, 253_402_300_799_999


@pytest.mark.parametrize(
    ("kind", "values", "uncertain"),
    [
        (MOMENT, [_FIRST - 1, _FIRST, 0, _LAST, _LAST + 1, 2**63 - 1, -(2**63)], 4),
        (MICROS, [_FIRST * 1_000 - 1, _FIRST * 1_000, -1, _LAST * 1_000 + 999, _LAST * 1_000 + 1_000], 2),
        (DAY, [-719_163, -719_162, 0, 2_932_896, 2_932_897, 2**31 - 1], 3),
        ("double", [1.5, -0.0, float("nan"), float("inf"), -float("inf")], 3),
        ("float", [1.5, 0.1, float("nan")], 1),
        (["null", "double"], [None, 1.5, float("nan"), None], 1),
        (["null", MOMENT], [None, 0, _LAST + 1], 1),
        (CLOCK, [0, 86_399_999, 86_400_000, -1], 2),
        (STATE, ["NEW", "PAID"], 0),
        (REAL, [{"x": 1.0}, {"x": float("nan")}], 1),
        (["null", INNER], [None, {"a": "x", "b": None}, {"a": "", "b": 5}, {"a": "", "b": _LAST + 1}], 1),
    ],
)  # fmt: skip
def test_values_at_the_edge(kind: Any, values: list[Any], uncertain: int) -> None:
    assert written(kind, values) == uncertain


def _octets(number: int, size: int | None = None) -> bytes:
    shortest = (number if number >= 0 else ~number).bit_length() // 8 + 1
    return number.to_bytes(size or shortest, "big", signed=True)


_NUMBERS = [0, 1, -1, 127, 128, -128, -129, 255, 256, 10**12 - 1, -(10**12), 2**63 - 1, -(2**63)]


@pytest.mark.parametrize(
    ("kind", "values", "uncertain"),
    [
        (AMOUNT, [b"", b"\x00", b"\xff", b"\x00\xff", *map(_octets, _NUMBERS)], 0),
        (AMOUNT, [b"", *(_octets(number, 8) for number in _NUMBERS)], 0),
        (AMOUNT, [_octets(number, size) for number in _NUMBERS for size in (9, 12, 20)], 0),
        (LONG_AMOUNT, [*map(_octets, (*_NUMBERS, 10**38 - 1, 10**38, -(10**38), 1 - 10**38, 10**50))], 3),
        (WIDE, [*map(_octets, (*_NUMBERS, 10**57, 10**60 - 1))], 0),
        (FIXED, [_octets(number, 16) for number in (*_NUMBERS, 10**33 - 1, 10**33, -(10**33))], 2),
        (["null", AMOUNT], [None, b"", _octets(-5), None, _octets(5, 9)], 0),
    ],
)  # fmt: skip
def test_decimals(kind: Any, values: list[Any], uncertain: int) -> None:
    assert written(kind, values) == uncertain


@pytest.mark.parametrize(
    ("kind", "reader", "values"),
    [
        ("int", "double", [1, 2]),
        ("long", "double", [1, 2**53 + 1]),
        ("long", LONG_AMOUNT, [1, -5]),
        ("string", "bytes", ["a", "ü"]),
        ("bytes", "string", [b"a", b"\xff"]),
        ("string", ["null", "string"], ["a"]),
        ("float", "double", [0.1]),
        (INNER, MORE, [{"a": "x", "b": 1}]),
    ],
)  # fmt: skip
def test_another_version_of_the_schema(kind: Any, reader: Any, values: list[Any]) -> None:
    written(kind, values, reader=reader)


def _fields(*fields: dict[str, Any]) -> str:
    return record(*fields)


OLD = _fields({"name": "a", "type": "long"}, {"name": "b", "type": "string"}, {"name": "gone", "type": "string"})
NEW = _fields(
    {"name": "b", "type": ["null", "string"]},
    {"name": "c", "type": "long", "aliases": ["a"]},
    {"name": "d", "type": "string", "default": "?"},
    {"name": "e", "type": ["null", "long"], "default": None},
    {"name": "f", "type": "long", "aliases": ["a"]},
)


@pytest.mark.parametrize("refuse_unknown", [False, True])
def test_renamed_new_and_lost_fields(refuse_unknown: bool) -> None:
    one = parser(avro_schema(NEW), avro_schema(OLD), refuse_unknown=refuse_unknown)
    messages = [avro_bytes(OLD, {"a": number, "b": "x", "gone": "é"}) for number in range(300)]
    messages[5] = messages[5].replace("é".encode(), b"\xff\xff")
    values = pa.array(messages, pa.binary())
    found = one.parse(values)
    same(found, alone(one, values))
    if refuse_unknown:
        assert not one._in_columns(values)
        assert not found.rows.num_rows
    else:
        assert found.rows.slice(1, 1).to_pylist() == [{"b": "x", "c": 1, "d": "?", "e": None, "f": 1}]
        assert (found.unknown_fields, [bad.reason for bad in found.bad]) == (299, ["invalid_avro"])


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from((0.0, 0.05, 0.5)))
def test_any_version_of_any_schema(seed: int, damage: float) -> None:
    drawn_schema = Drawn(seed)
    messages = drawn_schema.messages(300, damage)
    random = drawn_schema.random
    writer = logical(random, drawn_schema.schema)
    reader = another(random, writer)
    one = parser(avro_schema(json.dumps(reader)), avro_schema(json.dumps(writer)), refuse_unknown=random.random() < 0.1)
    values = pa.array(messages, pa.binary())
    same(one.parse(values), alone(one, values))
