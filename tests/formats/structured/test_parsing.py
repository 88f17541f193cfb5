"""Messages of many writers in one chunk; and which of them are looked at by themselves."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from airflow_kafka_bq.formats.parser import Parsed, Row
from airflow_kafka_bq.formats.structured.avro import avro_schema
from airflow_kafka_bq.formats.structured.parsing import StructuredRows
from airflow_kafka_bq.formats.structured.rows import ColumnFilling
from airflow_kafka_bq.formats.structured.shapes import Schema
from airflow_kafka_bq.formats.structured.writers import OneWriter, RegisteredWriters, Writer, Writers
from airflow_kafka_bq.ports import RegisteredSchema
from tests.formats.structured.test_writers import Shelf, framed
from tests.formats.structured.values import avro_bytes, columns, record
from tests.pipeline.content import digest

OLD = record("long", {"name": "text", "type": "string"})
NEW = record("long", {"name": "text", "type": "string"}, {"name": "more", "type": "int"})


def parser(reader: Schema, writer: Schema | None = None, **rules: Any) -> StructuredRows:
    return _parser(reader, OneWriter(Writer(writer or reader, 7)), **rules)


def _parser(reader: Schema, writers: Writers, *, refuse_unknown: bool = False) -> StructuredRows:
    made = columns(reader)
    return StructuredRows(writers, made, ColumnFilling(reader, made, refuse_unknown=refuse_unknown))


def with_columns(schema: str, wanted: bool) -> Schema:
    """A schema, and whether its messages may be decoded together."""
    found = avro_schema(schema)
    assert found.together is not None
    return found if wanted else replace(found, together=None)


def alone(one: StructuredRows, values: Any) -> Parsed:
    """Each message by itself."""
    return one._one_by_one(values)


def same(found: Parsed, expected: Parsed) -> None:
    assert found.rows.equals(expected.rows), (found.rows.to_pylist(), expected.rows.to_pylist())
    assert digest(found.rows) == digest(expected.rows)  # a batch is named by it, whichever way its rows were made
    assert found.good.equals(expected.good)
    assert (found.bad, found.unknown_fields) == (expected.bad, expected.unknown_fields)


def registered(**rules: Any) -> StructuredRows:
    """A reader of the old schema, whose registry knows both."""
    shelf = Shelf({1: RegisteredSchema(1, "AVRO", OLD), 2: RegisteredSchema(2, "AVRO", NEW)})
    return _parser(
        avro_schema(OLD), RegisteredWriters(shelf, "AVRO", lambda found, _: avro_schema(found.text)), **rules
    )


def message(number: int) -> bytes:
    """By turns of both writers, and now and then of none."""
    value = {"v": number, "text": str(number), "more": 1}
    if number % 7 == 6:
        return [b"", framed(3), framed(1, b"\xff"), framed(2, avro_bytes(NEW, value) + b"x")][number % 4]
    return framed(1, avro_bytes(OLD, value)) if number % 2 else framed(2, avro_bytes(NEW, value))


@pytest.mark.parametrize("refuse_unknown", [False, True])
@pytest.mark.parametrize("count", [0, 1, 50, 1_300])
def test_writers_by_turns(count: int, refuse_unknown: bool) -> None:
    values = pa.array([message(number) for number in range(count)], pa.binary())
    found = registered(refuse_unknown=refuse_unknown).parse(values)
    same(found, alone(registered(refuse_unknown=refuse_unknown), values))
    assert found.rows.column("v").to_pylist() == found.good.to_pylist()
    assert count < 50 or (found.unknown_fields > 0) is not refuse_unknown


def test_where_nothing_is_in_doubt_no_message_is_looked_at_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    one = parser(avro_schema(OLD))
    monkeypatch.setattr(one, "_row", lambda _: pytest.fail("looked at alone"))
    found = one.parse(pa.array([avro_bytes(OLD, {"v": n, "text": "a"}) for n in range(2_000)], pa.binary()))
    assert found.rows.num_rows == 2_000


@pytest.mark.parametrize(("in_columns", "most"), [(True, 1), (False, 512)])
def test_one_in_doubt_leaves_only_its_neighbours_to_be_looked_at(
    in_columns: bool, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    schema = record("double")
    one = parser(with_columns(schema, in_columns))
    looked: list[bytes] = []
    row = one._row

    def watched(value: bytes) -> Row:
        looked.append(value)
        return row(value)

    monkeypatch.setattr(one, "_row", watched)
    values = [avro_bytes(schema, {"v": float("nan") if n == 1_000 else 1.0}) for n in range(5_000)]
    found = one.parse(pa.array(values, pa.binary()))
    assert [bad.index for bad in found.bad] == [1_000]
    assert (found.rows.num_rows, len(looked)) == (4_999, most)


def test_a_record_that_is_no_record_is_refused_as_ever() -> None:
    schema = json.dumps(["null", json.loads(OLD)])
    values = pa.array([b"\x00", b"\x02" + avro_bytes(OLD, {"v": 1, "text": "a"})], pa.binary())
    same(parser(avro_schema(schema)).parse(values), alone(parser(avro_schema(schema)), values))
