"""Plans and staged batches as JSON, for what hands them from one task to another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import msgspec

from airflow_kafka_bq.batch import ColumnBounds, Portion, RunPlan, Staged

Document = dict[str, Any]
_BOUNDS = ("bounds", "dead_letter_bounds")


def plan_document(plan: RunPlan) -> Document:
    """A plan as JSON."""
    found: Document = msgspec.to_builtins(plan, str_keys=True)
    return found


def plan_of(document: Mapping[str, Any]) -> RunPlan:
    """The plan again."""
    return msgspec.convert(document, RunPlan, strict=False)


def portion_document(portion: Portion) -> Document:
    """What one MERGE could apply, as JSON."""
    found: Document = msgspec.to_builtins(replace(portion, staged=_bare(portion.staged), leftovers=()), str_keys=True)
    staged, *leftovers = map(_staged_document, (portion.staged, *portion.leftovers))
    return {**found, "staged": staged, "leftovers": leftovers}


def portion_of(document: Mapping[str, Any]) -> Portion:
    """The portion again."""
    leftovers = tuple(_staged_of(one) for one in document["leftovers"])
    bare = {**document, "staged": _without_bounds(document["staged"]), "leftovers": ()}
    portion = msgspec.convert(bare, Portion, strict=False)
    return replace(portion, staged=_staged_of(document["staged"]), leftovers=leftovers)


def _bare(staged: Staged) -> Staged:
    return replace(staged, bounds=(), dead_letter_bounds=())


def _staged_document(staged: Staged) -> Document:
    found: Document = msgspec.to_builtins(_bare(staged), str_keys=True)
    return found | {name: [_bounds_document(one) for one in getattr(staged, name)] for name in _BOUNDS}


def _staged_of(document: Mapping[str, Any]) -> Staged:
    rows, letters = (tuple(_bounds_of(one) for one in document[name]) for name in _BOUNDS)
    staged = msgspec.convert(_without_bounds(document), Staged, strict=False)
    return replace(staged, bounds=rows, dead_letter_bounds=letters)


def _without_bounds(document: Mapping[str, Any]) -> Document:
    return {**document, **dict.fromkeys(_BOUNDS, ())}


def _bounds_document(bounds: ColumnBounds) -> Document:
    return {
        "column": bounds.column,
        "ranges": [[_tagged(low), _tagged(high)] for low, high in bounds.ranges],
        "values": [_tagged(one) for one in bounds.values],
        "has_null": bounds.has_null,
    }


def _bounds_of(document: Mapping[str, Any]) -> ColumnBounds:
    ranges = tuple((_untagged(low), _untagged(high)) for low, high in document["ranges"])
    return ColumnBounds(document["column"], ranges, tuple(map(_untagged, document["values"])), document["has_null"])


def _tagged(value: Any) -> Any:
    """What JSON has no word for says what it is: a day that came back as text would bound nothing."""
    if isinstance(value, datetime):
        return {"datetime": value.isoformat()}
    if isinstance(value, date):
        return {"date": value.isoformat()}
    if isinstance(value, Decimal):
        return {"decimal": str(value)}
    return value


_READ: Mapping[str, Any] = {"datetime": datetime.fromisoformat, "date": date.fromisoformat, "decimal": Decimal}


def _untagged(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    ((kind, text),) = value.items()
    return _READ[kind](text)
