"""Which models can be parsed in bulk, and how.

The model's core schema is the truth about what pydantic does. Each node of it must be one that the bulk way checks in
full; a custom validator, a union, a strict or otherwise configured model goes message by message.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
from pydantic import BaseModel

from airflow_kafka_bq.schema.columns import Column
from airflow_kafka_bq.schema.hashing import Hashing
from airflow_kafka_bq.schema.wire import wire_type

_READ: dict[str, pa.DataType] = {
    "INT64": pa.int64(),
    "FLOAT64": pa.float64(),
    "BOOL": pa.bool_(),
    "NUMERIC": pa.decimal128(38, 9),
    "BIGNUMERIC": pa.decimal256(76, 38),
}
_HARMLESS = {"type", "metadata", "ref", "serialization"}
_LIMITS = {"ge", "gt", "le", "lt"}
_MODEL = {"cls", "schema", "config", "custom_init", "root_model", "generic_origin", "frozen"}
_FIELD = {"schema", "validation_alias", "serialization_alias", "frozen"}
_SCALARS: dict[str, tuple[str, set[str]]] = {
    "INT64": ("int", _LIMITS),
    "FLOAT64": ("float", _LIMITS),
    "BOOL": ("bool", set()),
    "STRING": ("str", {"min_length", "max_length"}),
    "BYTES": ("bytes", set()),
    "NUMERIC": ("decimal", {"max_digits", "decimal_places"}),
    "BIGNUMERIC": ("decimal", set()),
    "DATE": ("date", set()),
    "TIME": ("time", {"microseconds_precision"}),
    "TIMESTAMP": ("datetime", {"microseconds_precision", "tz_constraint"}),
    "DATETIME": ("datetime", {"microseconds_precision", "tz_constraint"}),
}


class RowByRowError(Exception):
    """This part of the model needs pydantic for each message."""


@dataclass(frozen=True, slots=True)
class Node:
    """How one field is read, checked and written.

    ``kind`` is the column's type, UUID, or AWARE (a TIMESTAMP that needs a zone). ``null_ok``: missing and null mean
    the same. ``limits`` are pydantic's constraints by name. ``values`` are those of an enum or a Literal. ``element``
    is set for an ARRAY, ``children`` for a STRUCT. ``hashed``: what is staged is the hash of it.
    """

    name: str
    source: str
    kind: str
    read: pa.DataType
    wire: pa.DataType
    null_ok: bool = False
    limits: tuple[tuple[str, Any], ...] = ()
    values: tuple[Any, ...] = ()
    children: tuple[Node, ...] = ()
    element: Node | None = None
    hashed: Hashing | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """A model that can be parsed in bulk. ``forbids``: somewhere in it an unknown field is refused."""

    nodes: tuple[Node, ...]
    forbids: bool


def plan(model: type[BaseModel], columns: Sequence[Column]) -> Plan | None:
    """How to parse this model in bulk; None: it needs pydantic for each message."""
    return _Walk().plan(model, columns)


class _Walk:
    def __init__(self) -> None:
        self._definitions: dict[str, Any] = {}
        self._forbids = False

    def plan(self, model: type[BaseModel], columns: Sequence[Column]) -> Plan | None:
        try:
            nodes = self._children(self._resolved(model.__pydantic_core_schema__), columns)
        except RowByRowError:
            return None
        return Plan(nodes, self._forbids)

    def _resolved(self, schema: Any) -> Any:
        if schema["type"] == "definitions":
            self._definitions |= {one["ref"]: one for one in schema["definitions"]}
            return self._resolved(schema["schema"])
        if schema["type"] == "definition-ref":
            return self._resolved(self._definitions[schema["schema_ref"]])
        return schema

    def _children(self, schema: Any, columns: Sequence[Column]) -> tuple[Node, ...]:
        _expect(schema, "model", _MODEL)
        config = schema.get("config", {})
        if schema.get("custom_init") or schema.get("root_model") or not set(config) <= _CONFIG:
            raise RowByRowError
        self._forbids |= config.get("extra_fields_behavior") == "forbid"
        inner = schema["schema"]
        _expect(inner, "model-fields", {"fields", "model_name", "computed_fields"})
        names = {column.attribute for column in columns}
        if names != set(inner["fields"]):  # a field without a column is validated all the same
            raise RowByRowError
        nodes = tuple(self._field(column, inner["fields"][column.attribute]) for column in columns)
        if len({node.source for node in nodes}) < len(nodes):
            raise RowByRowError
        return nodes

    def _field(self, column: Column, field: Any) -> Node:
        _expect(field, "model-field", _FIELD)
        source = field.get("validation_alias", column.attribute)
        if not isinstance(source, str):
            raise RowByRowError
        return self._node(column, source, field["schema"])

    def _node(self, column: Column, source: str, schema: Any) -> Node:
        """Take off the default and Optional; only together, and with None, do they make null and missing one."""
        schema = self._resolved(schema)
        default_none = False
        if schema["type"] == "default":
            _expect(schema, "default", {"schema", "default", "default_factory", "default_factory_takes_data"})
            default_none = "default" in schema and schema["default"] is None
            schema = self._resolved(schema["schema"])
        nullable = schema["type"] == "nullable"
        if nullable:
            _expect(schema, "nullable", {"schema"})
            schema = self._resolved(schema["schema"])
        return self._typed(column, source, schema, nullable and default_none)

    def _typed(self, column: Column, source: str, schema: Any, null_ok: bool) -> Node:
        if column.mode == "REPEATED":
            _expect(schema, "list", {"items_schema"})
            single = replace(column, mode="REQUIRED")
            element = self._typed(single, source, self._resolved(schema["items_schema"]), False)
            return Node(
                column.name, source, "ARRAY", pa.list_(element.read), wire_type(column), null_ok, element=element
            )
        if column.type == "STRUCT":
            children = self._children(schema, column.fields)
            struct = pa.struct([pa.field(child.source, child.read) for child in children])
            return Node(column.name, source, "STRUCT", struct, wire_type(column), null_ok, children=children)
        hashed = column.hashed
        if hashed is not None:
            column = replace(column, type=hashed.type, hashed=None)
        kind, limits, values = _scalar(column.type, schema)
        read = _READ.get(column.type, pa.string())
        return Node(column.name, source, kind, read, wire_type(column), null_ok, limits, values, hashed=hashed)


_CONFIG = {"title", "extra_fields_behavior", "frozen"}


def _expect(schema: Mapping[str, Any], kind: str, keys: set[str]) -> None:
    if schema["type"] != kind or not set(schema) - _HARMLESS <= keys:
        raise RowByRowError


def _scalar(kind: str, schema: Any) -> tuple[str, tuple[tuple[str, Any], ...], tuple[Any, ...]]:
    """Kind, constraints and allowed values."""
    if schema["type"] in {"literal", "enum"}:
        return kind, (), _values(kind, schema)
    if kind == "STRING" and schema["type"] == "uuid":
        _expect(schema, "uuid", set())
        return "UUID", (), ()
    if kind not in _SCALARS:
        raise RowByRowError
    core, allowed = _SCALARS[kind]
    _expect(schema, core, allowed)
    zone = schema.get("tz_constraint")
    if kind in {"TIMESTAMP", "DATETIME"} and zone not in ({None, "aware"} if kind == "TIMESTAMP" else {"naive"}):
        raise RowByRowError
    limits = {name: schema[name] for name in allowed & set(schema) - {"microseconds_precision", "tz_constraint"}}
    if not all(_comparable(kind, limit) for limit in limits.values()):
        raise RowByRowError
    return ("AWARE" if zone == "aware" else kind), tuple(sorted(limits.items())), ()


def _comparable(kind: str, limit: Any) -> bool:
    if isinstance(limit, bool) or not isinstance(limit, int | float):
        return False
    return (kind == "FLOAT64" and abs(limit) <= 2**53) or (isinstance(limit, int) and abs(limit) < 2**63)


def _values(kind: str, schema: Any) -> tuple[Any, ...]:
    if schema["type"] == "enum":
        _expect(schema, "enum", {"cls", "members", "sub_type"})
        values = tuple(member.value for member in schema["members"])
    else:
        _expect(schema, "literal", {"expected"})
        values = tuple(schema["expected"])
    wanted = {"STRING": str, "INT64": int}.get(kind)
    if wanted is None or not all(type(value) is wanted for value in values):
        raise RowByRowError
    if kind == "INT64" and not all(-(2**63) <= value < 2**63 for value in values):
        raise RowByRowError
    return values
