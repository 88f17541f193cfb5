"""The same orders in every format."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import fastavro

from airflow_kafka_bq.formats.structured.protobuf_files import message_class
from benchmarks.orders import values

_ADDRESS = [{"name": name, "type": "string"} for name in ("street", "city", "postcode", "country")]
_ORDER: dict[str, Any] = {
    "type": "record",
    "name": "Order",
    "fields": [
        {"name": "order_id", "type": "long"},
        {"name": "customer", "type": "string"},
        {"name": "state", "type": "string"},
        {"name": "amount", "type": {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 2}},
        {"name": "updated_at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "express", "type": "boolean"},
        {"name": "reference", "type": "string"},
        {"name": "ship_to", "type": {"type": "record", "name": "Address", "fields": _ADDRESS}},
    ],
}
_SOURCE: dict[str, Any] = {
    "version": "3.3.1.Final", "connector": "postgresql", "name": "shop", "ts_ms": 1_767_225_600_000,
    "snapshot": "false", "db": "shop", "sequence": '["24023119","24023128"]', "schema": "public", "table": "orders",
    "txId": 555, "lsn": 24_023_128, "xmin": None,
}  # fmt: skip
_AVRO_SOURCE = {
    "type": "record",
    "name": "Source",
    "fields": [
        {"name": name, "type": ["null", "long" if name in {"txId", "lsn", "xmin", "ts_ms"} else "string"]}
        for name in _SOURCE
    ],
}
AVRO = json.dumps(_ORDER)
AVRO_EVENT = json.dumps({
    "type": "record",
    "name": "Envelope",
    "fields": [
        {"name": "before", "type": ["null", _ORDER]},
        {"name": "after", "type": ["null", "Order"]},
        {"name": "source", "type": _AVRO_SOURCE},
        {"name": "op", "type": "string"},
        {"name": "ts_ms", "type": ["null", "long"]},
    ],
})  # fmt: skip
PROTO = """syntax = "proto3"; package shop; import "google/protobuf/timestamp.proto";
message Order {
  message Address { string street = 1; string city = 2; string postcode = 3; string country = 4; }
  int64 order_id = 1; string customer = 2; string state = 3; string amount = 4;
  google.protobuf.Timestamp updated_at = 5; bool express = 6; string reference = 7; Address ship_to = 8;
}
"""
_TEXT = {"type": "string"}
JSON_SCHEMA = json.dumps({
    "type": "object",
    "title": "Order",
    "properties": {
        "order_id": {"type": "integer"},
        "customer": _TEXT,
        "state": _TEXT,
        "amount": {"type": "number"},
        "updated_at": {"type": "string", "format": "date-time"},
        "express": {"type": "boolean"},
        "reference": _TEXT,
        "ship_to": {"type": "object", "properties": dict.fromkeys(("street", "city", "postcode", "country"), _TEXT)},
    },
})  # fmt: skip
Headers = list[dict[str, Any]] | None


@dataclass(frozen=True, slots=True)
class Encoded:
    """Messages by their parts."""

    keys: list[bytes]
    values: list[bytes]
    headers: list[Headers]


def encoded(count: int) -> dict[str, Encoded]:
    """By format. ``bare``: without the id of a schema."""
    keys, texts = (list(column) for column in zip(*values(count), strict=True))
    orders = [order_of(text) for text in texts]
    avro, events = avro_writer(AVRO), avro_writer(AVRO_EVENT)
    bare = [avro(order) for order in orders]
    source = json.dumps(_SOURCE).encode()
    changes = [
        b'{"before":null,"after":%s,"source":%s,"op":"c","ts_ms":1767225600001,"transaction":null}' % (text, source)
        for text in texts
    ]
    schema = json.dumps({"type": "struct", "name": "Envelope", "fields": json.loads(AVRO)["fields"] * 2}).encode()
    head = b'{"specversion":"1.0","source":"/shop","type":"placed","time":"2026-01-01T00:00:00Z","id":"%d","data":%s}'
    found: dict[str, list[bytes]] = {
        "json": texts,
        "avro": _framed(1, bare),
        "avro, bare": bare,
        "protobuf": _framed(2, [b"\0" + one for one in protobuf_texts(orders)]),
        "json_schema": _framed(3, texts),
        "debezium": changes,
        "debezium, wrapped": [b'{"schema":%s,"payload":%s}' % (schema, one) for one in changes],
        "debezium, avro": _framed(4, [events(_event(order)) for order in orders]),
        "cloudevents, binary": texts,
        "cloudevents, structured": [head % (number, text) for number, text in enumerate(texts)],
    }
    return {name: Encoded(keys, ones, _headers(name, count)) for name, ones in found.items()}


def _headers(name: str, count: int) -> list[Headers]:
    if name == "cloudevents, structured":
        return [[{"key": "content-type", "value": b"application/cloudevents+json"}]] * count
    if name != "cloudevents, binary":
        return [None] * count
    fixed = {"specversion": b"1.0", "source": b"/shop", "type": b"placed", "time": b"2026-01-01T00:00:00Z"}
    return [
        [{"key": f"ce_{key}", "value": value} for key, value in {**fixed, "id": b"%d" % number}.items()]
        for number in range(count)
    ]


def order_of(text: bytes) -> dict[str, Any]:
    """What writers take."""
    found: dict[str, Any] = json.loads(text, parse_float=Decimal)
    return found | {"updated_at": datetime.fromisoformat(found["updated_at"])}


def _event(order: dict[str, Any]) -> dict[str, Any]:
    return {"before": None, "after": order, "source": _SOURCE, "op": "c", "ts_ms": 1_767_225_600_001}


def avro_writer(schema: str) -> Callable[[Any], bytes]:
    """Without a frame."""
    parsed = fastavro.parse_schema(json.loads(schema))

    def write(value: Any) -> bytes:
        stream = io.BytesIO()
        fastavro.schemaless_writer(stream, parsed, value)
        return stream.getvalue()

    return write


def protobuf_texts(orders: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    """Of ``PROTO``, without a frame."""
    kind = message_class(PROTO, (), (0,))
    for order in orders:
        message = kind(**order | {"amount": str(order["amount"]), "updated_at": None, "ship_to": None})
        message.updated_at.FromDatetime(order["updated_at"])
        message.ship_to.CopyFrom(kind.Address(**order["ship_to"]))
        yield bytes(message.SerializeToString())


def _framed(schema_id: int, ones: Iterable[bytes]) -> list[bytes]:
    return [b"\0" + schema_id.to_bytes(4, "big") + one for one in ones]
