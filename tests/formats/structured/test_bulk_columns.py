"""Many messages at once give the rows, and the rejections, that each gives by itself."""

from __future__ import annotations

import json
from dataclasses import replace
from random import Random
from typing import Any

import pyarrow as pa
import pytest
from google.protobuf.json_format import ParseDict
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_kafka_bq.formats.structured.avro import avro_schema
from airflow_kafka_bq.formats.structured.parsing import StructuredRows
from airflow_kafka_bq.formats.structured.protobuf import protobuf_schema
from airflow_kafka_bq.formats.structured.rows import ColumnFilling
from airflow_kafka_bq.formats.structured.shapes import Schema
from airflow_kafka_bq.formats.structured.writers import OneWriter, Writer
from tests.formats.structured import drawn
from tests.formats.structured.draw import Draw
from tests.formats.structured.test_parsing import alone, parser, same
from tests.formats.structured.test_protobuf import kind as message_kind
from tests.formats.structured.values import avro_bytes, columns, record

SEEDS = st.integers(0, 2**32)
MILLIS = {"type": "long", "logicalType": "timestamp-millis"}
MICROS = {"type": "long", "logicalType": "timestamp-micros"}
DAYS = {"type": "int", "logicalType": "date"}
MONEY = {"type": "bytes", "logicalType": "decimal", "precision": 38, "scale": 9}
NAME, REALS = ["null", "string"], {"type": "array", "items": "double"}
CENTS = {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 2}
POINT = {"type": "record", "name": "P", "fields": [{"name": "x", "type": "double"}, {"name": "at", "type": MILLIS}]}


def agree(reader: Schema, messages: list[bytes], writer: Schema | None = None) -> None:
    values = pa.array(messages, pa.binary())
    same(parser(reader, writer).parse(values), alone(parser(reader, writer), values))


@settings(max_examples=150, deadline=None)
@given(SEEDS)
def test_avro(seed: int) -> None:
    random = Random(seed)
    types = random.sample([one for one in drawn.AVRO if '"R"' not in one], 6)
    schema = record(*map(json.loads, types))
    names = [one["name"] for one in json.loads(schema)["fields"]]
    values = [
        {name: drawn.AVRO[one](Draw(random))[0] for name, one in zip(names, types, strict=True)}
        for _ in range(random.randint(1, 9))
    ]
    agree(avro_schema(schema), [avro_bytes(schema, value) for value in values])


@settings(max_examples=100, deadline=None)
@given(SEEDS)
def test_protobuf(seed: int) -> None:
    random = Random(seed)
    written = random.choice(list(drawn.PROTOBUF))
    kind = message_kind(written)
    values = [drawn.PROTOBUF[written](Draw(random))[0] for _ in range(random.randint(1, 9))]
    messages = [ParseDict({} if value is None else {"v": value}, kind()).SerializeToString() for value in values]
    agree(protobuf_schema(kind), messages)


@settings(max_examples=100, deadline=None)
@given(SEEDS)
def test_structs_and_lists_with_nothing_here_and_there(seed: int) -> None:
    random = Random(seed)
    schema = record(["null", POINT], {"type": "array", "items": "P"}, ["null", CENTS], ["null", DAYS], ["null", MICROS])
    draw = Draw(random)

    def point() -> dict[str, Any]:
        return {"x": draw.real(), "at": draw.moment(1_000)[0]}

    values = [
        {
            "v": draw.maybe(point),
            "v1": draw.several(point),
            "v2": draw.maybe(lambda: draw.number(10, 2)),
            "v3": draw.maybe(lambda: draw.day()[0]),
            "v4": draw.maybe(lambda: draw.moment()[0]),
        }
        for _ in range(random.randint(1, 12))
    ]
    agree(avro_schema(schema), [avro_bytes(schema, value) for value in values])


def whole(number: int) -> bytes:
    return number.to_bytes(17, "big", signed=True)


# (type that is read, what its writer's schema says, what writes it, values)
EDGES: list[tuple[Any, Any, Any, list[Any]]] = [
    (MILLIS, MILLIS, "long", [-62_135_596_800_001, -62_135_596_800_000, 253_402_300_799_999, 253_402_300_800_000]),
    (MICROS, MICROS, "long", [-62_135_596_800_000_001, -62_135_596_800_000_000, 253_402_300_800_000_000, -(2**63)]),
    (DAYS, DAYS, "int", [-719_163, -719_162, 2_932_896, 2_932_897]),
    ("double", "double", "double", [0.5, float("nan"), float("inf"), float("-inf"), -0.0]),
    (MONEY, MONEY, "bytes", [whole(10**38 - 1), whole(10**38), whole(-(10**38)), whole(1 - 10**38), b""]),
    (CENTS, CENTS, "bytes", [b"\xff", whole(10**31 - 1), whole(10**31)]),
    ("string", NAME, NAME, ["a", None]),
    ("long", "int", "int", [1, -1]),
    ("double", "long", "long", [1, 2**53 + 1]),
    (REALS, REALS, REALS, [[], [1.0, float("nan")], [2.0]]),
]  # fmt: skip


@pytest.mark.parametrize(("read", "said", "written", "values"), EDGES)
def test_the_edges_of_a_type(read: Any, said: Any, written: Any, values: list[Any]) -> None:
    """Each by itself, and all together among others that are fine."""
    schema, writer = avro_schema(record(read)), avro_schema(record(said))
    messages = [avro_bytes(record(written), {"v": value}) for value in values]
    for message in messages:
        agree(schema, [message], writer)
    agree(schema, [messages[0]] * 600 + messages + [messages[0]] * 600, writer)


@pytest.mark.parametrize("values", [[None], ["a", None, "b"]])
def test_a_required_column_has_no_null(values: list[str | None]) -> None:
    reader, writer = avro_schema(record("string")), avro_schema(record(NAME))
    required = [replace(column, mode="REQUIRED") for column in columns(reader)]
    one = StructuredRows(OneWriter(Writer(writer)), required, ColumnFilling(reader, required, refuse_unknown=False))
    messages = pa.array([avro_bytes(record(NAME), {"v": value}) for value in values], pa.binary())
    found = one.parse(messages)
    same(found, alone(one, messages))
    assert [bad.reason for bad in found.bad] == ["null_in_required"]


def test_a_point_of_a_list_that_is_not_finite() -> None:
    schema = record({"type": "array", "items": POINT})
    lists: list[list[dict[str, Any]]] = [
        [{"x": 1.0, "at": 1}],
        [{"x": float("nan"), "at": 1}],
        [],
        [{"x": 2.0, "at": 1}],
    ]
    agree(avro_schema(schema), [avro_bytes(schema, {"v": one}) for one in lists])
