"""Raw values of many messages, column by column, before a schema's reader says what becomes of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pyarrow.compute

from airflow_kafka_bq.batch import row_numbers
from airflow_kafka_bq.formats.positions import among

_pc: Any = pyarrow.compute


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


@dataclass(frozen=True, slots=True)
class Several:
    """Lists, none null, of values none of which is null. ``offsets``: where each begins in them, and the last ends."""

    inner: RawColumn
    offsets: Any

    def __len__(self) -> int:
        """How many lists."""
        return len(self.offsets) - 1

    def python(self) -> list[Any]:
        """As a decoder gives them."""
        found, edges = self.inner.python(), self.offsets.to_pylist()
        return [found[first:end] for first, end in pairwise(edges)]

    def with_one_of(self, wanted: Any) -> Any:
        """Which lists have one of these values."""
        owners = owners_of(self.offsets).filter(wanted)
        return among(len(self), _pc.unique(owners))


def owners_of(offsets: Any) -> Any:
    """Of each value in lists, whose it is."""
    values = row_numbers(offsets[-1].as_py())
    return _pc.list_parent_indices(pa.LargeListArray.from_arrays(offsets, values))


@dataclass(frozen=True, slots=True)
class Pairs:
    """Mappings, none null: lists of records of a ``key`` and its ``value``, in the order of the keys."""

    entries: Several

    def __len__(self) -> int:
        """How many mappings."""
        return len(self.entries)

    def python(self) -> list[Any]:
        """As a decoder gives them."""
        return [{one["key"]: one["value"] for one in entries} for entries in self.entries.python()]


@dataclass(frozen=True, slots=True)
class Objects:
    """Values of what has no column, none null, each decoded by itself."""

    values: list[Any]

    def __len__(self) -> int:
        """How many."""
        return len(self.values)

    def python(self) -> list[Any]:
        """As a decoder gives them."""
        return self.values


RawColumn = Plain | Perhaps | Fields | Parts | Several | Pairs | Objects


@dataclass(frozen=True, slots=True)
class RawColumns:
    """Of messages of one writer. ``bad``: of these nothing may be used."""

    fields: Fields
    bad: pa.Array[Any]


Decode = Callable[[Any, Any | None, int], RawColumns]
"""From binary values, none null, the positions of the messages among them, ascending (None: all), and the bytes in
front of each, which has so many.
"""
