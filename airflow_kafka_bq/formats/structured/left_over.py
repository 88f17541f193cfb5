"""What a writer knows and no column takes, by the names that the writer has for it, where it stood."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from airflow_kafka_bq.formats.structured.columns import wraps
from airflow_kafka_bq.formats.structured.conversion import plain
from airflow_kafka_bq.formats.structured.shapes import List, Map, Shape, Struct, Union, by_identity
from airflow_kafka_bq.schema.columns import Column

Rest = Callable[[Any], Any]
"""From a raw value to what is left of it, as JSON has it; empty where nothing is."""


def left_over(writer: Struct, reader: Struct, columns: Sequence[Column]) -> Rest | None:
    """Of values that fit the columns; None where the columns take all that the writer can write.

    An object has the fields that are left; an array has ``{}`` for each element of which nothing is.
    """
    theirs = by_identity(writer)
    named = {one.name: one for one in reader.fields}
    taken: set[str] = set()
    inner: dict[str, Rest] = {}
    for column in columns:
        ours = named[column.source or column.name]
        if (other := ours.found_in(theirs)) is None:
            continue
        taken.add(other.name)
        if rest := _of(other.slot.shape, ours.slot.shape, column):
            inner[other.name] = rest
    if writer.is_json:  # fields that no schema names, too
        return lambda raw: {name: value for name, value in raw.items() if name not in taken} | _inside(inner, raw)
    strange = {one.name: plain(one.slot, for_json=True) for one in writer.fields if one.name not in taken}
    if not strange and not inner:
        return None
    return lambda raw: {name: read(raw.get(name)) for name, read in strange.items()} | _inside(inner, raw)


def _inside(inner: Mapping[str, Rest], raw: Any) -> dict[str, Any]:
    found = ((name, rest(raw[name])) for name, rest in inner.items() if raw.get(name) is not None)
    return {name: left for name, left in found if left}


def _of(writer: Shape, reader: Shape, column: Column) -> Rest | None:
    if column.type == "JSON":
        return None  # takes all of it
    if isinstance(writer, Union):
        return _branches(writer, reader, column)
    if isinstance(reader, Union):
        pairs = zip(reader.branches, column.fields, strict=True)
        named = writer.names if isinstance(writer, Struct) else frozenset[str]()
        return next((_of(writer, one.shape, field) for one, field in pairs if one.name in named), None)
    if isinstance(writer, Struct) and isinstance(reader, Struct):
        return left_over(writer, reader, column.fields)
    if isinstance(writer, List) and isinstance(reader, List):
        inside = column.fields[0] if wraps(reader.element) else column
        return _each(_of(writer.element.shape, reader.element.shape, inside))
    if isinstance(writer, Map) and isinstance(reader, Map):
        return _values(writer, _of(writer.value.shape, reader.value.shape, column.fields[1]))
    return None


def _branches(writer: Union, reader: Shape, column: Column) -> Rest | None:
    rests = {one.key: rest for one in writer.branches if (rest := _of(one.shape, reader, column))}
    if not rests:
        return None

    def chosen(raw: Any) -> Any:
        ((key, value),) = raw.items()
        return rests[key](value) if key in rests else None

    return chosen


def _each(rest: Rest | None) -> Rest | None:
    if rest is None:
        return None

    def each(raw: Any) -> Any:
        found = [(rest(one) if one is not None else None) or {} for one in raw]
        return found if any(found) else []

    return each


def _values(writer: Map, rest: Rest | None) -> Rest | None:
    if rest is None:
        return None
    key = writer.key.read

    def each(raw: Any) -> Any:
        found = ((key(name), rest(one)) for name, one in raw.items() if one is not None)
        return {name: left for name, left in found if left}

    return each
