"""Rows out of raw columns of Protobuf are those that each message makes by itself."""

from __future__ import annotations

from random import Random
from typing import Any

import pyarrow as pa
import pytest
from google.protobuf.json_format import ParseDict
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.formats.structured.protobuf import protobuf_schema
from tests.formats.structured import drawn
from tests.formats.structured.draw import Draw
from tests.formats.structured.drawn_messages import Drawn
from tests.formats.structured.test_parsing import alone, parser, same
from tests.formats.structured.test_protobuf import INNER, kind
from tests.formats.structured.test_raw_rows import both_ways

LAST = 253_402_300_799


def written(field: str, values: list[Any], reader: str | None = None, inner: str = INNER) -> int:
    """Messages as Protobuf's JSON gives them, often enough to be read together; how many were not certain."""
    row = kind(field)
    one = parser(protobuf_schema(row if reader is None else kind(reader, inner)), protobuf_schema(row))
    messages = [ParseDict({} if value is None else {"v": value}, row()).SerializeToString() for value in values]
    times = -(-300 // len(messages))
    return both_ways(one, messages * times) // times


@pytest.mark.parametrize("field", [field for field in drawn.PROTOBUF if protobuf_schema(kind(field)).together])
def test_drawn_values(field: str) -> None:
    row = kind(field)
    one = parser(protobuf_schema(row))

    @settings(max_examples=5, deadline=None)
    @given(st.integers(0, 2**32))
    def holds(seed: int) -> None:
        draw = Draw(Random(seed))
        values = [drawn.PROTOBUF[field](draw)[0] for _ in range(300)]
        both_ways(one, [ParseDict({} if v is None else {"v": v}, row()).SerializeToString() for v in values])

    holds()


@pytest.mark.parametrize(
    ("field", "values", "uncertain"),
    [
        ("double v = 1;", [None, 1.5, "NaN", "Infinity", -0.0], 2),
        ("optional float v = 1;", [None, 0.1, "NaN"], 1),
        ("uint64 v = 1;", [None, 0, 2**64 - 1], 0),
        ("optional uint64 v = 1;", [None, 0, 2**64 - 1], 0),
        ("repeated fixed64 v = 1;", [[], [0, 2**64 - 1], None], 0),
        ("E v = 1;", [None, "Z", "Y", 7], 1),
        ("optional E v = 1;", [None, "Y"], 0),
        ("repeated E v = 1;", [None, ["Y", "Z"], ["Y", 7]], 1),
        ("google.protobuf.Timestamp v = 1;", [None, "0001-01-01T00:00:00Z", "2026-01-01T00:00:00.000001Z",
                                              "1969-12-31T23:59:59.000000001Z"], 1),
        ("google.protobuf.Duration v = 1;", [None, "1.5s", "-1s"], 0),
        ("repeated google.protobuf.Timestamp v = 1;", [None, ["2026-01-01T00:00:00Z"] * 3], 0),
        ("repeated double v = 1;", [[1.5, "NaN"], [], [0.5] * 3, ["NaN"] * 2], 2),
        ("repeated google.protobuf.StringValue v = 1;", [["a", ""], None], 0),
        ("repeated string v = 1;", [["a", ""], None, ["ü"] * 9], 0),
        ("map<string, double> v = 1;", [None, {"b": 1.5, "a": 0.5, "c": "NaN"}, {"x": 1.0}, {}], 1),
        ("map<int32, In> v = 1;", [None, {"5": {"a": 5}, "-1": {}}], 0),
        ("map<string, E> v = 1;", [{"a": "Y"}, {"a": "Y", "b": 7}], 1),
        ("google.protobuf.Struct v = 1;", [None, {"b": [1, None], "a": {"c": True}}], 0),
        ("repeated google.protobuf.Value v = 1;", [None, [1.5, "x"]], 0),
        ("Row v = 1;", [None, {}, {"v": {"v": {}}}], 0),
        ("map<string, Empty> v = 1;", [{"b": {}, "a": {}}, None], 0),
        ("In v = 1;", [None, {}, {"a": 5}], 0),
        ("repeated In v = 1;", [None, [{}, {"a": 5}]], 0),
        ("google.protobuf.FieldMask v = 1;", [None, "a,b", ""], 0),
        ("google.protobuf.Any v = 1;", [None, {}], 0),
        ("confluent.type.Decimal v = 1;", [None, {}, {"value": "/w==", "precision": 3, "scale": 2}], 0),
        ("oneof x { int32 v = 1; string w = 2; }", [None, 0, 5], 0),
    ],
)  # fmt: skip
def test_values_at_the_edge(field: str, values: list[Any], uncertain: int) -> None:
    assert written(field, values) == uncertain


@pytest.mark.parametrize(
    ("field", "reader", "values"),
    [
        ("int32 v = 1;", "int64 other = 1;", [1, None]),
        ("int32 v = 1;", "double v = 1;", [1, None]),
        ("int64 v = 1;", "uint64 v = 1;", [1, -5]),
        ("bytes v = 1;", "string v = 1;", ["YQ==", "/w=="]),
        ("In v = 1;", "In v = 1; string added = 3; repeated int32 more = 4;", [{"a": 5}, None]),
        ("repeated In v = 1;", "repeated In v = 1;", [[{"a": 5}], None]),
        ("repeated int32 v = 1;", "repeated sint64 v = 1;", [[1, 2], None]),
        ("map<string, In> v = 1;", "map<string, In> v = 1;", [{"x": {"a": 5}, "y": {}}, None]),
        ("map<string, int32> v = 1;", "map<string, double> v = 1;", [{"x": 1}, None]),
        ("string v = 1; int32 gone = 7;", "string v = 1;", ["a", None]),
    ],
)  # fmt: skip
def test_another_version_of_the_schema(field: str, reader: str, values: list[Any]) -> None:
    written(field, values, reader, INNER.replace("int32 a = 1;", "int32 a = 1; optional string b = 2;"))


def test_a_field_that_the_schema_does_not_know_is_counted_or_refused_as_ever() -> None:
    older, newer = protobuf_schema(kind("int32 v = 1;")), kind("int32 v = 1; int32 w = 2;")
    messages = [newer(v=number, w=number % 2).SerializeToString() for number in range(300)]
    assert both_ways(parser(older), messages) == 150
    found = parser(older).parse(pa.array(messages, pa.binary()))
    assert (found.rows.num_rows, found.unknown_fields) == (300, 150)
    assert both_ways(parser(older, refuse_unknown=True), messages) == 150


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from((0.0, 0.05, 0.5)))
def test_any_version_of_any_schema(seed: int, damage: float) -> None:
    made = Drawn(seed)
    schema = protobuf_schema(made.kind)
    try:
        one = parser(protobuf_schema(made.another()), schema, refuse_unknown=made.random.random() < 0.1)
    except ConfigError:
        return  # a version without fields
    values = pa.array(made.messages(300, damage), pa.binary())
    same(one.parse(values), alone(one, values))
