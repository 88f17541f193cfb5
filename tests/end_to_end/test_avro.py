"""Avro messages of the official serializer, through a real registry and a real broker into the table."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from confluent_kafka.serialization import MessageField

from airflow_kafka_bq.testing.kafka.producing import NewMessage
from airflow_kafka_bq.testing.kafka.registry import SchemaRegistryServer
from tests.end_to_end.pipe import Pipe
from tests.end_to_end.producing import Registered
from tests.formats.structured.values import avro_bytes

PipeFactory = Callable[..., Pipe]
AMOUNT = Decimal("1234567890123456.0001")
LINE = {"type": "record", "name": "Line", "fields": [{"name": "sku", "type": "string"}]}


def order(*more: dict[str, Any]) -> str:
    fields: list[dict[str, Any]] = [
        {"name": "order_id", "type": "long"},
        {"name": "amount", "type": {"type": "bytes", "logicalType": "decimal", "precision": 20, "scale": 4}},
        {"name": "placed_at", "type": {"type": "long", "logicalType": "timestamp-micros"}},
        {"name": "lines", "type": {"type": "array", "items": LINE}},
        {"name": "note", "type": ["null", "int", "string"], "default": None},
        *more,
    ]
    return json.dumps({"type": "record", "name": "Order", "namespace": "shop", "fields": fields})


def one(number: int, **more: Any) -> dict[str, Any]:
    return {
        "order_id": 2**63 - number,
        "amount": AMOUNT,
        "placed_at": datetime(1969, 12, 31, 23, 59, 59, 999_999, UTC),
        "lines": [{"sku": "a"}, {"sku": "ü"}],
        "note": "x",
        **more,
    }


@pytest.fixture
def registered(schema_registry: SchemaRegistryServer) -> Registered:
    return Registered(schema_registry.url)


@pytest.fixture
def avro(pipe: PipeFactory, registered: Registered) -> PipeFactory:
    """A pipeline with Avro values, and its registry's subjects."""

    def make(**settings: Any) -> Pipe:
        made = pipe(1, value_format="avro", schema_registry={"url": registered.url}, **settings)
        registered.topic = made.topic
        return made

    return make


def test_columns_come_from_the_latest_schema_and_each_message_is_read_by_its_own(
    avro: PipeFactory, registered: Registered
) -> None:
    made = avro(schema_from="registry", max_bad_ratio=None)
    values = registered.avro(order(), [one(1)])
    newer = order({"name": "channel", "type": "string", "default": "shop"})
    values += registered.avro(newer, [one(2, channel="web", note=None)])
    unknown = b"\0" + (2**31 - 1).to_bytes(4, "big") + b"\2"
    made.produce([*values, unknown, b"{}", values[0][:-1]])
    report = made.run()
    assert report["rows"]["inserted"] == 2, report
    columns = "order_id, amount, placed_at, lines[1].sku, note.string, note.int, channel"
    assert sorted(made.query(f"SELECT {columns} FROM {made.name()}")) == [
        (2**63 - 2, AMOUNT, one(0)["placed_at"], "ü", None, None, "web"),
        (2**63 - 1, AMOUNT, one(0)["placed_at"], "ü", "x", None, "shop"),
    ]
    letters = f"SELECT _kafka_offset, stage, reason, schema_id FROM {made.name('__dead_letters')}"
    first = int.from_bytes(values[0][1:5], "big")
    assert sorted(made.query(letters)) == [
        (2, "registry", "unknown_schema", 2**31 - 1),
        (3, "decode", "no_schema_id", None),
        (4, "decode", "invalid_avro", first),
    ]


def test_a_model_gets_what_python_has_for_the_values(avro: PipeFactory, registered: Registered) -> None:
    made = avro(model="orders:Order", dedup_key=["order_id"], on_duplicate="update", key_format="avro")
    (made.folder / "orders.py").write_text(
        "from datetime import datetime\nfrom decimal import Decimal\nfrom pydantic import BaseModel\n"
        "class Line(BaseModel):\n    sku: str\n"
        "class Order(BaseModel):\n    order_id: int\n    amount: Decimal\n    placed_at: datetime\n"
        "    lines: list[Line]\n"
    )
    values = registered.avro(order(), [one(1), one(2)])
    keys = registered.avro('"long"', [2**63 - 1, 2**63 - 2], MessageField.KEY)
    made.produce([NewMessage(values[0], keys[0]), NewMessage(values[1], keys[1]), NewMessage(None, keys[1])])
    report = made.run()
    assert report["rows"]["dead_lettered"] == 0, report
    assert report["unknown_fields"] == 2
    shown = f"SELECT order_id, CAST(amount AS STRING), lines[0].sku, _kafka_key, _deleted_at IS NULL FROM {made.name()}"
    assert sorted(made.query(shown)) == [
        (2**63 - 2, "1234567890123456.0001", "a", str(2**63 - 2), False),
        (2**63 - 1, "1234567890123456.0001", "a", str(2**63 - 1), True),
    ]


def test_without_columns_the_payload_is_json(avro: PipeFactory, registered: Registered) -> None:
    made = avro()
    made.produce(registered.avro(order(), [one(1)]))
    assert made.run()["rows"]["inserted"] == 1
    ((payload,),) = made.query(f"SELECT TO_JSON_STRING(payload) FROM {made.name()}")
    assert json.loads(payload) == {
        "order_id": 2**63 - 1,
        "amount": "1234567890123456.0001",
        "placed_at": "1969-12-31T23:59:59.999999Z",
        "lines": [{"sku": "a"}, {"sku": "ü"}],
        "note": "x",
    }


def test_a_registry_that_is_down_ends_the_run_and_nothing_is_a_dead_letter(pipe: PipeFactory) -> None:
    settings = {"url": "http://127.0.0.1:9", "max.retries": "0", "basic.auth.user.info": "me:open-sesame"}
    made = pipe(1, value_format="avro", schema_registry=settings)
    made.produce([b"\0\0\0\0\1\2"])
    failure = made.run()
    assert failure["error"] == "RegistryUnavailableError", failure
    assert "open-sesame" not in json.dumps(failure)
    assert not made.coordinates()
    assert made.ledger() == {0: 0}


def test_the_commands_show_the_columns_of_the_registry(avro: PipeFactory, registered: Registered) -> None:
    made = avro(schema_from="registry")
    made.produce(registered.avro(order(), [one(1)]))
    shown = made.json("schema", str(made.path))
    assert "order_id" in json.dumps(shown)
    planned = made.json("plan", str(made.path))
    assert planned["lag"] == 1


def test_a_schema_file_does_without_a_registry(pipe: PipeFactory) -> None:
    made = pipe(1, value_format="avro", value_schema="order.avsc", schema_from="schema")
    (made.folder / "order.avsc").write_text(order())
    made.produce([avro_bytes(order(), one(1)), b"\0"])
    report = made.run()
    assert (report["rows"]["inserted"], report["rows"]["dead_lettered"]) == (1, 1), report
    assert made.query(f"SELECT order_id, amount FROM {made.name()}") == [(2**63 - 1, AMOUNT)]
