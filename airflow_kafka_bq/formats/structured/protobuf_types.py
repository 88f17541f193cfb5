"""Scalars of Protobuf, and message types whose meaning is known.

https://protobuf.dev/reference/protobuf/google.protobuf/
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from airflow_kafka_bq.formats.parser import Rejected
from airflow_kafka_bq.formats.structured import scalars
from airflow_kafka_bq.formats.structured.shapes import Anything, Scalar, Shape

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INT, _TEXT, _BYTES = "INT64", "STRING", "BYTES"
_UNSIGNED = Scalar("NUMERIC", "uint64", Decimal)  # INT64 has 63 bits
# https://protobuf.dev/reference/protobuf/google.protobuf/#kind : the numbers of FieldDescriptorProto.Type
SCALARS: Mapping[int, Scalar] = {
    1: Scalar("FLOAT64", "double"),
    2: Scalar("FLOAT64", "float"),
    3: Scalar(_INT, "int64"),
    4: _UNSIGNED,
    5: Scalar(_INT, "int32"),
    6: _UNSIGNED,
    7: Scalar(_INT, "fixed32"),
    8: Scalar("BOOL", "bool"),
    9: Scalar(_TEXT, "string"),
    12: Scalar(_BYTES, "bytes"),
    13: Scalar(_INT, "uint32"),
    15: Scalar(_INT, "sfixed32"),
    16: Scalar(_INT, "sfixed64"),
    17: Scalar(_INT, "sint32"),
    18: Scalar(_INT, "sint64"),
}


MESSAGE = 11


def is_repeated(field: Any) -> bool:
    """Whether a field has any number of values; a map has too."""
    found = getattr(field, "is_repeated", None)  # newer protobuf; older ones have the label
    return bool(field.label == field.LABEL_REPEATED if found is None else found)


def is_map(field: Any) -> bool:
    """Whether its values are pairs, each key once."""
    return bool(is_repeated(field) and field.type == MESSAGE and field.message_type.GetOptions().map_entry)


def is_required(field: Any) -> bool:
    """Whether a message without the field is none."""
    found = getattr(field, "is_required", None)
    return bool(field.label == field.LABEL_REQUIRED if found is None else found)


def default_of(field: Any) -> Any:
    """The raw value of a field without presence that was not sent."""
    return field.enum_type.values[0].number if field.enum_type else field.default_value


def enum_shape(enum: Any) -> Scalar:
    """Names of an enum; a number that has none (of a newer schema) is kept as its digits."""
    names = {one.number: one.name for one in enum.values}
    return Scalar(_TEXT, f"enum {enum.full_name}", lambda raw: names.get(raw) or str(raw), names=names)


def _moment(raw: tuple[int, int]) -> datetime:
    seconds, nanos = raw
    if not 0 <= nanos < 1_000_000_000:
        scalars.out_of_range("Timestamp", "has nanoseconds that are no part of a second")
    if nanos % 1_000:
        raise Rejected("validate", "inexact", "Timestamp: has nanoseconds, which TIMESTAMP would round")
    try:
        return _EPOCH + timedelta(seconds=seconds, microseconds=nanos // 1_000)
    except OverflowError:
        scalars.out_of_range("Timestamp", "is outside the years 1 to 9999")


def _duration(raw: tuple[int, int]) -> str:
    seconds, nanos = raw
    found = Decimal(seconds) + Decimal(nanos).scaleb(-9)
    return f"{found.normalize():f}s" if found else "0s"


def _decimal(raw: tuple[bytes, int]) -> Decimal:
    data, scale = raw
    found: Any = scalars.decimal_of_bytes(scale, as_text=False)(data)
    return Decimal(found)


def _json(message: Any) -> Any:
    """Of a Struct, a Value or a ListValue."""
    name = message.DESCRIPTOR.name
    if name == "Struct":
        return {key: _json(message.fields[key]) for key in sorted(message.fields)}  # they come in no order
    if name == "ListValue":
        return [_json(value) for value in message.values]
    kind = message.WhichOneof("kind")
    found = None if kind in {None, "null_value"} else getattr(message, kind)
    return _json(found) if kind in {"struct_value", "list_value"} else found


def _seconds(message: Any) -> tuple[int, int]:
    return message.seconds, message.nanos


WRAPPERS: Mapping[str, int] = {
    "DoubleValue": 1, "FloatValue": 2, "Int64Value": 3, "UInt64Value": 4, "Int32Value": 5, "UInt32Value": 13,
    "BoolValue": 8, "StringValue": 9, "BytesValue": 12,
}  # fmt: skip
"""Names in google.protobuf, and the scalar that is wrapped."""
KNOWN: Mapping[str, tuple[Shape, Callable[[Any], Any]]] = {
    "google.protobuf.Timestamp": (Scalar("TIMESTAMP", "Timestamp", _moment), _seconds),
    "google.protobuf.Duration": (Scalar(_TEXT, "Duration", _duration), _seconds),
    "confluent.type.Decimal": (
        Scalar("BIGNUMERIC", "confluent.type.Decimal", _decimal),
        lambda message: (message.value, message.scale),
    ),
    **{
        f"google.protobuf.{name}": (SCALARS[number], lambda message: message.value) for name, number in WRAPPERS.items()
    },
    **{f"google.protobuf.{name}": (Anything(name), _json) for name in ("Struct", "Value", "ListValue")},
}
"""Full name of a message type: its shape, and its raw value. A wrapper that is absent is NULL, as messages are."""
