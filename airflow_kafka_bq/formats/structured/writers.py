"""Whose schema a message was written with: the one whose id stands in front of it, or the one that the job names.

https://docs.confluent.io/platform/current/schema-registry/fundamentals/serdes-develop/index.html#wire-format : a byte
0, the id in four bytes, for Protobuf the place of the message's type in its file, then the data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import pyarrow as pa
import pyarrow.compute

from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.formats.parser import Rejected
from airflow_kafka_bq.formats.structured.shapes import Schema
from airflow_kafka_bq.ports import RegisteredSchema, Registry

_pc: Any = pyarrow.compute
Place = tuple[int, ...]
_PREFIX_BYTES = 5
_MOST_INDEXES = 2 * 16  # their number is a zigzag number


@dataclass(frozen=True, slots=True, eq=False)
class Writer:
    """A schema that messages were written with. ``schema_id`` is None where they do not say it."""

    schema: Schema
    schema_id: int | None = None


class Alike(NamedTuple):
    """Messages of one writer among others: where they are (None: all are), and how many bytes the data stand behind."""

    writer: Writer
    positions: pa.Array[Any] | None
    skip: int


class Writers(Protocol):
    """Finds the writer of a message."""

    def alike(self, messages: pa.Array[Any], fewest: int) -> list[Alike]:
        """Of so many at least; of those that are in none, ``of`` tells. :raises IngestError: the registry."""

    def of(self, message: bytes) -> tuple[Writer, bytes]:
        """The writer and what it wrote. :raises Rejected: it cannot be told. :raises IngestError: the registry."""


@dataclass(frozen=True, slots=True)
class OneWriter:
    """All messages were written with one schema, and carry nothing but the data."""

    writer: Writer

    def alike(self, messages: pa.Array[Any], fewest: int) -> list[Alike]:
        """All of them."""
        return [Alike(self.writer, None, 0)] if len(messages) >= fewest else []

    def of(self, message: bytes) -> tuple[Writer, bytes]:
        """The same for each."""
        return self.writer, message


@dataclass(frozen=True, slots=True)
class RegisteredWriters:
    """Messages carry the id of a registered schema.

    A run asks for each id once. A schema never changes under its id; an id that is not there stays unknown until the
    run ends, and its messages are dead letters.

    :param kind: what the registry calls the format: ``AVRO``, ``PROTOBUF`` or ``JSON``.
    :param read: a schema out of what the registry gave; the place is that of the message's type.
    :param placed: whether a place follows the id.
    """

    registry: Registry
    kind: str
    read: Callable[[RegisteredSchema, Place], Schema]
    placed: bool = False
    known: dict[tuple[int, Place], Writer | Rejected] = field(default_factory=dict)

    def alike(self, messages: pa.Array[Any], fewest: int) -> list[Alike]:
        """By what stands in front of the data."""
        if len(messages) < fewest:
            return []
        found = []
        for front, positions in self._fronts(messages, fewest):
            try:
                writer, _ = self.of(front)
            except Rejected:
                continue
            found.append(Alike(writer, positions, len(front)))
        return found

    def _fronts(self, messages: pa.Array[Any], fewest: int) -> Iterator[tuple[bytes, pa.Array[Any] | None]]:
        """Each beginning that so many have, and who has it; some may be no beginning at all."""
        if not self.placed:
            yield from _beginnings(messages, None, _PREFIX_BYTES, fewest)
            return
        for front, positions in _beginnings(messages, None, _PREFIX_BYTES + 1, fewest):
            if len(front) <= _PREFIX_BYTES or front[-1] > _MOST_INDEXES:
                continue
            more = front[-1] // 2  # indexes, of a byte each: of one that is longer ``of`` sees no end
            yield from _beginnings(messages, positions, len(front) + more, fewest) if more else ((front, positions),)

    def of(self, message: bytes) -> tuple[Writer, bytes]:
        """By its id, and its place."""
        if len(message) < _PREFIX_BYTES or message[0]:
            error = "does not begin with a byte 0 and the id of a schema in four bytes"
            raise Rejected("decode", "no_schema_id", error)
        schema_id = int.from_bytes(message[1:_PREFIX_BYTES], "big")
        place, at = _place(message, schema_id) if self.placed else ((), _PREFIX_BYTES)
        found = self.known.get((schema_id, place))
        if found is None:
            found = self.known[schema_id, place] = self._asked(schema_id, place)
        if isinstance(found, Rejected):
            raise Rejected(found.stage, found.reason, found.error, found.schema_id)  # anew: a traceback grows
        return found, message[at:]

    def _asked(self, schema_id: int, place: Place) -> Writer | Rejected:
        registered = self.registry.schema(schema_id)
        if registered is None:
            why = f"the registry has no schema with the id {schema_id}"
            return Rejected("registry", "unknown_schema", why, schema_id)
        if registered.kind != self.kind:
            why = f"schema {schema_id} is {registered.kind}, and the job reads {self.kind}"
            return Rejected("registry", "other_format", why, schema_id)
        try:
            return Writer(self.read(registered, place), schema_id)
        except ConfigError as error:
            if isinstance(error.__cause__, ImportError):
                raise  # a package of ours is missing: that is not the message's fault
            return Rejected("registry", "unusable_schema", f"schema {schema_id}: {error.message}", schema_id)


def _beginnings(
    messages: pa.Array[Any], among: pa.Array[Any] | None, size: int, fewest: int
) -> Iterator[tuple[bytes, pa.Array[Any] | None]]:
    """First bytes that many messages have, and the positions of these. ``among``: those looked at; None: all."""
    fronts = _pc.binary_slice(messages if among is None else messages.take(among), 0, size).dictionary_encode()
    for counted in _pc.value_counts(fronts.indices).to_pylist():
        if counted["counts"] < fewest:
            continue
        all_are = counted["counts"] == len(fronts)
        positions = None if all_are else _pc.indices_nonzero(_pc.equal(fronts.indices, counted["values"]))
        if among is not None:
            positions = among if positions is None else among.take(positions)
        yield fronts.dictionary[counted["values"]].as_py(), positions


def _place(message: bytes, schema_id: int) -> tuple[Place, int]:
    """Indexes of the message's type, outermost first, as zigzag numbers; a single 0 stands for the first type."""
    count, at = _number(message, _PREFIX_BYTES, schema_id)
    if count == 0:
        return (0,), at
    if not 0 < count <= len(message):
        raise Rejected("decode", "no_message_type", "the place of the message's type is no such thing", schema_id)
    found = []
    for _ in range(count):
        index, at = _number(message, at, schema_id)
        found.append(index)
    return tuple(found), at


def _number(message: bytes, at: int, schema_id: int) -> tuple[int, int]:
    """A zigzag number in groups of seven bits, and where it ends."""
    found = shift = 0
    while at < len(message) and shift < 64:
        byte = message[at]
        found |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return (found >> 1) ^ -(found & 1), at
    raise Rejected("decode", "no_message_type", "ends before the place of the message's type does", schema_id)
