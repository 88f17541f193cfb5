"""Debezium's change events, whatever language they are written in.

https://debezium.io/documentation/reference/stable/connectors/postgresql.html#postgresql-events
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from airflow_kafka_bq.config.envelopes import EnvelopeField
from airflow_kafka_bq.formats.envelopes.fields import value_of
from airflow_kafka_bq.formats.parser import Rejected


class Change(Enum):
    """What an event says of its row."""

    ROW = "after"
    GONE = "d"
    NOTHING = "m"


_ROWS = frozenset({"c", "u", "r"})  # create, update, read by a snapshot
_TRUNCATE = "the source table was emptied, and no row says which ones are gone"


def change_of(operation: Any) -> Change:
    """What follows from ``op``.

    :raises Rejected: it is none that is known, or the source table was truncated: that is for a person to see.
    """
    if operation in _ROWS:
        return Change.ROW
    if operation in {"d", "m"}:
        return Change(operation)
    if operation == "t":
        raise Rejected("decode", "truncate", _TRUNCATE)
    if operation is None:
        raise no_envelope("has no op")
    raise Rejected("decode", "unknown_op", "op is none of c, u, r, d, t, m")


def no_envelope(why: str) -> Rejected:
    """A message that is no change event."""
    return Rejected("decode", "no_envelope", f"no change event of Debezium: {why}")


def no_row() -> Rejected:
    """An event that must have a row, and has none."""
    return Rejected("decode", "no_after", "op says that there is a row, and after is null or missing")


@dataclass(frozen=True, slots=True)
class FieldReader:
    """Reads the chosen fields of an event; ``get`` finds a member of an object of the event."""

    fields: Sequence[EnvelopeField]
    steps: Mapping[str, tuple[str, ...]] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "steps", {one.path: tuple(one.path.split(".")) for one in self.fields})

    def read(self, event: Any, get: Callable[[Any, str], Any]) -> dict[str, Any]:
        """Values by path; None for what is not there. :raises Rejected: a value is of another type."""
        return {one.path: value_of(one, _found(event, self.steps[one.path], get)) for one in self.fields}


def _found(event: Any, steps: Sequence[str], get: Callable[[Any, str], Any]) -> Any:
    for step in steps:
        event = get(event, step)
        if event is None:
            return None
    return event
