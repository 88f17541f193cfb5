"""Values by a seed for each row of the tables in docs/formats.md: as they are written, and as they must arrive."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from tests.formats.structured.draw import Draw

Pair = tuple[Any, Any]
"""What the encoder is given, and what Google's client gives back."""


def _same(found: Any) -> Pair:
    return found, found


def _without_zone(pair: tuple[int, datetime]) -> Pair:
    return pair[0], pair[1].replace(tzinfo=None)


def _duration(draw: Draw) -> Pair:
    months, days, millis = (draw.whole(32, signed=False) for _ in range(3))
    given = b"".join(one.to_bytes(4, "little") for one in (months, days, millis))
    return given, f"P{months}M{days}DT{millis // 1000}.{millis % 1000:03}S"


def _map(pairs: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": value} for key, value in pairs.items()]


def _wrapped(values: list[Any]) -> Pair:
    return values, [{"value": one} for one in values]


def _longs(draw: Draw) -> Pair:
    found = {draw.text(): draw.whole(64) for _ in range(3)}
    return found, _map(found)


def _either(draw: Draw) -> Pair:
    found = draw.maybe(lambda: draw.random.choice((draw.whole(32), draw.text())))
    if found is None:
        return None, None
    number = found if isinstance(found, int) else None
    return found, {"int": number, "string": None if isinstance(found, int) else found}


def _uuid(draw: Draw) -> Pair:
    found = UUID(bytes=draw.octets(16))
    return found, str(found)


def _decimal(draw: Draw) -> Pair:
    found = draw.number(78, 2)
    return found, format(found, "f")


AVRO: Mapping[str, Callable[[Draw], Pair]] = {
    '"boolean"': lambda draw: _same(draw.random.random() < 0.5),
    '"int"': lambda draw: _same(draw.whole(32)),
    '"long"': lambda draw: _same(draw.whole(64)),
    '"float"': lambda draw: _same(draw.real("f")),
    '"double"': lambda draw: _same(draw.real()),
    '"string"': lambda draw: _same(draw.text()),
    '"bytes"': lambda draw: _same(draw.octets()),
    '{"type": "fixed", "name": "F", "size": 4}': lambda draw: _same(draw.octets(4)),
    '{"type": "enum", "name": "E", "symbols": ["A"]}': lambda _: _same("A"),
    '{"type": "bytes", "logicalType": "decimal", "precision": 38, "scale": 9}': lambda draw: _same(draw.number(29, 9)),
    '{"type": "bytes", "logicalType": "decimal", "precision": 76, "scale": 38}': lambda draw: _same(
        draw.number(38, 38)
    ),
    '{"type": "bytes", "logicalType": "decimal", "precision": 80, "scale": 2}': _decimal,
    '{"type": "int", "logicalType": "date"}': Draw.day,
    '{"type": "int", "logicalType": "time-millis"}': lambda draw: draw.clock(1_000),
    '{"type": "long", "logicalType": "time-micros"}': lambda draw: draw.clock(1),
    '{"type": "long", "logicalType": "timestamp-millis"}': lambda draw: draw.moment(1_000),
    '{"type": "long", "logicalType": "timestamp-micros"}': Draw.moment,
    '{"type": "long", "logicalType": "timestamp-nanos"}': lambda draw: _same(draw.whole(64)),
    '{"type": "long", "logicalType": "local-timestamp-millis"}': lambda draw: _without_zone(draw.moment(1_000)),
    '{"type": "long", "logicalType": "local-timestamp-micros"}': lambda draw: _without_zone(draw.moment()),
    '{"type": "long", "logicalType": "local-timestamp-nanos"}': lambda draw: _same(draw.whole(64)),
    '{"type": "string", "logicalType": "uuid"}': _uuid,
    '{"type": "fixed", "name": "D", "size": 12, "logicalType": "duration"}': _duration,
    '{"type": "record", "name": "R", "fields": [{"name": "a", "type": "int"}]}': lambda d: _same({"a": d.whole(32)}),
    '{"type": "record", "name": "R", "fields": []}': lambda _: _same({}),
    '{"type": "array", "items": "int"}': lambda draw: _same(draw.several(lambda: draw.whole(32))),
    '{"type": "array", "items": ["null", "int"]}': lambda draw: _wrapped(
        draw.several(lambda: draw.maybe(lambda: draw.whole(32)))
    ),
    '{"type": "array", "items": {"type": "array", "items": "int"}}': lambda draw: _wrapped(
        draw.several(lambda: draw.several(lambda: draw.whole(32)))
    ),
    '{"type": "map", "values": "long"}': _longs,
    '["null", "string"]': lambda draw: _same(draw.maybe(draw.text)),
    '["null", "int", "string"]': _either,
}
"""By the type as the table writes it."""


def _proto_duration(draw: Draw) -> Pair:
    seconds, nanos = draw.random.randint(0, 315_576_000_000), draw.random.choice((0, 1, 999_999_999, 500_000_000))
    fraction = f".{nanos:09}".rstrip("0") if nanos else ""
    found = f"{draw.random.choice(('', '-')) if seconds or nanos else ''}{seconds}{fraction}s"
    return found, found


def _json(draw: Draw, depth: int = 3) -> Any:
    """What JSON can be, with numbers that a double holds."""
    kinds: list[Callable[[], Any]] = [draw.text, lambda: draw.whole(20) + 0.5, lambda: None, lambda: True]
    if depth:
        kinds.append(lambda: draw.several(lambda: _json(draw, depth - 1)))
        kinds.append(lambda: {draw.text(): _json(draw, depth - 1) for _ in range(2)})
    return draw.random.choice(kinds)()


def _base64(found: bytes) -> str:
    return base64.b64encode(found).decode()


def _bytes(draw: Draw) -> Pair:
    found = draw.octets()
    return _base64(found), found


def _confluent(draw: Draw) -> Pair:
    scale = draw.random.randint(0, 18)
    found = draw.whole(64)
    value = _base64(found.to_bytes(9, "big", signed=True))
    return {"value": value, "precision": 20, "scale": scale}, Decimal(found).scaleb(-scale)


def _proto_moment(draw: Draw) -> Pair:
    found = draw.moment()[1]
    return found.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z", found


PROTOBUF: Mapping[str, Callable[[Draw], Pair]] = {
    "bool v = 1;": lambda draw: _same(draw.random.random() < 0.5),
    "int32 v = 1;": lambda draw: _same(draw.whole(32)),
    "int64 v = 1;": lambda draw: _same(draw.whole(64)),
    "uint64 v = 1;": lambda draw: _same(draw.whole(64, signed=False)),
    "float v = 1;": lambda draw: _same(draw.real("f")),
    "double v = 1;": lambda draw: _same(draw.real()),
    "string v = 1;": lambda draw: _same(draw.text()),
    "bytes v = 1;": _bytes,
    "E v = 1;": lambda draw: draw.random.choice((("Y", "Y"), ("Z", "Z"), (7, "7"))),
    "In v = 1;": lambda draw: _same(draw.maybe(lambda: {"a": draw.whole(32)})),
    "Empty v = 1;": lambda draw: _same(draw.maybe(dict)),
    "repeated int32 v = 1;": lambda draw: _same(draw.several(lambda: draw.whole(32))),
    "map<string, int64> v = 1;": lambda draw: (lambda key, n: ({key: n}, _map({key: n})))(draw.text(), draw.whole(64)),
    "oneof x { int32 v = 1; string w = 2; }": lambda draw: _same(draw.maybe(lambda: draw.whole(32))),
    "google.protobuf.Timestamp v = 1;": _proto_moment,
    "google.protobuf.Duration v = 1;": _proto_duration,
    "google.protobuf.StringValue v = 1;": lambda draw: _same(draw.maybe(draw.text)),
    "google.protobuf.UInt64Value v = 1;": lambda draw: _same(draw.maybe(lambda: draw.whole(64, signed=False))),
    "google.protobuf.Struct v = 1;": lambda draw: _same({draw.text(): _json(draw) for _ in range(2)}),
    "google.protobuf.Value v = 1;": lambda draw: _same(draw.random.choice((draw.text(), 0.5, True, [1.5, None]))),
    "google.protobuf.ListValue v = 1;": lambda draw: _same(draw.several(lambda: _json(draw))),
    "google.protobuf.FieldMask v = 1;": lambda draw: draw.random.choice(
        (
            ("", {"paths": []}),
            ("a,bC", {"paths": ["a", "b_c"]}),
        )
    ),
    "google.protobuf.Any v = 1;": lambda _: ({}, {"type_url": "", "value": b""}),
    "google.protobuf.Empty v = 1;": lambda _: _same({}),
    "confluent.type.Decimal v = 1;": _confluent,
}
"""By the field as the table writes it; given as Protobuf's JSON."""


def _zone(draw: Draw) -> Pair:
    minutes = draw.random.randint(-14 * 60, 14 * 60)
    found = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=draw.micros() * 99 // 100)
    local = found + timedelta(minutes=minutes)
    sign = "-" if minutes < 0 else "+"
    zone = f"{sign}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
    return local.replace(tzinfo=None).isoformat(timespec="microseconds") + zone, found


JSON_SCHEMA: Mapping[str, Callable[[Draw], Pair]] = {
    '{"type": "boolean"}': lambda draw: _same(draw.random.random() < 0.5),
    '{"type": "integer"}': lambda draw: _same(draw.whole(64)),
    '{"type": "number"}': lambda draw: _same(draw.real()),
    '{"type": "string"}': lambda draw: _same(draw.text()),
    '{"type": "string", "format": "date-time"}': _zone,
    '{"type": "string", "format": "date"}': lambda draw: (lambda day: (day.isoformat(), day))(draw.day()[1]),
    '{"type": "string", "format": "time"}': lambda draw: _same(draw.clock(1)[1].isoformat() + "Z"),
    '{"enum": ["a", "b"]}': lambda draw: _same(draw.random.choice("ab")),
    '{"const": 5}': lambda _: _same(5),
    '{"type": ["null", "string"]}': lambda draw: _same(draw.maybe(draw.text)),
    '{"oneOf": [{"type": "null"}, {"type": "integer"}]}': lambda draw: _same(draw.maybe(lambda: draw.whole(64))),
    '{"type": ["integer", "string"]}': lambda draw: _same(draw.random.choice((draw.whole(53), draw.text()))),
    '{"type": "object", "properties": {"a": {"type": "integer"}}}': lambda draw: _same({"a": draw.whole(64)}),
    '{"type": "object", "additionalProperties": {"type": "integer"}}': _longs,
    '{"type": "object"}': lambda draw: _same({draw.text(): _json(draw)}),
    '{"type": "array", "items": {"type": "integer"}}': lambda draw: _same(draw.several(lambda: draw.whole(64))),
    '{"type": "array", "items": {"type": ["integer", "null"]}}': lambda draw: _wrapped(
        draw.several(lambda: draw.maybe(lambda: draw.whole(64)))
    ),
    '{"type": "array"}': lambda draw: _same(draw.several(lambda: _json(draw))),
    "{}": lambda draw: _same(_json(draw)),
}
"""By the schema as the table writes it; given as what JSON has."""


def named_apart(kind: str, at: int) -> Any:
    """An Avro type in a namespace of its own, so that many can be fields of one record."""
    found = json.loads(kind)
    return {**found, "namespace": f"s{at}"} if isinstance(found, dict) and "name" in found else found
