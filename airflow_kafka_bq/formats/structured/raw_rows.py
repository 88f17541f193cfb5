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
from airflow_kafka_bq.formats.structured.bulk_columns import NO_COLUMN, of_one_kind
from airflow_kafka_bq.formats.structured.columns import wraps
from airflow_kafka_bq.formats.structured.raw_columns import Fields, Pairs, Perhaps, RawColumn, RawColumns, Several
from airflow_kafka_bq.formats.structured.raw_scalars import Made, Make, scalar_column
from airflow_kafka_bq.formats.structured.shapes import Field, List, Map, Shape, Slot, Struct, by_identity
from airflow_kafka_bq.schema.columns import Column
from airflow_kafka_bq.schema.wire import wire_type

_pc: Any = pyarrow.compute
Cell = Callable[[Any], Any]
_NO = pa.scalar(False)


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
    if column.hashed is not None:
        return None
    if column.mode == "REPEATED":
        return _list(writer, reader, column)
    return None if column.mode != "NULLABLE" else _one(writer, reader, column)


def _one(writer: Slot, reader: Slot, column: Column) -> Make | None:
    return of_one_kind(writer, reader, column, _struct, scalar_column)


def _list(writer: Slot, reader: Slot, column: Column) -> Make | None:
    make = _element(writer.shape, reader.shape, column)
    if make is None:
        return None
    kind = wire_type(column)

    def of(values: Several | Pairs) -> Made:
        several = values.entries if isinstance(values, Pairs) else values
        found, bad = make(several.inner)
        lists = pa.ListArray.from_arrays(several.offsets.cast(pa.int32()), found, type=kind)
        return lists, None if bad is None else several.with_one_of(bad)

    return of


def _element(writer: Shape, reader: Shape, column: Column) -> Make | None:
    if isinstance(reader, Map) and isinstance(writer, Map):
        return _struct(_pair(writer), _pair(reader), column)
    if not (isinstance(reader, List) and isinstance(writer, List)) or wraps(reader.element) or writer.element.nullable:
        return None
    return _one(writer.element, reader.element, Column(column.name, column.type, "NULLABLE", column.fields))


def _pair(shape: Map) -> Struct:
    return Struct("pair", fields=(Field("key", Slot(shape.key)), Field("value", shape.value)))


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


def _either(one: Any, other: Any) -> Any:
    if one is None or other is None:
        return other if one is None else one
    return _pc.or_(one, other)
