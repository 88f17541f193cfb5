"""Values of one place in many validated models, as a column of the staging file.

Where all values are of the type that the column is made of, Arrow makes it of the list. What is of another type, or may
be refused, is written value by value (wire_values), which is the rule for all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timezone
from decimal import Decimal
from enum import Enum
from inspect import getattr_static
from operator import attrgetter
from typing import Any
from uuid import UUID

import pyarrow as pa
import pyarrow.compute
from pydantic_core import TzInfo

from airflow_kafka_bq.formats.wire_values import writer
from airflow_kafka_bq.schema.columns import Column
from airflow_kafka_bq.schema.wire import wire_type

_pc: Any = pyarrow.compute
Leaf = Callable[[list[Any]], Any]
"""From values to a column; it raises what the writer of a single value raises."""
_Fast = Callable[[list[Any], set[type[Any]], pa.DataType], Any]
"""From values, their types and the column's type to the column; None: nothing is certain."""

_NONE = type(None)
_ZONE = attrgetter("tzinfo")
_MEMBER_VALUE = attrgetter("_value_")
_WHOLE_SECONDS = {_NONE, TzInfo}  # of other zones Arrow would cut the offset to seconds
_FIRST_MICROS, _LAST_MICROS = -62_135_596_800_000_000, 253_402_300_799_999_999  # of the years 1 and 9999


def leaf(column: Column) -> Leaf:
    """How to make a column of many values; of the elements, where it is an ARRAY."""
    kind, write = wire_type(column), writer(column)
    fast = _FAST.get(column.type) if column.hashed is None and column.mode != "REPEATED" else None
    is_required = column.mode == "REQUIRED"

    def of(values: list[Any]) -> Any:
        types = set(map(type, values))
        if fast is not None and not (is_required and _NONE in types):
            try:
                found = fast(values, types, kind)
            except (pa.ArrowException, OverflowError, UnicodeEncodeError):
                found = None  # the writer says why, or finds nothing wrong
            if found is not None:
                return found
        return pa.array([write(value) for value in values], kind)

    return of


def _exactly(*wanted: type[Any]) -> _Fast:
    """Of values that the column is made of as they are."""
    allowed = {*wanted, _NONE}
    return lambda values, types, kind: pa.array(values, kind) if types <= allowed else None


def _string(values: list[Any], types: set[type[Any]], kind: pa.DataType) -> Any:
    if types <= {str, _NONE}:
        return pa.array(values, kind)
    if types <= {UUID, _NONE}:
        return pa.array([None if value is None else str(value) for value in values], kind)
    if all(one is _NONE or _has_plain_values(one) for one in types):
        plain = [None if value is None else _MEMBER_VALUE(value) for value in values]
        return pa.array(plain, kind) if set(map(type, plain)) <= {str, _NONE} else None
    return None


def _has_plain_values(kind: type[Any]) -> bool:
    return issubclass(kind, Enum) and getattr_static(kind, "value") is getattr_static(Enum, "value")


def _float64(values: list[Any], types: set[type[Any]], kind: pa.DataType) -> Any:
    if not types <= {float, int, _NONE}:
        return None
    found = pa.array(values, kind)
    return None if _pc.all(_pc.is_finite(found)).as_py() is False else found


def _timestamp(values: list[Any], types: set[type[Any]], kind: pa.DataType) -> Any:
    """Arrow takes a time without zone for UTC, as the writer does."""
    if not types <= {datetime, _NONE}:
        return None
    zones = list(map(_ZONE, _present(values, types)))
    known = set(map(type, zones))
    if not (known <= _WHOLE_SECONDS or (known <= {*_WHOLE_SECONDS, timezone} and _only_utc(zones))):
        return None
    found = pa.array(values, kind)
    bounds = _pc.min_max(found.cast(pa.int64())).as_py()
    within = bounds["min"] is None or _FIRST_MICROS <= bounds["min"] <= bounds["max"] <= _LAST_MICROS
    return found if within else None


def _only_utc(zones: list[Any]) -> bool:
    """Whether Python's own zones among them are that."""
    return {zone for zone in zones if type(zone) is timezone} == {UTC}


def _iso(wanted: type[Any]) -> _Fast:
    """Of dates or times that travel as text, and have no zone."""

    def fast(values: list[Any], types: set[type[Any]], kind: pa.DataType) -> Any:
        if not types <= {wanted, _NONE} or set(map(_ZONE, _present(values, types))) - {None}:
            return None
        return pa.array([None if value is None else value.isoformat() for value in values], kind)

    return fast


def _present(values: list[Any], types: set[type[Any]]) -> list[Any]:
    return [value for value in values if value is not None] if _NONE in types else values


_FAST: dict[str, _Fast] = {
    "STRING": _string,
    "INT64": _exactly(int),
    "FLOAT64": _float64,
    "BOOL": _exactly(bool),
    "BYTES": _exactly(bytes),
    "NUMERIC": _exactly(Decimal),  # Arrow refuses to round, too
    "DATE": _exactly(date),
    "DATETIME": _iso(datetime),
    "TIME": _iso(time),
    "TIMESTAMP": _timestamp,
}
