"""JSON messages of the official serializer, through a real registry and a real broker into the table."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from confluent_kafka.serialization import MessageField

from airflow_kafka_bq.testing.kafka.producing import NewMessage
from airflow_kafka_bq.testing.kafka.registry import SchemaRegistryServer
from tests.end_to_end.pipe import Pipe
from tests.end_to_end.producing import Registered

PipeFactory = Callable[..., Pipe]
KEY = '{"title": "Key", "type": "object", "properties": {"id": {"type": "integer"}}}'


def schema(**more: Any) -> str:
    line = {"type": "object", "title": "Line", "properties": {"sku": {"type": "string"}}}
    properties = {
        "order_id": {"type": "integer"},
        "placed_at": {"type": "string", "format": "date-time"},
        "lines": {"type": "array", "items": line},
        "note": {"type": ["null", "string"]},
        **more,
    }
    return json.dumps({"type": "object", "title": "Order", "properties": properties, "required": ["order_id"]})


def one(number: int, **more: Any) -> dict[str, Any]:
    return {"order_id": 2**63 - number, "placed_at": "1969-12-31T23:59:59.999999Z", "lines": [{"sku": "ü"}], **more}


@pytest.fixture
def registered(schema_registry: SchemaRegistryServer) -> Registered:
    return Registered(schema_registry.url)


def test_columns_come_from_the_latest_schema(pipe: PipeFactory, registered: Registered) -> None:
    settings = {"value_format": "json_schema", "key_format": "json_schema", "schema_from": "registry"}
    made = pipe(1, max_bad_ratio=None, schema_registry={"url": registered.url}, **settings)
    registered.topic = made.topic
    values = registered.json(schema(), [one(1, note=None)])
    values += registered.json(schema(total={"type": "number"}), [one(2, total=0.1, extra=True)])
    key = registered.json(KEY, [{"id": 1}], MessageField.KEY)[0]
    broken = values[0][:5] + b'{"order_id": "five"}'
    made.produce([NewMessage(value, key) for value in (*values, broken, values[0][:9])])
    report = made.run()
    assert (report["rows"]["inserted"], report["unknown_fields"]) == (2, 1), report
    moment = datetime(1969, 12, 31, 23, 59, 59, 999_999, UTC)
    shown = "order_id, placed_at, lines[0].sku, note, total, _kafka_key"
    assert sorted(made.query(f"SELECT {shown} FROM {made.name()}")) == [
        (2**63 - 2, moment, "ü", None, 0.1, '{"id":1}'),
        (2**63 - 1, moment, "ü", None, None, '{"id":1}'),
    ]
    letters = f"SELECT _kafka_offset, stage, reason, schema_id FROM {made.name('__dead_letters')}"
    written_with = int.from_bytes(values[0][1:5], "big")
    assert sorted(made.query(letters)) == [
        (2, "validate", "json_schema", written_with),
        (3, "decode", "invalid_json", written_with),
    ]


def test_a_model_takes_it_as_any_json(pipe: PipeFactory, registered: Registered) -> None:
    made = pipe(1, model="orders:Order", value_format="json_schema", kafka={"schema.registry.url": registered.url})
    registered.topic = made.topic
    (made.folder / "orders.py").write_text(
        "from datetime import datetime\nfrom pydantic import BaseModel\n"
        "class Order(BaseModel):\n    order_id: int\n    placed_at: datetime\n"
    )
    made.produce([b"{}", *registered.json(schema(), [one(1)])])
    report = made.run()
    assert (report["rows"]["inserted"], report["rows"]["dead_lettered"]) == (1, 1), report
    assert made.query(f"SELECT _kafka_offset, order_id FROM {made.name()}") == [(1, 2**63 - 1)]
