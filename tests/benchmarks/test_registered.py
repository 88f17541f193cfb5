"""The messages with registered schemas are those that the engine reads."""

from __future__ import annotations

import pyarrow as pa
import pytest

from airflow_kafka_bq.config import JobConfig
from airflow_kafka_bq.formats.structured.sides import sides
from airflow_kafka_bq.pipeline.decode import DecodeRules, decode
from airflow_kafka_bq.schema.build import build_target
from benchmarks.encoded import Encoded
from benchmarks.formats import Shelf, raw_of
from benchmarks.orders import values as orders
from benchmarks.registered import SCHEMAS, values


@pytest.mark.parametrize(("kind", "schema_id"), [("avro", 1), ("protobuf", 2)])
def test_every_message_is_a_row_with_its_key(kind: str, schema_id: int) -> None:
    keys, texts = (list(column) for column in zip(*values(kind, 20, schema_id), strict=True))
    assert keys == [key for key, _ in orders(20)]
    config = JobConfig.of(topic="o", table="demo-project.bench.o", value_format=kind, schema_from="registry")
    both = sides(config, Shelf(schema_id), [])
    target = build_target(config, config.table_id(None), None, both.columns)
    rows = decode(
        raw_of(Encoded(keys, texts, [None] * 20)), target, DecodeRules.of(config, target, None, sides=both)
    ).rows
    assert isinstance(rows, pa.Table)
    assert rows.column("order_id").to_pylist() == list(range(20))
    assert set(SCHEMAS) == {"avro", "protobuf"}
