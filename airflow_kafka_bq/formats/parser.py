"""What every format does: bytes in, rows in wire types and bad messages out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

import pyarrow as pa

MAX_ERROR_CHARACTERS = 1_024


class Rejected(Exception):
    """A message that cannot become a row.

    :param stage: ``decode``, ``registry``, ``validate`` or ``key``.
    :param reason: short and stable, to group by.
    :param error: for people; the field and the rule, never what the message says.
    :param schema_id: of the registered schema that the message names.
    """

    def __init__(self, stage: str, reason: str, error: str, schema_id: int | None = None) -> None:
        super().__init__(error)
        self.schema_id = schema_id
        self.stage = stage
        self.reason = reason
        self.error = error


class DoubtError(Exception):
    """A value among many that has to be looked at by itself."""


@dataclass(frozen=True, slots=True)
class Bad:
    """A rejected message. ``index`` counts the values that were given to the parser."""

    index: int
    stage: str
    reason: str
    error: str
    schema_id: int | None = None

    @classmethod
    def of(cls, index: int, why: Rejected) -> Bad:
        """From the rejection, with the text cut to size."""
        return cls(index, why.stage, why.reason, why.error[:MAX_ERROR_CHARACTERS], why.schema_id)

    def at(self, index: int) -> Bad:
        """The same, counted among other values."""
        return replace(self, index=index)


@dataclass(frozen=True, slots=True)
class Parsed:
    """Rows of the good messages in their order, and why the others are bad.

    ``good`` has the index of each row's message; ``bad`` is in the order of messages; ``unknown_fields`` counts the
    good messages that had a field which no column takes.
    """

    rows: pa.Table
    good: pa.Array[Any]  # int64
    bad: tuple[Bad, ...] = ()
    unknown_fields: int = 0


def bytes_of(values: pa.Array[Any]) -> list[bytes]:
    """Non-null values as Python has them."""
    found: list[Any] = values.to_pylist()
    return found


Row = tuple[list[Any], bool]
"""Values of the columns, and whether the message had a field that no column takes."""


def row_by_row(values: pa.Array[Any], schema: pa.Schema, row: Callable[[bytes], Row]) -> Parsed:
    """Each value by itself.

    :param schema: of the rows. :param row: makes one, or raises :class:`Rejected`.
    """
    rows: list[list[Any]] = []
    good: list[int] = []
    bad: list[Bad] = []
    unknown = 0
    for index, value in enumerate(bytes_of(values)):
        try:
            found, has_unknown = row(value)
        except Rejected as why:
            bad.append(Bad.of(index, why))
        else:
            rows.append(found)
            good.append(index)
            unknown += has_unknown
    return Parsed(table_of(rows, schema), pa.array(good, pa.int64()), tuple(bad), unknown)


def table_of(rows: list[list[Any]], schema: pa.Schema) -> pa.Table:
    """Rows as a table."""
    columns = zip(*rows, strict=True) if rows else [()] * len(schema)
    return pa.table(
        [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)], schema=schema
    )


class ValueParser(Protocol):
    """Parses the values of one format; made once per run, keeps no state between calls."""

    @property
    def schema(self) -> pa.Schema:
        """Of the rows."""

    def parse(self, values: pa.Array[Any]) -> Parsed:
        """Parse non-null values of one chunk."""
