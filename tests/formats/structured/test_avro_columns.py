"""Many Avro messages decoded together give what fastavro gives of each, or leave it to fastavro."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from random import Random
from typing import Any

import fastavro
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_kafka_bq.formats.parser import Rejected
from airflow_kafka_bq.formats.structured.avro import avro_schema
from airflow_kafka_bq.formats.structured.shapes import Schema
from tests.formats.structured.damage import damaged
from tests.formats.structured.values import avro_bytes, record

_SCALARS = ("boolean", "int", "long", "float", "double", "string", "bytes", "enum", "fixed")
_WHOLE = {"int": 2**31, "long": 2**63}
_TEXTS = ("", "a", "ü", "日本", "😀", "\0", "x" * 63, "x" * 64, "x" * 9_000)


class Drawn:
    """A schema by a seed, values of it, and what happens to their bytes on the way."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self._count = 0
        self.schema: Any = self._record(2)

    def _name(self) -> str:
        self._count += 1
        return f"n{self._count}"

    def _record(self, depth: int) -> Any:
        fields = [{"name": f"f{at}", "type": self._type(depth)} for at in range(self.random.randint(1, 5))]
        return {"type": "record", "name": self._name(), "fields": fields}

    def _type(self, depth: int) -> Any:
        one = self._record(depth - 1) if depth and self.random.random() < 0.2 else self._scalar()
        if self.random.random() < 0.4:
            return [one, "null"] if self.random.random() < 0.5 else ["null", one]
        return one

    def _scalar(self) -> Any:
        kind = self.random.choice(_SCALARS)
        if kind == "enum":
            return {"type": kind, "name": self._name(), "symbols": ["A", "B", "C"][: self.random.randint(1, 3)]}
        return {"type": kind, "name": self._name(), "size": self.random.randint(1, 20)} if kind == "fixed" else kind

    def value(self, schema: Any) -> Any:
        if isinstance(schema, list):
            schema = self.random.choice(schema)
            return None if schema == "null" else self.value(schema)
        kind = schema if isinstance(schema, str) else schema["type"]
        if kind == "record":
            return {one["name"]: self.value(one["type"]) for one in schema["fields"]}
        if kind in _WHOLE:
            end = min(_WHOLE[kind], 2 ** self.random.randint(0, 63))
            return self.random.choice((0, -end, end - 1, self.random.randrange(-end, end)))
        if kind in ("float", "double"):
            return self.random.choice((0.0, -0.0, 1.5, -(2.0**100), float("inf"), float("nan")))
        makes: dict[str, Callable[[], Any]] = {
            "boolean": lambda: self.random.random() < 0.5,
            "string": lambda: self.random.choice(_TEXTS),
            "bytes": lambda: self.random.randbytes(self.random.choice((0, 1, 12, 63, 64, 200))),
            "enum": lambda: self.random.choice(schema["symbols"]),
            "fixed": lambda: self.random.randbytes(schema["size"]),
        }
        return makes[kind]()

    def messages(self, count: int, damage: float) -> list[bytes]:
        schema, found = fastavro.parse_schema(self.schema), []
        for _ in range(count):
            stream = io.BytesIO()
            fastavro.schemaless_writer(stream, schema, self.value(self.schema))
            found.append(
                damaged(self.random, stream.getvalue()) if self.random.random() < damage else stream.getvalue()
            )
        return found


def alone(schema: Schema, message: bytes) -> str | None:
    """Its value as text, which tells -0.0 from 0.0 and knows NaN; None where it is refused."""
    try:
        return repr(schema.decode(message))
    except Rejected:
        return None


def check(schema: Schema, messages: list[bytes], positions: list[int] | None = None, skip: int = 0) -> int:
    """How many are bad; the others are what they are alone. ``positions`` are those that are looked at."""
    assert schema.together is not None
    values = pa.array([b"garbage", *messages, b"\x02"], pa.binary()).slice(1, len(messages))
    found = schema.together(values, None if positions is None else pa.array(positions, pa.int64()), skip)
    taken = messages if positions is None else [messages[at] for at in positions]
    bad = found.bad.to_pylist()
    for message, value, wrong in zip(taken, found.fields.python(), bad, strict=True):
        assert wrong or repr(value) == alone(schema, message[skip:]), (message, value)
    return bad.count(True)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from((0.0, 0.1, 0.9)))
def test_any_message_is_as_fastavro_reads_it_or_bad(seed: int, damage: float) -> None:
    drawn = Drawn(seed)
    messages = drawn.messages(60, damage)
    bad = check(avro_schema(json.dumps(drawn.schema)), messages)
    assert damage or not bad


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32))
def test_some_of_the_messages_behind_what_stands_in_front_of_them(seed: int) -> None:
    drawn = Drawn(seed)
    messages = [b"12345" + one for one in drawn.messages(40, 0.2)]
    positions = sorted(drawn.random.sample(range(40), 15))
    check(avro_schema(json.dumps(drawn.schema)), messages, positions, 5)


ARRAY, MAP = {"type": "array", "items": "int"}, {"type": "map", "values": "int"}
ITSELF = {"type": "record", "name": "R", "fields": [{"name": "v", "type": ["null", "R"]}]}


@pytest.mark.parametrize(
    "schema",
    [
        *(record(kind) for kind in (ARRAY, MAP, ITSELF, "null", ["int", "string"], ["null", "int", "string"], ["int"])),
        record({"type": "record", "name": "None", "fields": []}),
        json.dumps({"type": "record", "name": "None", "fields": []}),
        *map(json.dumps, ("int", ["null", "int"], ["null", json.loads(record("int"))], ITSELF)),
    ],
)
def test_what_has_no_columns(schema: str) -> None:
    assert avro_schema(schema).together is None


def test_a_type_that_is_named_again() -> None:
    other = {"type": "record", "name": "Other", "fields": [{"name": "x", "type": "int"}]}
    state = {"type": "enum", "name": "State", "symbols": ["A", "B"]}
    key = {"type": "fixed", "name": "Key", "size": 3}
    schema = record(other, "Other", ["null", "Other"], state, "State", key, "Key")
    value = {"x": -7}
    whole = {"v": value, "v1": value, "v2": value, "v3": "A", "v4": "B", "v5": b"abc", "v6": b"def"}
    messages = [avro_bytes(schema, whole | {"v2": one}) for one in (value, None)]
    assert check(avro_schema(schema), [*messages, messages[0][:-1]]) == 1


def test_a_type_of_another_schema_that_is_named() -> None:
    other = json.dumps({"type": "record", "name": "Other", "fields": [{"name": "x", "type": "int"}]})
    found = avro_schema(record("Other"), [other])
    assert check(found, [b"\x02", b"\x04", b""]) == 1


def test_an_index_of_an_enum_that_is_none() -> None:
    schema = avro_schema(record({"type": "enum", "name": "State", "symbols": ["A", "B"]}))
    assert check(schema, [b"\x00", b"\x02", b"\x01", b"\x04"]) == 2  # -1, which Python takes for the last, and 2


def test_text_is_utf8_even_where_one_is_not() -> None:
    schema = avro_schema(record("string", "string"))
    assert check(schema, [b"\x02a\x02b", b"\x02\xff\x02b", b"\x06\xed\xa0\x80\x00", b"\x04\xc3\xbc\x00"]) == 2


def test_alternatives_that_are_none() -> None:
    assert check(avro_schema(record(["null", "int"])), [b"\x00", b"\x02\x02", b"\x04\x02", b"\x01\x02", b"\x01"]) == 3
