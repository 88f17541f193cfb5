"""Protobuf schemas by a seed, their messages, and what else protobuf may read."""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random
from typing import Any

from airflow_kafka_bq.formats.structured.protobuf_files import message_class
from airflow_kafka_bq.formats.structured.protobuf_types import is_map
from tests.formats.structured.damage import damaged

_IMPORTED = (*(f"google/protobuf/{one}" for one in ("timestamp", "duration", "wrappers")), "confluent/type/decimal")
IMPORTS = "".join(f'import "{one}.proto";' for one in _IMPORTED)
_BITS = {"int32": 31, "sint32": 31, "sfixed32": 31, "int64": 63, "sint64": 63, "sfixed64": 63}
_UNSIGNED = {"uint32": 32, "fixed32": 32, "uint64": 64, "fixed64": 64}
_SCALARS = (*_BITS, *_UNSIGNED, "bool", "float", "double", "string", "bytes", "E")
_KEYS = ("int32", "sint64", "fixed64", "bool", "string")
_WRAPPED = {"Int64Value": "int64", "UInt64Value": "uint64", "BoolValue": "bool", "StringValue": "string"}
_KNOWN = ("google.protobuf.Timestamp", "google.protobuf.Duration", "confluent.type.Decimal")
_TEXTS = ("", "a", "ü", "日本", "😀", "\0", "x" * 127, "x" * 128, "x" * 9_000)
_ENUM = "enum E { A = 0; B = 5; C = -3; }"


class Drawn:
    """A message type by a seed, messages of it, and other ways to write them."""

    def __init__(self, seed: int, *, lists: bool = True) -> None:
        self.random = Random(seed)
        self._lists = lists
        self._count = 0
        self.syntax = self.random.choice(("proto3", "proto3", "proto2"))
        body = self._body(2)
        self.text = f'syntax = "{self.syntax}"; package p; {IMPORTS} message Row {{ {body} }} {_ENUM}'
        self.kind = message_class(self.text, (), (0,))

    def _body(self, depth: int) -> str:
        numbers = self.random.sample((1, 2, 3, 4, 5, 15, 16, 17, 200, 2_047, 2_048, 70_000), self.random.randint(1, 6))
        fields: list[str] = []
        inner: list[str] = []
        for number in numbers:
            self._count += 1
            kind = self._type(depth, inner)
            fields.append(f"{kind} f{self._count} = {number};")
        fields.sort(key=lambda one: one.startswith("map<"))  # which a oneof cannot hold
        plain = sum(not one.startswith("map<") for one in fields)
        cut = self.random.randint(0, plain) if self.random.random() < 0.4 else 0
        oneof = f"oneof o{self._count} {{ {' '.join(fields[:cut])} }}" if cut else ""
        return " ".join([*inner, oneof, *(self._label(one) + one for one in fields[cut:])])

    def _label(self, field: str) -> str:
        if field.startswith("map<"):
            return ""
        if self._lists and self.random.random() < 0.2:
            return "repeated "
        if self.syntax == "proto2":
            return self.random.choice(("optional ", "optional ", "required "))
        return self.random.choice(("", "", "optional "))

    def _type(self, depth: int, inner: list[str]) -> str:
        chance = self.random.random()
        if depth and chance < 0.2:
            name = f"M{self._count}"
            inner.append(f"message {name} {{ {self._body(depth - 1)} }}")
            return name
        if chance < 0.3:
            return self.random.choice((*_KNOWN, *(f"google.protobuf.{one}" for one in _WRAPPED)))
        if chance < 0.4 and self._lists and not depth:
            return f"map<{self.random.choice(_KEYS)}, {self.random.choice((*_SCALARS, *_KNOWN))}>"
        return self.random.choice(_SCALARS)

    def another(self) -> Any:
        """A version without some of the fields, others by other names, and some with a presence."""
        kept = re.sub(r" (\w+ )?(\S+) (f\d+) = (\d+);", self._changed, self.text)
        return message_class(kept, (), (0,))

    def _changed(self, field: re.Match[str]) -> str:
        label, kind, name, number = field.groups()
        if label is None or self.random.random() < 0.5:
            return field[0]
        if self.random.random() < 0.3:
            return f" optional string new{number} = 9{number};"
        return f" {label}{kind} renamed_{name} = {number};"

    def message(self, kind: Any | None = None) -> Any:
        """Fields at random; all that it needs."""
        found = (kind or self.kind)()
        for field in found.DESCRIPTOR.fields:
            required = getattr(field, "is_required", False)
            if not required and self.random.random() < 0.4:
                continue
            if is_map(field):
                self._pairs(getattr(found, field.name), field.message_type.fields_by_name)
            elif field.is_repeated:
                self._several(getattr(found, field.name), field)
            elif field.message_type:
                getattr(found, field.name).CopyFrom(self.message(type(getattr(found, field.name))))
            else:
                setattr(found, field.name, self._value(field))
        return found

    def _pairs(self, found: Any, kinds: Any) -> None:
        for _ in range(self.random.choice((0, 1, 2, 3, 9))):
            key = self._value(kinds["key"])
            if kinds["value"].message_type:
                found[key].CopyFrom(self.message(type(found[key])))
            else:
                found[key] = self._value(kinds["value"])

    def _several(self, values: Any, field: Any) -> None:
        for _ in range(self.random.choice((0, 1, 2, 3, 30))):
            if field.message_type:
                one = values.add()
                one.CopyFrom(self.message(type(one)))
            else:
                values.append(self._value(field))

    def _value(self, field: Any) -> Any:
        if field.enum_type:
            return self.random.choice(field.enum_type.values).number
        kind = {getattr(field, f"TYPE_{one.upper()}"): one for one in _SCALARS if one != "E"}[field.type]
        if kind in _BITS or kind in _UNSIGNED:
            low, high = (-(2 ** _BITS[kind]), 2 ** _BITS[kind]) if kind in _BITS else (0, 2 ** _UNSIGNED[kind])
            return self.random.choice((0, 1, 127, 128, low, high - 1, self.random.randrange(low, high)))
        if kind in ("float", "double"):
            return self.random.choice((0.0, -0.0, 1.5, -(2.0**100), float("inf"), float("nan")))
        makes: dict[str, Callable[[], Any]] = {
            "bool": lambda: self.random.random() < 0.5,
            "string": lambda: self.random.choice(_TEXTS),
            "bytes": lambda: self.random.randbytes(self.random.choice((0, 1, 12, 127, 128, 200))),
        }
        return makes[kind]()

    def otherwise(self, message: bytes) -> bytes:
        """What no writer does, and protobuf may read."""
        other = self.message().SerializePartialToString()
        return self.random.choice((
            message + other,  # fields that come twice, in no order
            message + b"\xf8\x07\x05",  # a field that nobody knows
            b"\xf8\x07\x05" + message,
            message + b"\x08\x85\x80\x00",  # a number that is longer than it has to be
            message + b"\x0b\x0c",  # a group
            message + b"\x88\x00\x01",  # a tag that is longer than it has to be
        ))  # fmt: skip

    def messages(self, count: int, damage: float) -> list[bytes]:
        found = [self.message().SerializeToString() for _ in range(count)]
        for at, one in enumerate(found):
            if self.random.random() < damage:
                found[at] = self.otherwise(one) if self.random.random() < 0.3 else damaged(self.random, one)
        return found
