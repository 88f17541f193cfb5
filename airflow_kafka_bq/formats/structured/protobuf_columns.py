"""Protobuf of many messages at once: field by field, with a place in each message.

Writers leave fields in the order of their numbers, each at most once. A message that begins with a field has its value
read, the others stay where they are; so whatever is unusual (another order, a field that comes twice, one that the
schema does not know, or of another type) is left over at the end, and its message goes to the decoder of single
messages. So does every value that protobuf would read otherwise than it was written, or refuse. Where a message inside
another has no such columns (it has no fields, or a group, or contains itself) it is decoded by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute

from airflow_kafka_bq.formats.structured.cursor import Cursor
from airflow_kafka_bq.formats.structured.protobuf_fields import (
    KINDS,
    SIZED,
    SIZES,
    SKIPS,
    VARINT,
    Kind,
    enum,
    or_default,
    perhaps,
    varint,
)
from airflow_kafka_bq.formats.structured.protobuf_lists import mapped, repeated
from airflow_kafka_bq.formats.structured.protobuf_types import (
    KNOWN,
    MESSAGE,
    WRAPPERS,
    default_of,
    enum_shape,
    is_map,
    is_repeated,
    is_required,
)
from airflow_kafka_bq.formats.structured.raw_columns import Decode, Fields, Objects, Parts, Perhaps, Plain, RawColumn
from airflow_kafka_bq.formats.structured.reading import MOST_TYPES, Read, decoding

_pc: Any = pyarrow.compute
_DEEPEST = 20  # messages inside messages; protobuf refuses more than 100, and so does ``Alone``, from there on
_INT64 = pa.int64()


_PARTS: Mapping[str, tuple[str, ...]] = {
    "google.protobuf.Timestamp": ("seconds", "nanos"),
    "google.protobuf.Duration": ("seconds", "nanos"),
    "confluent.type.Decimal": ("value", "scale"),
    **{f"google.protobuf.{name}": ("value",) for name in WRAPPERS},
}
"""What the raw value of a known type is made of."""


@dataclass(frozen=True, slots=True)
class Alone:
    """Decodes messages of a type one by one. ``decode`` raises; ``empty`` stands for what it refuses."""

    decode: Callable[[bytes], Any]
    empty: Any


def protobuf_columns(descriptor: Any, alone: Callable[[Any], Alone]) -> Decode | None:
    """The function for a message type; None: there is none.

    :param alone: of a message type that has no columns, and is inside another.
    """
    return decoding(None if descriptor.full_name in KNOWN else _Plan(alone).message(descriptor))


class _Plan:
    def __init__(self, alone: Callable[[Any], Alone]) -> None:
        self._alone = alone
        self._inside: set[str] = set()
        self._count = 0

    def message(self, descriptor: Any) -> Callable[[Cursor], Fields] | None:
        """None: there is no way."""
        name, fields = descriptor.full_name, descriptor.fields
        if name in self._inside or len(self._inside) > _DEEPEST or not fields:
            return None
        self._inside.add(name)
        reads = [(one.name, self._field(one)) for one in sorted(fields, key=lambda one: int(one.number))]
        self._inside.discard(name)
        found = [(name, read) for name, read in reads if read is not None]
        if len(found) < len(reads):
            return None
        choices = [[one.name for one in oneof.fields] for oneof in descriptor.oneofs]
        return _record(found, [one.name for one in fields], [one for one in choices if len(one) > 1])

    def _field(self, field: Any) -> Read | None:
        self._count += 1
        if is_map(field):
            return self._map(field)
        kind = self._kind(field) if self._count <= MOST_TYPES else None
        if kind is None:
            return None
        tag = varint(field.number << 3 | kind.wire)
        if is_repeated(field):
            packed = None if kind.wire == SIZED else varint(field.number << 3 | SIZED)
            return repeated(tag, packed, SKIPS[kind.wire], kind.read, SIZES.get(kind.wire))
        if field.has_presence:
            return perhaps(tag, kind.read, required=is_required(field))
        return or_default(tag, kind, default_of(field))

    def _map(self, field: Any) -> Read | None:
        key, value = (field.message_type.fields_by_name[name] for name in ("key", "value"))
        kind = self._kind(value)
        if kind is None:
            return None
        scalar = KINDS[key.type]
        keys = or_default(varint(key.number << 3 | scalar.wire), scalar, key.default_value)
        # Writers write the value even where it is its default.
        values = perhaps(varint(value.number << 3 | kind.wire), kind.read, required=True)
        entry = _record([("key", keys), ("value", values)], ("key", "value"), ())
        return mapped(varint(field.number << 3 | SIZED), _sized(entry))

    def _kind(self, field: Any) -> Kind | None:
        if field.enum_type:
            return Kind(VARINT, _INT64, enum(enum_shape(field.enum_type).names or {}))
        if field.type != MESSAGE:
            return KINDS.get(field.type)
        read = self._nested(field.message_type) or _one_by_one(self._alone(field.message_type))
        return Kind(SIZED, None, read)

    def _nested(self, descriptor: Any) -> Read | None:
        read = self.message(descriptor)
        if read is None or descriptor.full_name not in KNOWN:
            return None if read is None else _sized(read)
        parts = _PARTS.get(descriptor.full_name)
        plain = {one.name for one in descriptor.fields if not (one.has_presence or is_repeated(one))}
        return _sized(_known(read, parts)) if parts and plain.issuperset(parts) else None


def _record(
    reads: Sequence[tuple[str, Read]], names: Sequence[str], choices: Sequence[Sequence[str]]
) -> Callable[[Cursor], Fields]:
    """Fields in the order in which they are written; ``names``: in the order of the schema."""

    def of(cursor: Cursor) -> Fields:
        found = {name: read(cursor) for name, read in reads}
        for choice in choices:
            _mark_several(cursor, [found[name] for name in choice])
        return Fields({name: found[name] for name in names})

    return of


def _mark_several(cursor: Cursor, columns: Sequence[RawColumn]) -> None:
    """Of the alternatives of a oneof, one holds: protobuf takes the last of several."""
    chosen = pa.repeat(pa.scalar(0, _INT64), len(cursor))
    for one in columns:
        chosen = _pc.add(chosen, _pc.is_valid(one.index).cast(_INT64) if isinstance(one, Perhaps) else 1)
    cursor.mark(_pc.greater(chosen, 1))


def _sized(read: Read) -> Read:
    """A message inside another."""

    def of(cursor: Cursor) -> RawColumn:
        inside = cursor.inside(cursor.size())
        found = read(inside)
        inside.end()
        cursor.mark(inside.bad)
        return found

    return of


def _one_by_one(alone: Alone) -> Read:
    """Messages inside others that have no columns."""

    def of(cursor: Cursor) -> RawColumn:
        values, bad = [], []
        for octets in cursor.sized().to_pylist():
            try:
                values.append(alone.decode(octets))
                bad.append(False)
            except Exception:  # whatever it is, the decoder of single messages says it
                values.append(alone.empty)
                bad.append(True)
        cursor.mark(pa.array(bad, pa.bool_()))
        return Objects(values)

    return of


def _known(read: Callable[[Cursor], Fields], parts: Sequence[str]) -> Read:
    """Of a type whose meaning is known."""

    def of(cursor: Cursor) -> RawColumn:
        fields = read(cursor)
        found = [one for name in parts if isinstance(one := fields.columns[name], Plain)]
        return found[0] if len(found) == 1 else Parts(found)

    return of
