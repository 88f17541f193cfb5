"""Raw values of many messages, column by column, before a schema's reader says what becomes of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Plain:
    """Values of one scalar, none null."""

    values: Any

    def __len__(self) -> int:
        """How many."""
        return len(self.values)

    def python(self) -> list[Any]:
        """As a decoder gives them."""
        found: list[Any] = self.values.to_pylist()
        return found


@dataclass(frozen=True, slots=True)
class Perhaps:
    """Values of which some are null. ``index``: of each its row in ``inner``, or null."""

    inner: RawColumn
    index: Any

    def __len__(self) -> int:
        """How many, null or not."""
        return len(self.index)

    def python(self) -> list[Any]:
        """As a decoder gives them."""
        found = self.inner.python()
        return [None if row is None else found[row] for row in self.index.to_pylist()]


@dataclass(frozen=True, slots=True)
class Fields:
    """Values of a record, none null, by the names of its fields, of which it has one at least."""

    columns: Mapping[str, RawColumn]

    def __len__(self) -> int:
        """How many."""
        return len(next(iter(self.columns.values())))

    def python(self) -> list[Any]:
        """As a decoder gives them."""
        rows = zip(*(one.python() for one in self.columns.values()), strict=True)
        return [dict(zip(self.columns, row, strict=True)) for row in rows]


@dataclass(frozen=True, slots=True)
class Parts:
    """Values that consist of several, none null."""

    columns: Sequence[Plain]

    def __len__(self) -> int:
        """How many."""
        return len(self.columns[0])

    def python(self) -> list[Any]:
        """As a decoder gives them."""
        return [*zip(*(one.python() for one in self.columns), strict=True)]


RawColumn = Plain | Perhaps | Fields | Parts


@dataclass(frozen=True, slots=True)
class RawColumns:
    """Of messages of one writer. ``bad``: of these nothing may be used."""

    fields: Fields
    bad: pa.Array[Any]


Decode = Callable[[Any, Any | None, int], RawColumns]
"""From binary values, none null, the positions of the messages among them, ascending (None: all), and the bytes in
front of each, which has so many.
"""
