"""A batch of Protobuf messages, many at once, is what its messages are a few at a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from airflow_kafka_bq.formats.structured.protobuf_files import message_class
from tests.formats.structured.test_writers import framed
from tests.pipeline.test_decode_avro import either_way

TEXT = """syntax = "proto3"; package shop; import "google/protobuf/timestamp.proto";
import "google/protobuf/wrappers.proto"; import "confluent/type/decimal.proto";
OTHER message Order {
  enum State { NEW = 0; PAID = 1; }
  message Line { string sku = 1; uint32 count = 2; }
  message To { string city = 1; optional string code = 2; }
  int64 id = 1; google.protobuf.Timestamp at = 2; To to = 3; State state = 4; repeated Line lines = 5;
  repeated sint32 codes = 6; google.protobuf.StringValue note = 7; uint64 total = 8; double weight = 9;
  oneof paid { string card = 10; bool cash = 11; } confluent.type.Decimal price = 12; optional bytes sign = 13; MORE
}"""
OLD = TEXT.replace("MORE", "").replace("OTHER", "message Other { int32 a = 1; }")
NEW = TEXT.replace("MORE", "float more = 20; repeated string tags = 21;").replace("OTHER", "")
SCHEMAS = {1: OLD, 2: NEW}
KINDS = {1: message_class(OLD, (), (1,)), 2: message_class(NEW, (), (0,))}
PLACES = {1: b"\2\2", 2: b"\0"}  # of the second type of its file, and of the first
COUNT = 1_500
START = datetime(2026, 1, 1, tzinfo=UTC)


def value(number: int) -> bytes | None:
    """Of two writers by turns; here and there none, what is no message, and what no writer does."""
    writer = 1 + number % 2
    kind, place = KINDS[writer], PLACES[writer]
    row = kind(
        id=number,
        state=number % 2,
        lines=[{"sku": str(number), "count": at} for at in range(number % 4)],
        codes=range(-(number % 5), 0),
        note={"value": "x" * (number % 3)} if number % 3 else None,
        total=2**64 - 1 - number,
        weight=float("nan") if number % 97 == 0 else number / 2,
        to={"city": "ü" * (number % 5), "code": None if number % 2 else ""} if number % 4 else None,
        price={"value": number.to_bytes(3, "big"), "scale": 2},
        sign=b"\xff" if number % 6 else None,
        **{"card": "c"} if number % 7 == 0 else {"cash": False} if number % 7 == 1 else {},
    )
    if number % 3:
        row.at.FromDatetime(START + timedelta(microseconds=number * 1_001))
    data = place + row.SerializeToString()
    if number % 50 == 49:
        strange = [None, b"", framed(7), framed(1, b"\0"), framed(2, b"\0\xff"), framed(writer, data + b"\x08\x05"),
                   framed(writer, data + b"\xf8\x07\x01"), framed(writer, data[:-1]), framed(1, b"\4\2")]  # fmt: skip
        return strange[number // 50 % 9]
    return framed(writer, data)


def test_many_at_once_are_what_each_is(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = either_way([value(number) for number in range(COUNT)], "PROTOBUF", SCHEMAS, monkeypatch)
    assert whole.rows.num_rows > COUNT * 0.9
    assert whole.unknown_fields == 3
    row: dict[str, Any] = whole.rows.slice(10, 1).to_pylist()[0]
    assert {name: found for name, found in row.items() if not name.startswith("_")} == {
        "id": 11, "at": START + timedelta(microseconds=11_011), "to": {"city": "ü", "code": None}, "state": "PAID",
        "lines": [{"sku": "11", "count": at} for at in range(3)], "codes": [-1], "note": "xx",
        "total": Decimal(2**64 - 12), "weight": 5.5, "card": None, "cash": None, "price": "0.11", "sign": b"\xff",
        "more": 0.0, "tags": [],
    }  # fmt: skip
