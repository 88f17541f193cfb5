"""Change events as Debezium's converters write them: the schemas of a table, and events of it."""

from __future__ import annotations

import json
from typing import Any

SOURCE = {"connector": "postgresql", "ts_ms": 1_700_000_000_000, "snapshot": "false", "lsn": 2**40, "txId": None}
ROW = {"order_id": 1, "total": 2.5, "note": None}


def event(operation: str, after: Any = None, before: Any = None, **more: Any) -> dict[str, Any]:
    """As the decoders of all formats have it."""
    return {"before": before, "after": after, "source": SOURCE, "op": operation, "ts_ms": 5, **more}


def avro_schema_text(*more: dict[str, Any]) -> str:
    """Of Connect's AvroConverter."""
    value = {
        "type": "record",
        "name": "Value",
        "fields": [
            {"name": "order_id", "type": "long"},
            {"name": "total", "type": "double"},
            {"name": "note", "type": ["null", "string"], "default": None},
            *more,
        ],
    }
    source = {
        "type": "record",
        "name": "Source",
        "namespace": "io.debezium.connector.postgresql",
        "fields": [
            {"name": "connector", "type": "string"},
            {"name": "ts_ms", "type": "long"},
            {"name": "snapshot", "type": [{"type": "string", "connect.name": "io.debezium.data.Enum"}, "null"]},
            {"name": "lsn", "type": ["null", "long"], "default": None},
            {"name": "txId", "type": ["null", "long"], "default": None},
        ],
    }
    fields = [
        {"name": "before", "type": ["null", value], "default": None},
        {"name": "after", "type": ["null", "Value"], "default": None},
        {"name": "source", "type": source},
        {"name": "op", "type": "string"},
        {"name": "ts_ms", "type": ["null", "long"], "default": None},
    ]
    return json.dumps({"type": "record", "name": "Envelope", "namespace": "shop.public.orders", "fields": fields})


PROTO = """syntax = "proto3"; package shop;
message Envelope {
  message Value { optional int64 order_id = 1; optional double total = 2; optional string note = 3; }
  message Source {
    optional string connector = 1; optional int64 ts_ms = 2; optional string snapshot = 3; optional int64 lsn = 4;
    optional int64 txId = 5;
  }
  optional Value before = 1; optional Value after = 2; optional Source source = 3; optional string op = 4;
  optional int64 ts_ms = 5;
}
"""


def json_schema_text() -> str:
    """Of Connect's JsonSchemaConverter."""
    row = {
        "type": "object",
        "properties": {
            "order_id": {"type": "integer", "connect.type": "int64"},
            "total": {"type": "number", "connect.type": "float64"},
            "note": {"oneOf": [{"type": "null"}, {"type": "string"}]},
        },
    }
    source = {"type": "object", "properties": {"ts_ms": {"type": "integer"}, "lsn": {"type": ["null", "integer"]}}}
    properties = {
        "before": {"oneOf": [{"type": "null"}, row]},
        "after": {"oneOf": [{"type": "null"}, row]},
        "source": source,
        "op": {"type": "string"},
        "ts_ms": {"oneOf": [{"type": "null"}, {"type": "integer"}]},
    }
    return json.dumps({"type": "object", "title": "shop.public.orders.Envelope", "properties": properties})
