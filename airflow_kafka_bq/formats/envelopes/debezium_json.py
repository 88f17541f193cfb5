"""Debezium's change events in JSON, with and without the schema that Connect's converter puts around them.

The row's text is cut out of the event as it is: a number that a double would round stays what it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pyarrow as pa

from airflow_kafka_bq.config.envelopes import EnvelopeField
from airflow_kafka_bq.formats.envelopes.debezium import Change, FieldReader, change_of, no_envelope, no_row
from airflow_kafka_bq.formats.envelopes.fields import beside_schema, beside_table
from airflow_kafka_bq.formats.envelopes.unwrapped import Unwrapped, malformed, text_inside, unwrapped
from airflow_kafka_bq.formats.opened import Opened
from airflow_kafka_bq.formats.parser import Rejected, ValueParser
from airflow_kafka_bq.formats.structured.writers import Writers

_NOTHING = msgspec.Raw(b"")
_NULL = b"null"


@dataclass(frozen=True, slots=True)
class DebeziumJson:
    """Opens events and leaves their rows to ``parser``.

    :param writers: strips the id of a registered schema off, and judges the event by that schema.
    """

    parser: ValueParser
    fields: Sequence[EnvelopeField]
    writers: Writers | None = None
    _reader: FieldReader = field(init=False)
    _decoder: Any = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_reader", FieldReader(self.fields))
        object.__setattr__(self, "_decoder", msgspec.json.Decoder(_event_type(self.fields)))

    @property
    def schema(self) -> pa.Schema:
        """Of the rows."""
        return self.parser.schema

    @property
    def beside(self) -> pa.Schema:
        """Of the chosen fields."""
        return beside_schema(self.fields)

    def open(self, messages: pa.RecordBatch) -> Opened:
        """Rows of creations, updates and snapshots; deletions and tombstones are gone, logical messages skipped."""
        found = [unwrapped(self._unwrapped, value) for value in messages.column("value").to_pylist()]
        return Unwrapped.opened(found, self.parser, lambda rows: beside_table(self.fields, rows))

    def _unwrapped(self, value: bytes) -> Unwrapped:
        if self.writers is None:
            return self._inside(value, None)
        writer, value = self.writers.of(value)
        try:
            writer.schema.decode(value)
            return self._inside(value, writer.schema_id)
        except Rejected as why:
            why.schema_id = writer.schema_id
            raise

    def _inside(self, value: bytes, schema_id: int | None) -> Unwrapped:
        event = self._event(value)
        if event is None:
            return Unwrapped(gone=True)
        change = change_of(event.op)
        own = self._reader.read(event, getattr)
        if change is not Change.ROW:
            return Unwrapped(gone=change is Change.GONE, fields=own)
        return Unwrapped(_row(event), fields=own, schema_id=schema_id)

    def _event(self, value: bytes) -> Any:
        """The event; None for a tombstone that Connect's converter wrapped. :raises Rejected: no event."""
        try:
            event = self._decoder.decode(value)
            if event.op is not None or not bytes(event.payload):
                return event
            payload = bytes(event.payload)
            return None if payload == _NULL else self._decoder.decode(payload)
        except msgspec.ValidationError as error:
            raise no_envelope(str(error)) from error
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise malformed(error) from error


def _row(event: Any) -> bytes:
    """JSON text of the row; MongoDB's is a text in itself. :raises Rejected: there is none."""
    row = bytes(event.after)
    if row in {b"", _NULL}:
        raise no_row()
    return text_inside(row) if row[:1] == b'"' else row


def _event_type(fields: Sequence[EnvelopeField]) -> type[msgspec.Struct]:
    """With nothing but what is read: the rest is skipped without being made."""
    nested: dict[str, list[str]] = {}
    for one in fields:
        outer, _, inner = one.path.partition(".")
        nested.setdefault(outer, []).extend([inner] if inner else [])
    inside: list[tuple[str, Any, Any]] = [
        (outer, (_struct(outer, inner) if inner else Any) | None, None)
        for outer, inner in nested.items()
        if outer != "op"
    ]
    known: list[tuple[str, Any, Any]] = [
        ("op", str | None, None), ("after", msgspec.Raw, _NOTHING), ("payload", msgspec.Raw, _NOTHING)
    ]  # fmt: skip
    return msgspec.defstruct("Event", [*known, *inside])


def _struct(name: str, members: Sequence[str]) -> Any:
    return msgspec.defstruct(name, [(one, Any, None) for one in dict.fromkeys(members)])
