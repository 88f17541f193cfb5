"""What an author writes to say more: into ``Annotated`` about a column, above a function about what it takes."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

_Mark = TypeVar("_Mark")
_Function = TypeVar("_Function", bound=Callable[..., Any])
_PER_RECORD = "__kafka_bq_per_record__"


@dataclass(frozen=True, slots=True)
class Column:
    """How a field's column is made: ``Annotated[Decimal, Column(name="total", type="NUMERIC")]``.

    :param name: of the column; the message keeps the field's name or alias.
    :param type: BigQuery type, where another than the field's own holds each value exactly or refuses it: an ``int`` in
        NUMERIC, a union of models in STRUCT, anything in JSON.
    :param description: of the column, instead of ``Field(description=…)``.
    :param policy_tag: ``projects/…/locations/…/taxonomies/…/policyTags/…``, for column-level access control.
    """

    name: str | None = None
    type: str | None = None
    description: str | None = None
    policy_tag: str | None = None


@dataclass(frozen=True, slots=True)
class Hashed:
    """The column gets HMAC-SHA256 of the value, as 64 hexadecimal digits; NULL stays NULL.

    :param salt: name of the salt: of an Airflow connection whose password it is, or in ``salts:`` of a job file.
    """

    salt: str


@dataclass(frozen=True, slots=True)
class Drop:
    """The field is validated and has no column."""


def mark_of(kind: type[_Mark], metadata: Iterable[Any]) -> _Mark | None:
    """The last mark of this kind; None if there is none."""
    found = [one for one in metadata if isinstance(one, kind)]
    return found[-1] if found else None


def is_dropped(metadata: Iterable[Any]) -> bool:
    """Whether a field has no column; ``Drop`` may be written without brackets."""
    return any(one is Drop or isinstance(one, Drop) for one in metadata)


def per_record(function: _Function) -> _Function:
    """Mark a ``transform`` that is called with one record, and not with the Arrow table of a batch.

    It takes a dict of column and value, and returns such a mapping, or None to leave the message out::

        @per_record
        def in_cents(record: dict[str, Any]) -> dict[str, Any] | None:
            return {**record, "cents": round(record["total"] * 100)}

    A message that it raises for becomes a dead letter; the others of its batch do not suffer.
    """
    setattr(function, _PER_RECORD, True)
    return function


def is_per_record(function: Any) -> bool:
    """Whether a function, what a partial calls, or the ``__call__`` of an object is marked so."""
    if isinstance(function, functools.partial) and is_per_record(function.func):
        return True
    return bool(getattr(function, _PER_RECORD, False) or getattr(type(function).__call__, _PER_RECORD, False))
