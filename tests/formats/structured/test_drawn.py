"""What the tables in docs/formats.md promise holds for values drawn by many seeds, before any server sees them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, time
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict
from hypothesis import given
from hypothesis import strategies as st

from airflow_kafka_bq.formats.parser import Parsed
from airflow_kafka_bq.formats.structured.avro import avro_schema
from airflow_kafka_bq.formats.structured.json_schema import json_schema
from airflow_kafka_bq.formats.structured.protobuf import protobuf_schema
from tests.formats.structured import drawn
from tests.formats.structured.draw import Draw
from tests.formats.structured.test_json_schema import text
from tests.formats.structured.test_protobuf import kind as message_kind
from tests.formats.structured.values import avro_bytes, column_type, record, rows

READ: dict[str, Callable[[Any], Any]] = {
    "BIGNUMERIC": Decimal,
    "TIME": time.fromisoformat,
    "DATETIME": datetime.fromisoformat,
    "JSON": json.loads,
}
SEEDS = st.integers(0, 2**32)


def the_same(found: Parsed, column: str, kept: Any) -> None:
    assert (found.bad, found.unknown_fields) == ((), 0)
    value = found.rows.column(0).to_pylist()[0]
    assert kept == (value if value is None else READ.get(column, lambda same: same)(value))


@pytest.mark.parametrize("written", drawn.AVRO)
def test_avro(written: str) -> None:
    schema = record(json.loads(written))
    reader = avro_schema(schema)

    @given(SEEDS)
    def holds(seed: int) -> None:
        value, kept = drawn.AVRO[written](Draw(Random(seed)))
        the_same(rows(reader, [avro_bytes(schema, {"v": value})]), column_type(reader), kept)

    holds()


@pytest.mark.parametrize("written", drawn.PROTOBUF)
def test_protobuf(written: str) -> None:
    kind = message_kind(written)
    reader = protobuf_schema(kind)

    @given(SEEDS)
    def holds(seed: int) -> None:
        value, kept = drawn.PROTOBUF[written](Draw(Random(seed)))
        message = ParseDict({} if value is None else {"v": value}, kind())
        the_same(rows(reader, [message.SerializeToString()]), column_type(reader), kept)

    holds()


@pytest.mark.parametrize("written", drawn.JSON_SCHEMA)
def test_json_schema(written: str) -> None:
    reader = json_schema(text(json.loads(written)))

    @given(SEEDS)
    def holds(seed: int) -> None:
        value, kept = drawn.JSON_SCHEMA[written](Draw(Random(seed)))
        the_same(rows(reader, [json.dumps({"v": value}).encode()]), column_type(reader), kept)

    holds()
