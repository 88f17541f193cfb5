"""Messages whose schema their writers registered: decoded, and made rows.

Columns of a schema are made of many messages at once where that is certain to give the same rows: out of the bytes, if
the format can be decoded so, else out of what was decoded. Whatever is in doubt is looked at by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

import pyarrow as pa
import pyarrow.compute

from airflow_kafka_bq.formats.bulk_search import joined
from airflow_kafka_bq.formats.parser import DoubtError, Parsed, Rejected, Row, bytes_of, row_by_row
from airflow_kafka_bq.formats.structured.bulk_columns import BulkColumns
from airflow_kafka_bq.formats.structured.evolution import IncompatibleError
from airflow_kafka_bq.formats.structured.raw_rows import RawRows
from airflow_kafka_bq.formats.structured.shapes import Schema
from airflow_kafka_bq.formats.structured.writers import Writer, Writers
from airflow_kafka_bq.schema.columns import Column
from airflow_kafka_bq.schema.wire import wire_type

_pc: Any = pyarrow.compute
Made = TypeVar("Made")
MakeRow = Callable[[Any], Row]
Decoded = tuple[list[int], list[Any]]
"""Positions of messages, and their raw values."""
_FEWEST = 256  # messages whose bytes are worth being read together
_WINDOW = 512  # a message that is in doubt has so many looked at one by one


class Piece(NamedTuple):
    """Messages whose rows were made together."""

    positions: pa.Array[Any]
    rows: pa.Table
    unknown_fields: int


class Filling(Protocol):
    """Makes, for one writer's schema, the function from a raw value to a row, and whether it had unknown fields."""

    def of(self, schema: Schema) -> MakeRow:
        """The function. :raises IncompatibleError: no value of the writer can be a row."""

    @property
    def bulk(self) -> Callable[[Schema], BulkColumns | None] | None:
        """Gives what makes rows of many raw values at once, or None for a schema of which nothing does; it raises as
        ``of``. None: each value is looked at, whatever its schema.
        """

    @property
    def raw(self) -> Callable[[Schema], RawRows | None] | None:
        """The same out of raw columns."""


class StructuredRows:
    """Parses messages of one side with the schemas of their writers."""

    def __init__(self, writers: Writers, columns: Sequence[Column], filling: Filling) -> None:
        self._writers = writers
        self._filling = filling
        self._schema = pa.schema([pa.field(column.name, wire_type(column)) for column in columns])
        self._made: dict[Writer, MakeRow] = {}
        self._bulks: dict[Writer, BulkColumns | None] = {}
        self._raws: dict[Writer, RawRows | None] = {}

    @property
    def schema(self) -> pa.Schema:
        """Of the rows."""
        return self._schema

    def parse(self, values: pa.Array[Any]) -> Parsed:
        """Decode each value, and write it as the staging file has it."""
        if self._filling.raw is None:
            return self._decoded_first(values)
        return _joined(values, self._in_columns(values), self._decoded_first)

    def _decoded_first(self, values: pa.Array[Any]) -> Parsed:
        if self._filling.bulk is None:
            return self._one_by_one(values)
        pieces = [piece for bulk, found in self._decoded(values).items() for piece in _together(bulk, found)]
        return _joined(values, pieces, self._one_by_one)

    def _one_by_one(self, values: pa.Array[Any]) -> Parsed:
        return row_by_row(values, self._schema, self._row)

    def _decoded(self, values: pa.Array[Any]) -> dict[BulkColumns, Decoded]:
        """Raw values that may be read together. The others, and what cannot be decoded, are left to ``_row``."""
        found: dict[BulkColumns, Decoded] = {}
        for position, value in enumerate(bytes_of(values)):
            try:
                writer, data = self._writers.of(value)
                bulk = _once(self._bulks, self._filling.bulk, writer)
                raw = None if bulk is None else writer.schema.decode(data)
            except Rejected:
                continue
            if bulk is not None and type(raw) is dict:  # a subclass carries fields that the schema does not know
                positions, raws = found.setdefault(bulk, ([], []))
                positions.append(position)
                raws.append(raw)
        return found

    def _in_columns(self, values: pa.Array[Any]) -> list[Piece]:
        """What is certain out of the bytes of many."""
        pieces = []
        for writer, positions, skip in self._writers.alike(values, _FEWEST):
            decode, made = writer.schema.together, _once(self._raws, self._filling.raw, writer)
            if decode is None or made is None:
                continue
            try:
                good, rows = made.of(decode(values, positions, skip))
            except DoubtError:
                continue
            good = good if positions is None else positions.take(good)
            pieces.append(Piece(good.cast(pa.int64()), rows, rows.num_rows if made.unknown else 0))
        return pieces

    def _row(self, value: bytes) -> Row:
        writer, data = self._writers.of(value)
        try:
            made = self._made.get(writer) or self._make(writer)
            return made(writer.schema.decode(data))
        except Rejected as why:
            why.schema_id = writer.schema_id
            raise

    def _make(self, writer: Writer) -> MakeRow:
        try:
            found = self._filling.of(writer.schema)
        except IncompatibleError as error:
            found = refusing(str(error))
        self._made[writer] = found
        return found


def _once(kept: dict[Writer, Made | None], make: Callable[[Schema], Made | None] | None, writer: Writer) -> Made | None:
    """What makes rows of many messages of a writer, made when it is first met; None: nothing does."""
    if writer not in kept:
        try:
            kept[writer] = make(writer.schema) if make else None
        except IncompatibleError:
            kept[writer] = None
    return kept[writer]


def _joined(values: pa.Array[Any], pieces: list[Piece], parse: Callable[[Any], Parsed]) -> Parsed:
    """The pieces, and what ``parse`` makes of the rest."""
    if not pieces:
        return parse(values)
    good, rows = pa.concat_arrays([piece.positions for piece in pieces]), pa.concat_tables([one.rows for one in pieces])
    if len(pieces) > 1:
        order = _pc.sort_indices(good)
        good, rows = good.take(order), rows.take(order)
    return joined(values, good, rows, parse, sum(piece.unknown_fields for piece in pieces))


def _together(bulk: BulkColumns, found: Decoded) -> list[Piece]:
    """Those that are certain."""
    positions, raws = found
    try:
        return [Piece(pa.array(positions, pa.int64()), bulk.table(raws), len(raws) if bulk.unknown else 0)]
    except DoubtError:
        if len(raws) <= _WINDOW:
            return []
    parts = [slice(first, first + _WINDOW) for first in range(0, len(raws), _WINDOW)]
    return [piece for part in parts for piece in _together(bulk, (positions[part], raws[part]))]


def refusing(error: str) -> MakeRow:
    """In the place of a function that cannot be made."""

    def refuse(_: Any) -> Row:
        raise Rejected("registry", "incompatible_schema", error)

    return refuse
