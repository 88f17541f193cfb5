"""Rows of many messages out of their raw columns.

What a type of BigQuery takes is seen for a whole column: a number, a text, a flag, bytes, a decimal, a moment, a day,
and structs of them. Every other column is made cell by cell as in a single row. A message one of whose values is
refused, or not certain, is left out: it is looked at by itself, which is where every rejection comes from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute

from airflow_kafka_bq.batch import row_numbers
from airflow_kafka_bq.formats.parser import DoubtError, Rejected
from airflow_kafka_bq.formats.structured.around_null import spread
from airflow_kafka_bq.formats.structured.bulk_columns import (
    FIRST_DAY,
    FIRST_MICROS,
    LAST_DAY,
    LAST_MICROS,
    MOMENTS,
    NO_COLUMN,
    NUMERIC_END,
    NUMERIC_SCALE,
    of_one_kind,
)
from airflow_kafka_bq.formats.structured.raw_columns import Fields, Perhaps, Plain, RawColumn, RawColumns
from airflow_kafka_bq.formats.structured.shapes import Scalar, Slot, Struct, as_it_is, by_identity
from airflow_kafka_bq.schema.columns import Column
from airflow_kafka_bq.schema.wire import wire_type

_pc: Any = pyarrow.compute
Made = tuple[Any, Any]
"""A column, and which of its values may not be used, or None for none."""
Make = Callable[[Any], Made]
"""From the values of one place that are not null: Arrow's, or the fields of a record."""
Cell = Callable[[Any], Any]
_NO = pa.scalar(False)
_EIGHT = pa.scalar(8, pa.int64())
_LONGEST = 8  # bytes of a number that is looked at as a whole
_AS_THEY_ARE = frozenset({"STRING", "INT64", "BOOL", "BYTES"})


@dataclass(frozen=True, slots=True, eq=False)
class RawRows:
    """Makes rows of messages that were written with one schema.

    :param makes: one for each column, from the fields of all messages. :param unknown: each has a field that no column
        takes.
    """

    makes: Sequence[Make]
    schema: pa.Schema
    unknown: bool

    def of(self, raw: RawColumns) -> tuple[Any, pa.Table]:
        """Positions of the messages that are certain, and their rows.

        :raises DoubtError: that is not certain of any.
        """
        try:
            made = [make(raw.fields) for make in self.makes]
            table = pa.table([column for column, _ in made], schema=self.schema)
        except (*NO_COLUMN, pa.ArrowException) as error:
            raise DoubtError from error
        bad = raw.bad
        for _, wrong in made:
            bad = _either(bad, wrong)
        if not _pc.any(bad).as_py():
            return row_numbers(len(bad)), table
        good = _pc.invert(bad)
        return _pc.indices_nonzero(good).cast(pa.int64()), table.filter(good)


def raw_rows(
    writer: Struct, reader: Struct, columns: Sequence[Column], cells: Iterable[Cell], *, unknown: bool
) -> RawRows | None:
    """For a writer whose schema fits; None: a default of the columns' schema is refused.

    :param cells: for each column, what makes one cell of it from a raw struct.
    """
    schema = pa.schema([pa.field(column.name, wire_type(column)) for column in columns])
    theirs, ours = by_identity(writer), {one.name: one for one in reader.fields}
    makes = []
    for column, cell in zip(columns, cells, strict=True):
        field = ours[column.source or column.name]
        other = field.found_in(theirs)
        if other is None:
            makes.append(_always(cell, wire_type(column)))
        elif one := _column(other.slot, field.slot, column):
            makes.append(_field(other.name, one))
        else:
            makes.append(_cell_by_cell(other.name, cell, wire_type(column)))
    return RawRows([one for one in makes if one], schema, unknown) if all(makes) else None


def _always(cell: Cell, kind: pa.DataType) -> Make | None:
    """Of a field that the writer does not know."""
    try:
        value = pa.array([cell({})], kind)
    except NO_COLUMN:
        return None
    return lambda fields: (value.take(pa.repeat(pa.scalar(0, pa.int64()), len(fields))), None)


def _cell_by_cell(name: str, cell: Cell, kind: pa.DataType) -> Make:
    def of(fields: Fields) -> Made:
        cells, bad = [], []
        for value in fields.columns[name].python():
            try:
                cells.append(cell({name: value}))
                bad.append(False)
            except Rejected:
                cells.append(None)
                bad.append(True)
        return pa.array(cells, kind), pa.array(bad, pa.bool_())

    return of


def _field(name: str, make: Make) -> Make:
    return lambda fields: _around_null(make, fields.columns[name])


def _around_null(make: Make, values: RawColumn) -> Made:
    if not isinstance(values, Perhaps):
        return make(values)
    found, bad = _around_null(make, values.inner)
    return spread(found, values.index), None if bad is None else _pc.coalesce(bad.take(values.index), _NO)


def _column(writer: Slot, reader: Slot, column: Column) -> Make | None:
    """None: there is no way but cell by cell."""
    if column.hashed is not None or column.mode != "NULLABLE":
        return None
    return of_one_kind(writer, reader, column, _struct, _scalar)


def _struct(writer: Struct, reader: Struct, column: Column) -> Make | None:
    theirs, ours = by_identity(writer), {one.name: one for one in reader.fields}
    makes = []
    for one in column.fields:
        field = ours[one.source or one.name]
        other = field.found_in(theirs)
        make = None if other is None else _column(other.slot, field.slot, one)
        if other is None or make is None:
            return None
        makes.append(_field(other.name, make))
    fields = [pa.field(one.name, wire_type(one)) for one in column.fields]

    def of(values: Fields) -> Made:
        made = [make(values) for make in makes]
        bad = None
        for _, wrong in made:
            bad = _either(bad, wrong)
        return pa.StructArray.from_arrays([found for found, _ in made], fields=fields), bad

    return of


def _scalar(scalar: Scalar, kind: pa.DataType) -> Make | None:
    if scalar.read is as_it_is and scalar.type in _AS_THEY_ARE:
        return lambda plain: (plain.values, None)
    if scalar.read is as_it_is and scalar.type == "FLOAT64":
        return _finite
    if scalar.type == "TIMESTAMP" and (micros := MOMENTS.get(scalar.said)):
        first, last = -(-FIRST_MICROS // micros), LAST_MICROS // micros
        return lambda plain: _within(plain, first, last, lambda counts: _pc.multiply(counts, micros).cast(kind))
    if scalar.type == "NUMERIC" and scalar.scale is not None:
        places = NUMERIC_SCALE - scalar.scale
        return lambda plain: _decimals(plain.values, places, kind)
    if scalar.type == "DATE" and scalar.said == "date":
        return lambda plain: _within(plain, FIRST_DAY, LAST_DAY, lambda days: days.cast(pa.int32()).cast(kind))
    return None


def _finite(plain: Plain) -> Made:
    finite = _pc.is_finite(plain.values)
    return plain.values, None if _pc.all(finite, min_count=0).as_py() else _pc.invert(finite)


def _within(plain: Plain, first: int, last: int, write: Callable[[Any], Any]) -> Made:
    counts = plain.values
    bounds = _pc.min_max(counts).as_py()
    if bounds["min"] is None or first <= bounds["min"] <= bounds["max"] <= last:
        return write(counts), None
    bad = _pc.or_(_pc.less(counts, first), _pc.greater(counts, last))
    return write(_pc.if_else(bad, 0, counts)), bad


def _decimals(values: Any, places: int, kind: pa.DataType) -> Made:
    """Big-endian numbers in two's complement; Arrow's decimals are whole numbers, of ``places`` more."""
    length = _pc.binary_length(values)
    longest = _pc.max(length).as_py() or 0
    if longest > _LONGEST:
        return _long_decimals(values, 10**places, kind)
    number = pa.repeat(pa.scalar(0, pa.int64()), len(values))
    if longest:
        starts = pa.Array.from_buffers(pa.int32(), len(values), [None, values.buffers()[1]], offset=values.offset)
        octets = pa.Array.from_buffers(pa.uint8(), values.buffers()[2].size, [None, values.buffers()[2]])
        for at in range(longest):
            octet = octets.take(_pc.min_element_wise(_pc.add(starts, pa.scalar(at, pa.int32())), len(octets) - 1))
            if at == 0:
                number = _pc.if_else(_pc.greater(octet, pa.scalar(0x7F, pa.uint8())), pa.scalar(-1, pa.int64()), number)
            more = _pc.bit_wise_or(_pc.shift_left(number, _EIGHT), octet.cast(pa.int64()))
            number = _pc.if_else(_pc.greater(length, at), more, number if at else pa.scalar(0, pa.int64()))
    whole = number.cast(pa.decimal128(38, places))  # exact: 19 digits, and 9 places at most
    return pa.Array.from_buffers(kind, len(whole), [None, whole.buffers()[1]], offset=whole.offset), None


def _long_decimals(values: Any, step: int, kind: pa.DataType) -> Made:
    numbers = [int.from_bytes(value, "big", signed=True) * step for value in values.to_pylist()]
    bad = [abs(one) >= NUMERIC_END for one in numbers]
    whole = [0 if wrong else one for one, wrong in zip(numbers, bad, strict=True)]
    data = b"".join([one.to_bytes(16, "little", signed=True) for one in whole])
    return pa.Array.from_buffers(kind, len(whole), [None, pa.py_buffer(data)]), pa.array(bad, pa.bool_())


def _either(one: Any, other: Any) -> Any:
    if one is None or other is None:
        return other if one is None else one
    return _pc.or_(one, other)
