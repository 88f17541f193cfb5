"""Avro: a schema in JSON, and data that only the schema of their writer can decode.

fastavro decodes, and interprets nothing: it is given the schema without logical types, whose values it would round or
let overflow. Each alternative of a union is put into a record of one field, which changes no byte of the data and
tells which of them was written.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.formats.parser import Rejected
from airflow_kafka_bq.formats.structured import scalars
from airflow_kafka_bq.formats.structured.avro_columns import avro_columns
from airflow_kafka_bq.formats.structured.avro_defaults import raw_default
from airflow_kafka_bq.formats.structured.packages import needed
from airflow_kafka_bq.formats.structured.shapes import (
    NO_DEFAULT,
    Anything,
    Branch,
    Field,
    List,
    Map,
    Scalar,
    Schema,
    Shape,
    Slot,
    Struct,
    Union,
    as_it_is,
)

_PRIMITIVES = {
    "boolean": "BOOL", "int": "INT64", "long": "INT64", "float": "FLOAT64", "double": "FLOAT64", "string": "STRING",
    "bytes": "BYTES",
}  # fmt: skip
_TEXT = Scalar("STRING", "string")
Found = tuple[Shape, Any]


def avro_schema(text: str, references: Iterable[str] = ()) -> Schema:
    """Read a schema.

    :param references: texts of schemas whose types it names, each after those that it names itself.
    :raises ConfigError: this is no Avro schema, or fastavro is not installed.
    """
    fastavro = needed("fastavro", "avro")
    types = _Types()
    try:
        seen: dict[str, Any] = {}
        for one in references:
            fastavro.parse_schema(types.slot(_parsed(one), "")[1], named_schemas=seen)
        slot, raw = types.slot(_parsed(text), "")
        parsed = fastavro.parse_schema(raw, named_schemas=seen)
    except (KeyError, TypeError, ValueError, AttributeError, fastavro.schema.SchemaParseException) as error:
        raise ConfigError(f"not an Avro schema: {type(error).__name__}: {error}") from error
    read = fastavro.schemaless_reader

    def decode(data: bytes) -> Any:
        stream = io.BytesIO(data)
        try:
            found = read(stream, parsed, None)
        except Exception as error:  # whatever its C code meets in bytes that are no such datum
            why = f"not what the schema of its writer says ({type(error).__name__})"
            raise Rejected("decode", "invalid_avro", why) from error
        if left := len(data) - stream.tell():
            raise Rejected("decode", "invalid_avro", f"{left} bytes are left over behind the datum")
        return found

    return Schema(slot, decode, together=avro_columns(raw, types.definitions))


def _parsed(text: str) -> Any:
    """A schema that is only the name of a type may come without quotes."""
    try:
        return json.loads(text)
    except ValueError:
        if text.strip().replace(".", "").replace("_", "").isalnum():
            return text.strip()
        raise


class _Types:
    """Named types seen so far, and the same schema as fastavro is given it."""

    def __init__(self) -> None:
        self.named: dict[str, Found] = {}
        self.definitions: dict[str, Any] = {}  # of fastavro's names
        self.count = 0

    def slot(self, schema: Any, space: str) -> tuple[Slot, Any]:
        if not isinstance(schema, list):
            shape, raw = self.shape(schema, space)
            return Slot(shape, nullable=schema == "null" or schema == {"type": "null"}), raw
        others = [one for one in schema if one != "null"]
        if len(others) != 1:
            return self._union(schema, others, space)
        shape, raw = self.shape(others[0], space)
        return Slot(shape, nullable="null" in schema), ["null" if one == "null" else raw for one in schema]

    def _union(self, schema: list[Any], others: list[Any], space: str) -> tuple[Slot, Any]:
        if not others:
            return Slot(Anything("null"), nullable=True), schema
        found = [(f"b{at}", *self.shape(one, space)) for at, one in enumerate(others)]
        records = [self._boxed(key, raw) for key, _, raw in found]
        names = _branch_names(others, space)
        branches = [Branch(key, name, shape) for (key, shape, _), name in zip(found, names, strict=True)]
        boxed = iter(records)
        return Slot(Union(tuple(branches)), "null" in schema), [one if one == "null" else next(boxed) for one in schema]

    def _boxed(self, key: str, raw: Any) -> dict[str, Any]:
        return {"type": "record", "name": self._fresh(), "fields": [{"name": key, "type": raw}]}

    def _fresh(self) -> str:
        self.count += 1
        return f"t{self.count}"

    def shape(self, schema: Any, space: str) -> Found:
        if isinstance(schema, list):
            raise ValueError("a union directly inside a union")
        if isinstance(schema, str):
            return self._by_name(schema, space)
        kind = schema["type"]
        if not isinstance(kind, str):  # {"type": {"type": "int"}}
            return self.shape(kind, space)
        if kind in {"record", "error", "enum", "fixed"}:
            return self._named(kind, schema, space)
        if kind == "array":
            element, raw = self.slot(schema["items"], space)
            return List(element), {"type": "array", "items": raw}
        if kind == "map":
            value, raw = self.slot(schema["values"], space)
            return Map(_TEXT, value), {"type": "map", "values": raw}
        return (_logical(kind, schema) or self._by_name(kind, space)[0]), self._by_name(kind, space)[1]

    def _by_name(self, name: str, space: str) -> Found:
        if name in _PRIMITIVES:
            return Scalar(_PRIMITIVES[name], name), name
        if name == "null":
            return Anything("null"), name
        shape, raw = self.named[_full(name, space)] if _full(name, space) in self.named else self.named[name]
        return shape, raw

    def _named(self, kind: str, schema: Mapping[str, Any], space: str) -> Found:
        full = _full(schema["name"], schema.get("namespace", space))
        own = self._fresh()
        if kind == "enum":
            found: Found = (Scalar("STRING", f"enum {full}"), own)
            definition: dict[str, Any] = {"type": kind, "name": own, "symbols": schema["symbols"]}
        elif kind == "fixed":
            found = (_fixed(schema, full), own)
            definition = {"type": kind, "name": own, "size": schema["size"]}
        else:
            return self._record(schema, full, own)
        self.named[full], self.definitions[own] = found, definition
        return found[0], definition

    def _record(self, schema: Mapping[str, Any], full: str, own: str) -> Found:
        aliases = [one.rpartition(".")[2] for one in schema.get("aliases", ())]
        struct = Struct(full, frozenset((full.rpartition(".")[2], *aliases)))
        self.named[full] = (struct, own)
        inside = full.rpartition(".")[0]
        fields, raws = [], []
        for one in schema["fields"]:
            slot, raw = self.slot(one["type"], inside)
            default = raw_default(slot, one["default"]) if "default" in one else NO_DEFAULT
            others = tuple(one.get("aliases", ()))
            fields.append(Field(one["name"], slot, None, others, default, one.get("doc")))
            raws.append({"name": one["name"], "type": raw})
        struct.fields = tuple(fields)
        self.definitions[own] = {"type": "record", "name": own, "fields": raws}
        return struct, self.definitions[own]


def _full(name: str, space: str | None) -> str:
    return name if "." in name or not space else f"{space}.{name}"


def _branch_names(schemas: list[Any], space: str) -> list[str]:
    """Unqualified, unless two of them would be the same."""
    full = [_branch_name(one, space) for one in schemas]
    short = [one.rpartition(".")[2] for one in full]
    return short if len({one.lower() for one in short}) == len(short) else full


def _branch_name(schema: Any, space: str) -> str:
    if isinstance(schema, str):
        return schema if schema in _PRIMITIVES else _full(schema, space)
    kind = schema["type"]
    named = kind in ("record", "error", "enum", "fixed")
    return _full(schema["name"], schema.get("namespace", space)) if named else _branch_name(kind, space)


def _fixed(schema: Mapping[str, Any], full: str) -> Shape:
    logical, size = schema.get("logicalType"), schema["size"]
    if logical == "uuid" and size == 16:
        return Scalar("STRING", "uuid", lambda raw: str(UUID(bytes=raw)))
    if logical == "duration" and size == 12:
        return Scalar("STRING", "duration", _duration)
    if logical == "decimal" and (found := _decimal(schema)):
        return found
    return Scalar("BYTES", f"fixed {full}")


def _duration(raw: bytes) -> str:
    months, days, millis = (int.from_bytes(raw[at : at + 4], "little") for at in (0, 4, 8))
    return f"P{months}M{days}DT{millis // 1000}.{millis % 1000:03}S"


def _decimal(schema: Mapping[str, Any]) -> Scalar | None:
    precision, scale = schema.get("precision"), schema.get("scale", 0)
    if not (isinstance(precision, int) and isinstance(scale, int) and 0 <= scale <= precision):
        return None  # the specification: an invalid logical type is none
    kind = scalars.decimal_type(precision, scale)
    read = scalars.decimal_of_bytes(scale, as_text=kind == "STRING")
    return Scalar(kind, f"decimal({precision}, {scale})", read, scale)


def _logical(kind: str, schema: Mapping[str, Any]) -> Scalar | None:
    """https://avro.apache.org/docs/1.12.0/specification/#logical-types ; of an unknown one its plain type counts."""
    said = schema.get("logicalType")
    if (kind, said) == ("bytes", "decimal"):
        return _decimal(schema)
    return _LOGICAL.get((kind, said)) if isinstance(said, str) else None


_LOGICAL: Mapping[tuple[str, str], Scalar] = {
    (kind, said): Scalar(column, said, read)
    for kind, said, column, read in (
        ("int", "date", "DATE", scalars.date_of_days("date")),
        ("int", "time-millis", "TIME", scalars.time_of_day("time-millis", 1_000)),
        ("long", "time-micros", "TIME", scalars.time_of_day("time-micros", 1)),
        ("long", "timestamp-millis", "TIMESTAMP", scalars.moment("timestamp-millis", 1_000)),
        ("long", "timestamp-micros", "TIMESTAMP", scalars.moment("timestamp-micros", 1)),
        ("long", "timestamp-nanos", "INT64", as_it_is),
        ("long", "local-timestamp-millis", "DATETIME", scalars.moment("local-timestamp-millis", 1_000, zone=False)),
        ("long", "local-timestamp-micros", "DATETIME", scalars.moment("local-timestamp-micros", 1, zone=False)),
        ("long", "local-timestamp-nanos", "INT64", as_it_is),
    )
}
