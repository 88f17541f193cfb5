"""Debezium's change events with a schema: the row is a field of the decoded event."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow as pa

from airflow_kafka_bq.config.envelopes import EnvelopeField
from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.formats.envelopes.debezium import Change, change_of, no_envelope, no_row
from airflow_kafka_bq.formats.envelopes.fields import beside_schema, beside_table, value_of
from airflow_kafka_bq.formats.opened import Opened
from airflow_kafka_bq.formats.parser import Bad, Parsed, Rejected, Row, table_of
from airflow_kafka_bq.formats.rejections import unknown_field
from airflow_kafka_bq.formats.structured.conversion import plain
from airflow_kafka_bq.formats.structured.evolution import IncompatibleError
from airflow_kafka_bq.formats.structured.json_values import extra_fields
from airflow_kafka_bq.formats.structured.parsing import Filling, MakeRow, refusing
from airflow_kafka_bq.formats.structured.shapes import Schema, Shape, Slot, Struct
from airflow_kafka_bq.formats.structured.writers import Writer, Writers
from airflow_kafka_bq.schema.columns import Column
from airflow_kafka_bq.schema.wire import wire_type

_AFTER = "after"
Read = Callable[[Any], Any]


def row_schema(schema: Schema) -> Schema:
    """The schema of the rows that events of this one carry; bytes are decoded as the event all the same.

    :raises ConfigError: its values are no change events.
    """
    found = _member(schema.slot.shape, _AFTER)
    if found is None or not isinstance(found.shape, Struct):
        message = "envelope='debezium', and the schema has no field 'after' with the columns of a row"
        raise ConfigError(message, remedy="name the schema of the events, or leave envelope out")
    slot = Slot(found.shape)
    return replace(schema, slot=slot, has_unknown=extra_fields(slot) if schema.is_json else None, together=None)


@dataclass(slots=True)
class _Piece:
    """What was found in the messages of a piece, in their order."""

    rows: list[list[Any]] = field(default_factory=list)
    good: list[int] = field(default_factory=list)
    gone: list[int] = field(default_factory=list)
    bad: list[Bad] = field(default_factory=list)
    beside: list[dict[str, Any]] = field(default_factory=list)
    unknown_fields: int = 0
    skipped: int = 0

    def add(self, change: Change, row: Row | None) -> None:
        """A message that is not bad; its envelope's fields are there already."""
        at = len(self.beside) - 1
        if row is not None:
            self.rows.append(row[0])
            self.good.append(at)
            self.unknown_fields += row[1]
        elif change is Change.GONE:
            self.gone.append(at)
        else:
            self.skipped += 1


@dataclass(frozen=True, slots=True)
class _Reading:
    """How events of one writer are read."""

    make: MakeRow
    own: Sequence[tuple[EnvelopeField, Read]]


class StructuredChanges:
    """Opens events, each with the schema of its writer, and fills columns with the rows inside."""

    def __init__(
        self, writers: Writers, columns: Sequence[Column], filling: Filling, fields: Sequence[EnvelopeField],
        *, refuse_unknown: bool = False,
    ) -> None:  # fmt: skip
        self._writers = writers
        self._filling = filling
        self._fields = tuple(fields)
        self._refuse_unknown = refuse_unknown
        self._schema = pa.schema([pa.field(column.name, wire_type(column)) for column in columns])
        self._made: dict[Writer, _Reading] = {}

    @property
    def schema(self) -> pa.Schema:
        """Of the rows."""
        return self._schema

    @property
    def beside(self) -> pa.Schema:
        """Of the chosen fields."""
        return beside_schema(self._fields)

    def open(self, messages: pa.RecordBatch) -> Opened:
        """Rows of creations, updates and snapshots; deletions and tombstones are gone, logical messages skipped."""
        piece = _Piece()
        for at, value in enumerate(messages.column("value").to_pylist()):
            piece.beside.append({})
            try:
                piece.add(*((Change.GONE, None) if value is None else self._opened(value, piece.beside[-1])))
            except Rejected as why:
                piece.bad.append(Bad.of(at, why))
        good, gone = pa.array(piece.good, pa.int64()), pa.array(piece.gone, pa.int64())
        parsed = Parsed(table_of(piece.rows, self._schema), good, tuple(piece.bad), piece.unknown_fields)
        return Opened(parsed, gone, piece.skipped, beside_table(self._fields, piece.beside))

    def _opened(self, value: bytes, own: dict[str, Any]) -> tuple[Change, Row | None]:
        """What the event says, and its row; ``own`` gets the envelope's fields."""
        writer, data = self._writers.of(value)
        try:
            reading = self._made.get(writer) or self._make(writer)
            event = writer.schema.decode(data)
            if not isinstance(event, dict):
                raise no_envelope("no object")
            change = change_of(event.get("op"))
            own |= {one.path: value_of(one, read(event)) for one, read in reading.own}
            return change, self._row(writer.schema, event, reading.make) if change is Change.ROW else None
        except Rejected as why:
            why.schema_id = writer.schema_id
            raise

    def _row(self, schema: Schema, event: dict[str, Any], make: MakeRow) -> Row:
        row = event.get(_AFTER)
        if row is None:
            raise no_row()
        values, has_unknown = make(row)
        if not schema.is_json and schema.has_unknown is not None and schema.has_unknown(event):
            has_unknown = True
            if self._refuse_unknown:
                raise unknown_field()
        return values, has_unknown

    def _make(self, writer: Writer) -> _Reading:
        try:
            make = self._filling.of(writer.schema if writer.schema.is_json else row_schema(writer.schema))
        except IncompatibleError as error:
            make = refusing(str(error))
        except ConfigError as error:
            make = refusing(error.message)
        own = [(one, _reader(writer.schema.slot, one.path.split("."))) for one in self._fields]
        found = self._made[writer] = _Reading(make, own)
        return found


def _member(shape: Shape, name: str) -> Slot | None:
    fields = shape.fields if isinstance(shape, Struct) else ()
    return next((one.slot for one in fields if one.name == name), None)


def _reader(slot: Slot, steps: Sequence[str]) -> Read:
    """From a raw object to one of its members, however deep; None where the schema or the value has none."""
    if not steps:
        return plain(slot, for_json=True)
    name, *rest = steps
    inner = _member(slot.shape, name)
    if inner is None:
        return lambda _: None
    read = _reader(inner, rest)

    def member(raw: Any) -> Any:
        found = raw.get(name) if isinstance(raw, dict) else None
        return None if found is None else read(found)

    return member
