"""Defaults of Avro fields, which a schema writes in JSON, as raw values.

https://avro.apache.org/docs/1.12.0/specification/#complex-types : bytes are a string of code points 0 to 255, the
default of a union is one of its first alternative.
"""

from __future__ import annotations

from typing import Any

from airflow_kafka_bq.formats.structured.shapes import NO_DEFAULT, List, Map, Scalar, Shape, Slot, Struct, Union

_IN_BYTES = ("decimal", "bytes", "fixed", "duration")


def raw_default(slot: Slot, default: Any) -> Any:
    """The raw value that a writer would have written."""
    return None if default is None else _raw(slot.shape, default)


def _raw(shape: Shape, default: Any) -> Any:
    if isinstance(shape, Scalar):
        return default.encode("latin-1") if _is_bytes(shape, default) else _number(shape, default)
    if isinstance(shape, Struct):
        return {one.name: _of_field(default.get(one.name, NO_DEFAULT), one.slot, one.default) for one in shape.fields}
    if isinstance(shape, List):
        return [raw_default(shape.element, one) for one in default]
    if isinstance(shape, Map):
        return {name: raw_default(shape.value, one) for name, one in default.items()}
    if isinstance(shape, Union):
        first = shape.branches[0]
        return {first.key: _raw(first.shape, default)}
    return default


def _is_bytes(shape: Scalar, default: Any) -> bool:
    return isinstance(default, str) and (
        shape.said.startswith(_IN_BYTES) or (shape.said == "uuid" and len(default) == 16)
    )


def _number(shape: Scalar, default: Any) -> Any:
    return float(default) if shape.type == "FLOAT64" and isinstance(default, int) else default


def _of_field(given: Any, slot: Slot, default: Any) -> Any:
    if given is not NO_DEFAULT:
        return raw_default(slot, given)
    if default is NO_DEFAULT:
        raise ValueError("the default of a record leaves out a field that has none")
    return default
