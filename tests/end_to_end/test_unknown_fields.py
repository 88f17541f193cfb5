"""What no column takes stays in the row, as JSON: from a model and from a table, from JSON and from Avro."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from airflow_kafka_bq.testing.kafka.registry import SchemaRegistryServer
from tests.end_to_end.pipe import Pipe
from tests.end_to_end.producing import Registered
from tests.end_to_end.promise import kept
from tests.formats.structured.values import avro_bytes

PipeFactory = Callable[..., Pipe]
MODEL = "from pydantic import BaseModel\nclass Line(BaseModel):\n    sku: str\nclass Order(BaseModel):\n"
KEPT: dict[str, Any] = {"unknown_fields": "json_column", "max_bad_ratio": None}


def unknown(made: Pipe) -> list[Any]:
    shown = "IF(_unknown_fields IS NULL, NULL, TO_JSON_STRING(_unknown_fields))"
    rows = made.query(f"SELECT id, {shown} FROM {made.name()} ORDER BY id")
    return [(id, None if text is None else json.loads(text)) for id, text in rows]


def test_unknown_fields_stay_in_the_row(pipe: PipeFactory) -> None:
    made = pipe(1, model="unknown_orders:Order", **KEPT)
    (made.folder / "unknown_orders.py").write_text(MODEL + "    id: int\n    lines: list[Line] = []\n")
    sent = made.produce([
        {"id": 1}, {"id": 2, "more": {"a": [1, None]}, "big": 2**64 - 1}, b'{"id":3,"x":1e999}',
        {"id": 4, "lines": [{"sku": "a"}, {"sku": "b", "size": 0.1}]},
    ])  # fmt: skip
    report = made.run()
    assert (report["unknown_fields"], report["rows"]["dead_lettered"]) == (2, 1), report
    assert unknown(made) == [
        (1, None), (2, {"more": {"a": [1, None]}, "big": 2**64 - 1}), (4, {"lines": [{}, {"size": 0.1}]}),
    ]  # fmt: skip
    kept(made, sent, sent[2:3])


def test_a_table_of_others_gets_the_column_and_avro_fills_it(pipe: PipeFactory) -> None:
    made = pipe(1, schema_from="table", value_format="avro", value_schema="order.avsc", **KEPT)
    made.query(f"CREATE TABLE {made.name()} (id INT64)")
    day = {"name": "day", "type": {"type": "int", "logicalType": "date"}}
    fields = [{"name": "id", "type": "int"}, day, {"name": "raw", "type": "bytes"}]
    schema = json.dumps({"type": "record", "name": "Order", "fields": fields})
    (made.folder / "order.avsc").write_text(schema)
    made.produce([avro_bytes(schema, {"id": 1, "day": 0, "raw": b"\xff"})])
    assert made.run()["unknown_fields"] == 1
    assert unknown(made) == [(1, {"day": "1970-01-01", "raw": "/w=="})]


@pytest.fixture
def registered(schema_registry: SchemaRegistryServer) -> Registered:
    return Registered(schema_registry.url)


def test_fields_that_the_latest_schema_has_no_more_are_kept_by_the_names_of_their_writer(
    pipe: PipeFactory, registered: Registered
) -> None:
    registry = {"schema_registry": {"url": registered.url}}
    made = pipe(1, schema_from="registry", value_format="avro", **registry, **KEPT)
    registered.topic = made.topic
    gone = {"name": "place", "type": {"type": "record", "name": "Place", "fields": [{"name": "zip", "type": "string"}]}}
    fields = [{"name": "id", "type": "int"}]
    older, latest = (
        json.dumps({"type": "record", "name": "Order", "fields": found}) for found in ([*fields, gone], fields)
    )
    first, second = registered.register(older), registered.register(latest)
    messages = [(first, older, {"id": 1, "place": {"zip": "ü"}}), (second, latest, {"id": 2})]
    made.produce([b"\0" + number.to_bytes(4, "big") + avro_bytes(text, value) for number, text, value in messages])
    report = made.run()
    assert (report["messages"], report["unknown_fields"]) == (2, 1), report
    assert unknown(made) == [(1, {"place": {"zip": "ü"}}), (2, None)]
