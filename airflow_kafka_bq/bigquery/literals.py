"""Values as GoogleSQL literals. Every value that reaches a statement goes through here; names go through TableId."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from airflow_kafka_bq.batch import OffsetRange, Position

# PARTITION is a reserved word: without backquotes it is a syntax error.
POSITIONS = "ARRAY<STRUCT<`partition` INT64, next_offset INT64, leader_epoch INT64>>"
RANGES = "ARRAY<STRUCT<`partition` INT64, start_offset INT64, end_offset INT64>>"
_ESCAPES = {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\0": "\\x00"}


def text(value: str) -> str:
    """A STRING literal. Quotes, backslashes and control characters cannot end it."""
    return "'" + "".join(_ESCAPES.get(char) or (char if char >= " " else f"\\x{ord(char):02x}") for char in value) + "'"


def literal(value: Any) -> str:  # one branch per type
    """Any scalar that a bound or a bookkeeping column holds.

    :raises TypeError: a type that has no literal here.
    """
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return text(value)
    if isinstance(value, datetime):
        if value.tzinfo is None:
            return f"DATETIME '{value.isoformat(sep=' ', timespec='microseconds')}'"
        moment = value.astimezone(UTC).replace(tzinfo=None)
        return f"TIMESTAMP '{moment.isoformat(sep=' ', timespec='microseconds')}+00:00'"
    if isinstance(value, date):
        return f"DATE '{value.isoformat()}'"
    if isinstance(value, Decimal):
        return f"NUMERIC '{value:f}'"
    message = f"no literal for {type(value).__name__}"
    raise TypeError(message)


def positions(held: Mapping[int, Position]) -> str:
    """The ledger's ``positions`` column."""
    rows = (f"({part}, {at.next_offset}, {literal(at.leader_epoch)})" for part, at in sorted(held.items()))
    return f"{POSITIONS}[{', '.join(rows)}]"


def ranges(read: Iterable[OffsetRange]) -> str:
    """The history's ``ranges`` column."""
    rows = (f"({one.partition}, {one.start_offset}, {one.end_offset})" for one in read)
    return f"{RANGES}[{', '.join(rows)}]"


def strings(values: Iterable[str]) -> str:
    """An ARRAY<STRING> literal."""
    return f"ARRAY<STRING>[{', '.join(map(text, values))}]"
