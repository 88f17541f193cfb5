"""A batch of Avro messages, many at once, is what its messages are a few at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from airflow_kafka_bq.batch import RAW_SCHEMA, Decoded
from airflow_kafka_bq.config import JobConfig
from airflow_kafka_bq.formats.structured import parsing
from airflow_kafka_bq.formats.structured.sides import sides
from airflow_kafka_bq.pipeline.decode import DecodeRules, decode
from airflow_kafka_bq.ports import RegisteredSchema
from airflow_kafka_bq.schema.build import build_target
from tests.formats.structured.test_writers import Shelf, framed
from tests.formats.structured.values import avro_bytes, record
from tests.pipeline.content import digest

OLD = (
    {"name": "id", "type": "long"},
    {"name": "amount", "type": {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 2}},
    {"name": "at", "type": ["null", {"type": "long", "logicalType": "timestamp-millis"}]},
    {"name": "to", "type": ["null", {"type": "record", "name": "To", "fields": [{"name": "city", "type": "string"}]}]},
)
NEW = (*OLD, {"name": "more", "type": "double", "default": 0.5})
SCHEMAS = {1: record(*OLD), 2: record(*NEW)}
COUNT = 1_500


def value(number: int) -> bytes | None:
    """Of two writers by turns; here and there none, and what is no message."""
    if number % 50 == 49:
        return [None, b"", framed(7), framed(1, b"\xff"), framed(2, b"\x00" * 90), b"\1\0\0\0\1"][number // 50 % 6]
    row = {
        "id": number,
        "amount": Decimal(7 * number - 4_000).scaleb(-2),
        "at": datetime(2026, 1, 1, 0, 0, number % 60, tzinfo=UTC) if number % 3 else None,
        "to": {"city": "ü" * (number % 5)} if number % 4 else None,
        "more": float("nan") if number % 97 == 0 else number / 2,
    }
    writer = 1 + number % 2
    return framed(writer, avro_bytes(SCHEMAS[writer], row))


class _Latest(Shelf):
    """Columns come from the newer schema."""

    def latest(self, subject: str) -> RegisteredSchema:
        self.asked.append(-len(subject))
        return self.schemas[max(self.schemas)]


def decoded(raw: pa.Table, kind: str, schemas: Mapping[int, str]) -> Decoded:
    shelf = _Latest({number: RegisteredSchema(number, kind, text) for number, text in schemas.items()})
    job: dict[str, Any] = {
        "topic": "orders",
        "table": "demo-project.shop.orders",
        "value_format": kind.lower(),
        "schema_from": "registry",
    }
    config = JobConfig.of(**job)
    both = sides(config, shelf, [Path()])
    target = build_target(config, config.table_id(None), None, both.columns)
    return decode(raw, target, DecodeRules.of(config, target, None, sides=both))


def batch(values: Sequence[bytes | None]) -> pa.Table:
    count = len(values)
    columns: list[Any] = [
        [0] * count,
        list(range(count)),
        [1_767_225_600_000] * count,
        [None] * count,
        values,
        [None] * count,
    ]
    arrays = [pa.array(column, field.type) for column, field in zip(columns, RAW_SCHEMA, strict=True)]
    return pa.table(arrays, schema=RAW_SCHEMA)


def either_way(
    values: Sequence[bytes | None], kind: str, schemas: Mapping[int, str], monkeypatch: pytest.MonkeyPatch
) -> Decoded:
    """What many at once are, and each by itself."""
    whole = decoded(batch(values), kind, schemas)
    monkeypatch.setattr(parsing, "_FEWEST", len(values) + 1)
    by_themselves = decoded(batch(values), kind, schemas)
    assert whole.rows.equals(by_themselves.rows)
    assert digest(whole.rows) == digest(by_themselves.rows)  # a batch is named by it
    assert whole.dead_letters.equals(by_themselves.dead_letters)
    assert whole.origins is not None
    assert whole.origins.equals(by_themselves.origins)
    assert (whole.ignored, whole.unknown_fields) == (by_themselves.ignored, by_themselves.unknown_fields)
    return whole


def test_many_at_once_are_what_each_is(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = either_way([value(number) for number in range(COUNT)], "AVRO", SCHEMAS, monkeypatch)
    assert whole.rows.num_rows > COUNT * 0.9
    row = whole.rows.slice(1, 1).to_pylist()[0]
    assert {name: row[name] for name in ("id", "amount", "to", "more")} == {
        "id": 1, "amount": Decimal("-39.93"), "to": {"city": "ü"}, "more": 0.5,
    }  # fmt: skip
