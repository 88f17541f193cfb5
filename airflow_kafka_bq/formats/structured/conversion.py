"""Raw values read as their writer's shape says, whole or into the columns of another version of the schema."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from airflow_kafka_bq.formats.structured.shapes import (
    Anything,
    List,
    Map,
    Scalar,
    Shape,
    Slot,
    Struct,
    Union,
    as_it_is,
)

Convert = Callable[[Any], Any]


def plain(slot: Slot, *, for_json: bool) -> Convert:
    """A function from a raw value to what Python has for it: a dict for a struct and a map, the value of a union.

    :param for_json: bytes become base64 text, so that the rest can be written as JSON.
    """
    return _slot(slot, for_json, {})


def _slot(slot: Slot, for_json: bool, seen: dict[Struct, list[Convert]]) -> Convert:
    return nullable(_shape(slot.shape, for_json, seen)) if slot.nullable else _shape(slot.shape, for_json, seen)


def nullable(convert: Convert) -> Convert:
    """The same, and None for None."""
    if convert is as_it_is:
        return convert
    return lambda raw: None if raw is None else convert(raw)


def _shape(shape: Shape, for_json: bool, seen: dict[Struct, list[Convert]]) -> Convert:
    if isinstance(shape, Scalar):
        return _scalar(shape, for_json)
    if isinstance(shape, Anything):
        return shape.read
    if isinstance(shape, Struct):
        return _struct(shape, for_json, seen)
    if isinstance(shape, List):
        return each(_slot(shape.element, for_json, seen))
    if isinstance(shape, Map):
        return _map(shape, for_json, seen)
    return _union(shape, for_json, seen)


def _scalar(shape: Scalar, for_json: bool) -> Convert:
    if not (for_json and shape.type == "BYTES"):
        return shape.read
    read = shape.read
    return lambda raw: base64.b64encode(read(raw)).decode()


def _struct(struct: Struct, for_json: bool, seen: dict[Struct, list[Convert]]) -> Convert:
    if struct.is_json and for_json:
        return as_it_is
    if struct in seen:  # it contains itself
        found = seen[struct]
        return lambda raw: found[0](raw)
    seen[struct] = []
    fields = [(one.name, _slot(one.slot, for_json, seen)) for one in struct.fields]
    same = all(convert is as_it_is for _, convert in fields)
    made: Convert = as_it_is if same else lambda raw: {name: convert(raw[name]) for name, convert in fields}
    seen[struct].append(made)
    return made


def each(convert: Convert) -> Convert:
    """Of a list."""
    return as_it_is if convert is as_it_is else lambda raw: [convert(one) for one in raw]


def _map(shape: Map, for_json: bool, seen: dict[Struct, list[Convert]]) -> Convert:
    key, value = shape.key.read, _slot(shape.value, for_json, seen)
    if key is as_it_is and value is as_it_is:
        return as_it_is
    return lambda raw: {key(name): value(one) for name, one in raw.items()}


def _union(union: Union, for_json: bool, seen: dict[Struct, list[Convert]]) -> Convert:
    branches = {one.key: _shape(one.shape, for_json, seen) for one in union.branches}

    def convert(raw: Any) -> Any:
        ((key, value),) = raw.items()
        return branches[key](value)

    return convert
