"""Columns of many decoded messages at once, as Arrow makes them of lists.

Only where nothing has to be looked at value by value: a number, a text, a flag, bytes, a decimal, a moment, a day, and
structs and lists of them. Every other column is made cell by cell as in a single row. Whatever is not certain is a
:class:`DoubtError`, and the messages are then looked at one by one, which is where every rejection comes from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.compute

from airflow_kafka_bq.formats.parser import DoubtError, Rejected
from airflow_kafka_bq.formats.structured.around_null import spread
from airflow_kafka_bq.formats.structured.columns import wraps
from airflow_kafka_bq.formats.structured.shapes import List, Scalar, Slot, Struct, as_it_is, by_identity
from airflow_kafka_bq.schema.columns import Column
from airflow_kafka_bq.schema.wire import wire_type

_pc: Any = pyarrow.compute
Made = TypeVar("Made")
Gather = Callable[[list[Any]], Any]
"""From the values of one place in all messages to a column."""

_AS_THEY_ARE = frozenset({"STRING", "INT64", "BOOL", "BYTES", "FLOAT64"})
MOMENTS: Mapping[str, int] = {"timestamp-millis": 1_000, "timestamp-micros": 1}  # microseconds of one of them
FIRST_MICROS, LAST_MICROS = -62_135_596_800_000_000, 253_402_300_799_999_999  # of the years 1 and 9999
NUMERIC_SCALE, NUMERIC_END = 9, 10**38
FIRST_DAY, LAST_DAY = -719_162, 2_932_896
NO_COLUMN = (
    ValueError,
    TypeError,
    OverflowError,
    KeyError,
    AttributeError,
    Rejected,
)  # Arrow's errors are ValueErrors


@dataclass(frozen=True, slots=True, eq=False)
class BulkColumns:
    """Makes columns of raw structs that were written with one schema.

    :param gathers: one for each column, from all structs. :param unknown: each has a field that no column takes.
    """

    gathers: Sequence[Gather]
    schema: pa.Schema
    unknown: bool

    def table(self, raws: list[Any]) -> pa.Table:
        """Rows of the messages. :raises DoubtError: one of them has to be looked at."""
        try:
            return pa.table([gather(raws) for gather in self.gathers], schema=self.schema)
        except NO_COLUMN as error:
            raise DoubtError from error


def bulk_columns(
    writer: Struct, reader: Struct, columns: Sequence[Column], cells: Iterable[Callable[[Any], Any]], *, unknown: bool
) -> BulkColumns:
    """For a writer whose schema fits.

    :param cells: for each column, what makes one cell of it from a raw struct.
    """
    schema = pa.schema([pa.field(column.name, wire_type(column)) for column in columns])
    found = _fields(writer, reader, columns)
    gathers = [
        one or _cell_by_cell(cell, wire_type(column)) for one, cell, column in zip(found, cells, columns, strict=True)
    ]
    return BulkColumns(gathers, schema, unknown)


def _cell_by_cell(cell: Callable[[Any], Any], kind: pa.DataType) -> Gather:
    return lambda raws: pa.array([cell(raw) for raw in raws], kind)


def _fields(writer: Struct, reader: Struct, columns: Sequence[Column]) -> list[Gather | None]:
    theirs, ours = by_identity(writer), {one.name: one for one in reader.fields}
    found: list[Gather | None] = []
    for column in columns:
        field = ours[column.source or column.name]
        other = field.found_in(theirs)
        gather = None if other is None else _slot(other.slot, field.slot, column)
        found.append(None if other is None or gather is None else _of_field(other.name, gather))
    return found


def _of_field(name: str, gather: Gather) -> Gather:
    item = itemgetter(name)
    return lambda raws: gather([*map(item, raws)])


def _slot(writer: Slot, reader: Slot, column: Column) -> Gather | None:
    """None: there is no way but cell by cell."""
    if column.hashed is not None:
        return None
    if column.mode == "REPEATED":
        return _list(writer, reader, column)
    gather = _one(writer, reader, column)
    return _required(gather) if gather and column.mode == "REQUIRED" else gather


def _one(writer: Slot, reader: Slot, column: Column) -> Gather | None:
    return of_one_kind(writer, reader, column, _struct, _scalar)


def of_one_kind(
    writer: Slot,
    reader: Slot,
    column: Column,
    struct: Callable[[Struct, Struct, Column], Made | None],
    scalar: Callable[[Scalar, pa.DataType], Made | None],
) -> Made | None:
    """What is made where writer, reader and column have the same kind of value; None: one of them has another."""
    mine, theirs = reader.shape, writer.shape
    if isinstance(mine, Struct) and isinstance(theirs, Struct) and column.type == "STRUCT":
        return struct(theirs, mine, column)
    if isinstance(mine, Scalar) and isinstance(theirs, Scalar) and mine.type == theirs.type == column.type:
        return scalar(theirs, wire_type(column))
    return None


def _scalar(scalar: Scalar, kind: pa.DataType) -> Gather | None:
    if scalar.type in _AS_THEY_ARE and scalar.read is as_it_is:
        return _finite if scalar.type == "FLOAT64" else lambda values: pa.array(values, kind)
    if scalar.type == "TIMESTAMP" and (micros := MOMENTS.get(scalar.said)):
        return lambda values: _moments(values, micros, kind)
    if scalar.type == "NUMERIC" and scalar.scale is not None:
        step = 10 ** (NUMERIC_SCALE - scalar.scale)
        return _around_null(lambda values: _decimals(values, step, kind))
    if scalar.type == "DATE" and scalar.said == "date":
        return lambda values: _within(pa.array(values, pa.int32()), FIRST_DAY, LAST_DAY).cast(kind)
    return None


def _finite(values: list[Any]) -> Any:
    found = pa.array(values, pa.float64())
    if _pc.all(_pc.is_finite(found)).as_py() is False:
        raise DoubtError
    return found


def _moments(values: list[Any], micros: int, kind: pa.DataType) -> Any:
    counts = _within(pa.array(values, pa.int64()), -(-FIRST_MICROS // micros), LAST_MICROS // micros)
    return _pc.multiply(counts, micros).cast(kind)


def _decimals(values: list[bytes], step: int, kind: pa.DataType) -> Any:
    """Arrow's decimals are whole numbers of 16 bytes: nothing is rounded, and no object made of each."""
    numbers = [int.from_bytes(value, "big", signed=True) * step for value in values]
    if numbers and not -NUMERIC_END < min(numbers) <= max(numbers) < NUMERIC_END:
        raise DoubtError
    data = b"".join([number.to_bytes(16, "little", signed=True) for number in numbers])
    return pa.Array.from_buffers(kind, len(numbers), [None, pa.py_buffer(data)])


def _within(counts: Any, first: int, last: int) -> Any:
    bounds = _pc.min_max(counts).as_py()
    if bounds["min"] is not None and not first <= bounds["min"] <= bounds["max"] <= last:
        raise DoubtError
    return counts


def _required(gather: Gather) -> Gather:
    def of(values: list[Any]) -> Any:
        found = gather(values)
        if found.null_count:
            raise DoubtError
        return found

    return of


def _struct(writer: Struct, reader: Struct, column: Column) -> Gather | None:
    gathers = _fields(writer, reader, column.fields)
    fields = [pa.field(one.name, wire_type(one)) for one in column.fields]
    children = [one for one in gathers if one is not None]
    if len(children) < len(gathers):
        return None

    return _around_null(lambda values: pa.StructArray.from_arrays([one(values) for one in children], fields=fields))


def _around_null(gather: Gather) -> Gather:
    """For values some of which may be None."""

    def of(values: list[Any]) -> Any:
        if None not in values:
            return gather(values)
        found = gather([value for value in values if value is not None])
        rows = iter(range(len(found)))
        return spread(found, pa.array([None if value is None else next(rows) for value in values], pa.int64()))

    return of


def _list(writer: Slot, reader: Slot, column: Column) -> Gather | None:
    """An ARRAY is never NULL."""
    mine, theirs = reader.shape, writer.shape
    if not (isinstance(mine, List) and isinstance(theirs, List)) or wraps(mine.element) or theirs.element.nullable:
        return None
    element = _one(theirs.element, mine.element, Column(column.name, column.type, "REQUIRED", column.fields))
    if element is None:
        return None
    gather, kind = _required(element), wire_type(column)

    def of(values: list[Any]) -> Any:
        lists = [value or () for value in values]
        offsets = [0]
        for one in lists:
            offsets.append(offsets[-1] + len(one))
        return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), gather([*chain.from_iterable(lists)]), type=kind)

    return of
