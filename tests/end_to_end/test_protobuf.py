"""Protobuf messages of the official serializer, through a real registry and a real broker into the table."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from airflow_kafka_bq.formats.structured.protobuf_files import message_class
from airflow_kafka_bq.testing.kafka.registry import SchemaRegistryServer
from tests.end_to_end.pipe import Pipe
from tests.end_to_end.producing import Registered

PipeFactory = Callable[..., Pipe]
ORDER = """syntax = "proto3"; package shop; import "google/protobuf/timestamp.proto";
message Envelope {{ string note = 1; }}
message Order {{
  message Line {{ string sku = 1; }}
  int64 order_id = 1; uint64 amount = 2; google.protobuf.Timestamp placed_at = 3; repeated Line lines = 4;
  map<string, double> rates = 5; Channel channel = 6; {more}
}}
enum Channel {{ SHOP = 0; WEB = 1; }}
"""
FIRST, SECOND = ORDER.format(more=""), ORDER.format(more="optional string coupon = 9;")
LATEST = SECOND.replace("message Envelope { string note = 1; }", "")


def order(kind: Any, number: int, **more: Any) -> Any:
    found = kind(order_id=-number, amount=2**64 - number, channel=1, rates={"vat": 0.2}, **more)
    found.lines.add(sku="ü")
    found.placed_at.FromDatetime(datetime(1969, 12, 31, 23, 59, 59, 999_999, UTC))
    return found


@pytest.fixture
def registered(schema_registry: SchemaRegistryServer) -> Registered:
    return Registered(schema_registry.url)


def test_each_message_is_read_by_its_own_schema(pipe: PipeFactory, registered: Registered) -> None:
    settings = {"value_format": "protobuf", "schema_from": "registry", "schema_registry": {"url": registered.url}}
    made = pipe(1, max_bad_ratio=None, **settings)
    registered.topic = made.topic
    kinds = [message_class(FIRST, (), (1,)), message_class(LATEST, (), (0,))]
    values = registered.protobuf(kinds[0], [order(kinds[0], 1)])
    values += registered.protobuf(kinds[1], [order(kinds[1], 2, coupon="x")])
    envelope = message_class(FIRST, (), (0,))
    values += registered.protobuf(envelope, [envelope(note="no order")])
    registered.register(LATEST, "PROTOBUF")
    made.produce([*values, values[0][:-1]])
    report = made.run()
    assert report["rows"]["inserted"] == 2, report
    shown = "order_id, amount, placed_at, lines[0].sku, rates[0].key, rates[0].value, channel, coupon"
    moment = datetime(1969, 12, 31, 23, 59, 59, 999_999, UTC)
    assert sorted(made.query(f"SELECT {shown} FROM {made.name()}")) == [
        (-2, Decimal(2**64 - 2), moment, "ü", "vat", 0.2, "WEB", "x"),
        (-1, Decimal(2**64 - 1), moment, "ü", "vat", 0.2, "WEB", None),
    ]
    letters = f"SELECT _kafka_offset, stage, reason FROM {made.name('__dead_letters')}"
    assert sorted(made.query(letters)) == [(2, "registry", "incompatible_schema"), (3, "decode", "invalid_protobuf")]
