"""Many Protobuf messages decoded together give what protobuf gives of each, or leave it to protobuf."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from google.protobuf.json_format import ParseDict
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_kafka_bq.formats.parser import Rejected
from airflow_kafka_bq.formats.structured.protobuf import protobuf_schema
from airflow_kafka_bq.formats.structured.protobuf_fields import varint
from airflow_kafka_bq.formats.structured.protobuf_files import message_class
from airflow_kafka_bq.formats.structured.shapes import Schema
from tests.formats.structured.drawn_messages import Drawn
from tests.formats.structured.test_protobuf import kind as message_kind


def alone(schema: Schema, message: bytes) -> str | None:
    """Its value as text, which tells -0.0 from 0.0 and knows NaN; None where it is refused, or has unknown fields."""
    try:
        found = schema.decode(message)
    except Rejected:
        return None
    assert schema.has_unknown is not None
    return None if schema.has_unknown(found) else repr(found)


def check(schema: Schema, messages: list[bytes], positions: list[int] | None = None, skip: int = 0) -> int:
    """How many are bad; the others are what they are alone. ``positions`` are those that are looked at."""
    assert schema.together is not None
    values = pa.array([b"garbage", *messages, b"\x08\x02"], pa.binary()).slice(1, len(messages))
    found = schema.together(values, None if positions is None else pa.array(positions, pa.int64()), skip)
    taken = messages if positions is None else [messages[at] for at in positions]
    bad = found.bad.to_pylist()
    for message, value, wrong in zip(taken, found.fields.python(), bad, strict=True):
        assert wrong or repr(value) == alone(schema, message[skip:]), (message, value)
    return bad.count(True)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from((0.0, 0.1, 0.9)))
def test_any_message_is_as_protobuf_reads_it_or_bad(seed: int, damage: float) -> None:
    drawn = Drawn(seed)
    bad = check(protobuf_schema(drawn.kind), drawn.messages(60, damage))
    assert damage or not bad


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32))
def test_some_of_the_messages_behind_what_stands_in_front_of_them(seed: int) -> None:
    drawn = Drawn(seed)
    messages = [b"123456" + one for one in drawn.messages(40, 0.2)]
    positions = sorted(drawn.random.sample(range(40), 15))
    check(protobuf_schema(drawn.kind), messages, positions, 6)


@pytest.mark.parametrize(
    ("field", "message", "bad"),
    [
        ("int32 v = 1;", b"", False),  # its default
        ("int32 v = 1;", b"\x08\x00", False),  # which no writer sends
        ("int32 v = 1;", b"\x08\xff\xff\xff\xff\x0f", True),  # -1 in 32 bits
        ("int32 v = 1;", b"\x08" + b"\xff" * 9 + b"\x01", False),  # -1
        ("int32 v = 1;", b"\x08\x01\x08\x02", True),  # the last holds
        ("int32 v = 1;", b"\x0d\0\0\0\0", True),  # of another type
        ("int32 v = 1;", b"\x88\x00\x01", True),
        ("int32 v = 1;", b"\x10\x01", True),  # not known
        ("int32 v = 1;", b"\x08", True),
        ("int32 v = 1;", b"\x0b\x0c", True),
        ("uint32 v = 1;", b"\x08\xff\xff\xff\xff\x0f", False),
        ("uint32 v = 1;", b"\x08\xff\xff\xff\xff\x1f", True),
        ("sint32 v = 1;", b"\x08\xff\xff\xff\xff\x0f", False),
        ("sint32 v = 1;", b"\x08\xff\xff\xff\xff\x1f", True),
        ("bool v = 1;", b"\x08\x02", True),  # which is true
        ("E v = 1;", b"\x08\x01", False),
        ("E v = 1;", b"\x08\x07", True),
        ("fixed64 v = 1;", b"\x09" + b"\xff" * 8, False),
        ("fixed64 v = 1;", b"\x09" + b"\xff" * 7, True),
        ("string v = 1;", b"\x0a\x01a", False),
        ("string v = 1;", b"\x0a\x81\x80\x80\x80\x00a", False),
        ("string v = 1;", b"\x0a\x81\x80\x80\x80\x80\x00a", True),
        ("string v = 1;", b"\x0a\x02a", True),
        ("string v = 1;", b"\x0a\x01\xff", True),
        ("optional int32 v = 1;", b"", False),
        ("optional int32 v = 1;", b"\x08\x00", False),
        ("In v = 1;", b"", False),
        ("In v = 1;", b"\x0a\x00", False),
        ("In v = 1;", b"\x0a\x02\x08\x05", False),
        ("In v = 1; int32 w = 2;", b"\x0a\x00\x10\x01", False),
        ("In v = 1; int32 w = 2;", b"\x0a\x02\x10\x01", True),  # a field that is not known inside
        ("In v = 1;", b"\x0a\x02\x08\x05\x0a\x00", True),  # two, which are merged
        ("oneof x { int32 v = 1; int32 w = 2; }", b"\x08\x00", False),
        ("oneof x { int32 v = 1; int32 w = 2; }", b"\x08\x05\x10\x06", True),  # the last holds
        ("int32 v = 2; int32 w = 1;", b"\x08\x05\x10\x06", False),
        ("int32 v = 2; int32 w = 1;", b"\x10\x06\x08\x05", True),
        ("google.protobuf.Timestamp v = 1;", b"\x0a\x02\x08\x05", False),
        ("google.protobuf.StringValue v = 1;", b"\x0a\x00", False),
        ("google.protobuf.UInt64Value v = 1;", b"", False),
        ("confluent.type.Decimal v = 1;", b"\x0a\x07\x0a\x01\x05\x10\x03\x18\x02", False),
    ],
)
def test_what_a_message_may_hold(field: str, message: bytes, bad: bool) -> None:
    row = message_kind(field)
    schema, other = protobuf_schema(row), row().SerializeToString()
    assert check(schema, [message]) == bad
    assert check(schema, [other, message, other]) == bad


def test_a_required_field_that_is_missing() -> None:
    row = message_kind("required int32 v = 1;", "", "proto2")
    assert check(protobuf_schema(row), [b"\x08\x05", b"", b"\x08\x00"]) == 1


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("Empty v = 1;", [{}]),
        ("Row v = 1;", [{}, {"v": {}}]),
        ("repeated Row v = 1;", [[], [{}, {"v": [{}, {}]}]]),
        ("map<string, Row> v = 1;", [{"b": {}, "a": {"v": {"c": {}}}}]),
        ("map<int32, Empty> v = 1;", [{}, {"5": {}}]),
        ("google.protobuf.Struct v = 1;", [{}, {"b": [1, None, {"c": "x" * 200}], "a": True}]),
        ("google.protobuf.Value v = 1;", [None, "x", [1.5, {}]]),
        ("repeated google.protobuf.ListValue v = 1;", [[[1, 2], []]]),
        ("oneof x { google.protobuf.Empty v = 1; int32 w = 3; }", [{}]),
    ],
)
def test_messages_inside_others_that_have_no_columns(field: str, values: list[Any]) -> None:
    row = message_kind(field + " string last = 9;")
    found = [row(last="x"), *(ParseDict({"v": one}, row()) for one in values)]
    schema, messages = protobuf_schema(row), [one.SerializeToString() for one in found]
    assert check(schema, messages) == 0
    unknown, wrong = b"\x0a\x03\xf8\x07\x01", b"\x0a\x02\x0a\xff"
    assert check(schema, [*messages, unknown, wrong, messages[-1]]) == 2


@pytest.mark.parametrize("depth", [10, 19, 25, 90, 97, 98, 99, 100, 101, 120])
def test_no_message_is_deeper_than_protobuf_lets_it_be(depth: int) -> None:
    row = message_kind("In v = 1;", "message In { In deeper = 1; string s = 2; }")
    data = b"\x12\x01x"
    for _ in range(depth):
        data = b"\x0a" + varint(len(data)) + data
    assert check(protobuf_schema(row), [data, b"", data]) == (0 if depth < 60 else 2)
    struct = message_kind("google.protobuf.Value v = 1;")
    check(protobuf_schema(struct), [ParseDict({"v": _nested(depth // 3)}, struct()).SerializeToString()])


def _nested(depth: int) -> Any:
    found: Any = "x"
    for at in range(depth):
        found = [found] if at % 2 else {"a": found}
    return found


def test_other_types_that_have_no_columns() -> None:
    group = 'syntax = "proto2"; message Row { optional group G = 1 { optional int32 a = 1; } }'
    known = (
        'syntax = "proto3"; import "google/protobuf/timestamp.proto"; message Row { google.protobuf.Timestamp v = 1; }'
    )
    for text in (group, 'syntax = "proto3"; message Row { }'):
        assert protobuf_schema(message_class(text, (), (0,))).together is None
    moment = message_class(known, (), (0,))().v
    assert protobuf_schema(type(moment)).together is None
