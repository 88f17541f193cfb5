"""Values of JSON under a schema: numbers, texts and times, exact or refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from airflow_kafka_bq.formats.parser import Rejected
from airflow_kafka_bq.formats.structured.shapes import List, Map, Scalar, Slot, Struct

_EXACT_IN_DOUBLE = 2**53
# https://www.rfc-editor.org/rfc/rfc3339#section-5.6 ; datetime.fromisoformat takes more, and cuts fractions off.
_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)?")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
Check = Callable[[Any], bool]


def wrong_type(said: str) -> Rejected:
    """A value of another type than the columns' schema says."""
    return Rejected("validate", "wrong_type", f"a value is no {said}")


def _integer(raw: Any) -> int:
    if isinstance(raw, float) and raw.is_integer() and abs(raw) <= _EXACT_IN_DOUBLE:
        return int(raw)
    if isinstance(raw, bool) or not isinstance(raw, int):
        raise wrong_type("integer")
    return raw


def _number(raw: Any) -> float:
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        raise wrong_type("number")
    if isinstance(raw, int) and abs(raw) > _EXACT_IN_DOUBLE and int(float(raw)) != raw:
        raise Rejected("validate", "inexact", "a FLOAT64 would round the number")
    return float(raw)


def _boolean(raw: Any) -> bool:
    if not isinstance(raw, bool):
        raise wrong_type("boolean")
    return raw


def _text(raw: Any) -> str:
    if not isinstance(raw, str):
        raise wrong_type("string")
    return raw


def moment(raw: Any) -> datetime:
    """Of a date-time, UTC where it names no zone. :raises Rejected: it is none, or finer than microseconds."""
    match = _DATE_TIME.fullmatch(_text(raw))
    if match is None:
        raise wrong_type("date-time")
    if match[1] and len(match[1].rstrip("0")) > 7:
        raise Rejected("validate", "inexact", "date-time: has a fraction that TIMESTAMP would round")
    try:
        found = datetime.fromisoformat(raw.upper())
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Rejected("validate", "out_of_range", "date-time: no time of the years 1 to 9999") from error


def _day(raw: Any) -> date:
    if not _DATE.fullmatch(_text(raw)):
        raise wrong_type("date")
    try:
        return date.fromisoformat(raw)
    except ValueError as error:
        raise Rejected("validate", "out_of_range", "date: no day of the years 1 to 9999") from error


TEXT = Scalar("STRING", "string", _text)
_SCALARS: Mapping[tuple[Any, Any], Scalar] = {
    ("integer", None): Scalar("INT64", "integer", _integer),
    ("number", None): Scalar("FLOAT64", "number", _number),
    ("boolean", None): Scalar("BOOL", "boolean", _boolean),
    ("string", None): TEXT,
    ("string", "date-time"): Scalar("TIMESTAMP", "date-time", moment),
    ("string", "date"): Scalar("DATE", "date", _day),
}


def scalar(kind: Any, form: Any) -> Scalar | None:
    """Of a type and a format; an unknown format says nothing."""
    if not isinstance(kind, str):
        return None
    return _SCALARS.get((kind, form if isinstance(form, str) else None)) or _SCALARS.get((kind, None))


def kind_of_values(schema: Mapping[str, Any]) -> str | None:
    """The type that all values of an ``enum``, or the one of a ``const``, have."""
    values = schema.get("enum", [schema["const"]] if "const" in schema else [])
    kinds = {type(one) for one in values}
    names = {str: "string", bool: "boolean", int: "integer", float: "number"}
    return names.get(kinds.pop()) if len(kinds) == 1 else None


def extra_fields(slot: Slot) -> Check | None:
    """A function that tells whether a value has fields that the schema does not name; None: it cannot have."""
    return _extra(slot, {})


def _extra(slot: Slot, seen: dict[Struct, list[Check]]) -> Check | None:
    shape = slot.shape
    if isinstance(shape, List | Map):
        inner = _extra(shape.element if isinstance(shape, List) else shape.value, seen)
        return None if inner is None else lambda raw: any(map(inner, _inside(raw)))
    if not isinstance(shape, Struct):
        return None
    if shape in seen:
        found = seen[shape]
        return lambda raw: found[0](raw)
    holder = seen[shape] = []
    known = {one.name: _extra(one.slot, seen) for one in shape.fields}

    def has_extra(raw: Any) -> bool:
        if not isinstance(raw, dict):
            return False
        return any(
            name not in known or ((check := known[name]) is not None and check(value)) for name, value in raw.items()
        )

    holder.append(has_extra)
    return has_extra


def _inside(raw: Any) -> Iterable[Any]:
    if isinstance(raw, dict):
        return raw.values()
    return raw if isinstance(raw, list) else ()
