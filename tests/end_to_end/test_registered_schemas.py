"""Schemas that name others, and a registry that falls ill in the middle of a run; the official serializers write."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka.schema_registry import Schema
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.schema_registry.json_schema import JSONSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

from airflow_kafka_bq.formats.structured.protobuf_files import message_class
from airflow_kafka_bq.testing.kafka.registry import SchemaRegistryServer
from tests.end_to_end.pipe import Pipe
from tests.end_to_end.producing import Registered
from tests.kafka.registry_front import RegistryFront

PipeFactory = Callable[..., Pipe]
LINE = '{"type": "record", "name": "Line", "namespace": "shop", "fields": [{"name": "sku", "type": "string"}]}'
ORDER = (
    '{"type": "record", "name": "Order", "namespace": "shop", "fields": [{"name": "order_id", "type": "long"},'
    ' {"name": "line", "type": "shop.Line"}]}'
)
LINE_JSON = '{"$id": "line.json", "title": "Line", "type": "object", "properties": {"sku": {"type": "string"}}}'
ORDER_JSON = json.dumps({
    "title": "Order",
    "type": "object",
    "properties": {"order_id": {"type": "integer"}, "line": {"$ref": "line.json"}},
})  # fmt: skip
LINE_PROTO = 'syntax = "proto3"; package shop; message Line { string sku = 1; }'
ORDER_PROTO = (
    'syntax = "proto3"; package shop; import "line.proto";\nmessage Order { int64 order_id = 1; Line line = 2; }'
)
ONE = {"order_id": 2**53, "line": {"sku": "ü"}}


@pytest.fixture
def registered(schema_registry: SchemaRegistryServer) -> Registered:
    return Registered(schema_registry.url)


def _of_one(registered: Registered, serializer: Any) -> bytes:
    written: bytes = serializer(ONE, SerializationContext(registered.topic, MessageField.VALUE))
    return written


def _avro(registered: Registered, inner: str) -> bytes:
    registered.register(LINE, subject=inner)
    schema = Schema(ORDER, "AVRO", [registered.reference("shop.Line", inner)])
    return _of_one(registered, AvroSerializer(registered.client, schema))


def _json_schema(registered: Registered, inner: str) -> bytes:
    registered.register(LINE_JSON, "JSON", inner)
    schema = Schema(ORDER_JSON, "JSON", [registered.reference("line.json", inner)])
    return _of_one(registered, JSONSerializer(schema, registered.client))


def _protobuf(registered: Registered, inner: str) -> bytes:
    registered.register(LINE_PROTO, "PROTOBUF", inner)
    schema_id = registered.register(ORDER_PROTO, "PROTOBUF", references=[registered.reference("line.proto", inner)])
    kind = message_class(ORDER_PROTO, (("line.proto", LINE_PROTO),), (0,))
    message = kind(order_id=ONE["order_id"])
    message.line.sku = "ü"
    return b"\0" + schema_id.to_bytes(4, "big") + b"\0" + bytes(message.SerializeToString())


WRITTEN: dict[str, Callable[[Registered, str], bytes]] = {
    "avro": _avro, "json_schema": _json_schema, "protobuf": _protobuf,
}  # fmt: skip


@pytest.mark.parametrize("form", sorted(WRITTEN))
def test_a_schema_may_name_another_subject(pipe: PipeFactory, registered: Registered, form: str) -> None:
    made = pipe(1, value_format=form, schema_from="registry", schema_registry={"url": registered.url})
    registered.topic = made.topic
    made.produce([WRITTEN[form](registered, f"line-{uuid.uuid4().hex}")])
    report = made.run()
    assert report["rows"]["inserted"] == 1, report
    assert made.query(f"SELECT order_id, line.sku FROM {made.name()}") == [(2**53, "ü")]


def test_a_registry_that_falls_ill_ends_the_run_and_the_next_one_takes_all(
    pipe: PipeFactory, registered: Registered, schema_registry: SchemaRegistryServer
) -> None:
    with RegistryFront(schema_registry.url) as front:
        made = pipe(1, value_format="avro", batch_messages=2, schema_registry={"url": front.url, "max.retries": "0"})
        registered.topic = made.topic
        schema = '{"type": "record", "name": "Order", "fields": [{"name": "order_id", "type": "long"}]}'
        newer = schema.replace('"long"}', '"long"}, {"name": "note", "type": "string", "default": ""}')
        values = registered.avro(schema, [{"order_id": number} for number in range(3)])
        values += registered.avro(newer, [{"order_id": number, "note": "x"} for number in range(3, 5)])
        front.ill = f"/schemas/ids/{int.from_bytes(values[-1][1:5], 'big')}"
        made.produce(values)
        failure = made.run()
        assert failure["error"] == "RegistryUnavailableError", failure
        assert sum(made.coordinates().values()) == 2  # the batch before it; of the one that met it, nothing
        assert made.ledger() == {0: 2}
        front.ill = None
        report = made.run()
        assert (report["rows"]["inserted"], report["rows"]["dead_lettered"]) == (3, 0), report
        found = made.query(f"SELECT TO_JSON_STRING(payload) FROM {made.name()}")
        assert sorted(json.loads(one)["order_id"] for (one,) in found) == [0, 1, 2, 3, 4]
