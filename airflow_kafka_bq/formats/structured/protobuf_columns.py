"""Protobuf of many messages at once: field by field, with a place in each message.

Writers leave fields in the order of their numbers, each at most once. A message that begins with a field has its value
read, the others stay where they are; so whatever is unusual (another order, a field that comes twice, one that the
schema does not know, or of another type) is left over at the end, and its message goes to the decoder of single
messages. So does every value that protobuf would read otherwise than it was written, or refuse. A schema with what has
no such column (groups, maps, a message inside itself or without fields) has no columns at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute

from airflow_kafka_bq.formats.structured.cursor import Cursor
from airflow_kafka_bq.formats.structured.protobuf_lists import repeated
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
from airflow_kafka_bq.formats.structured.raw_columns import Decode, Fields, Parts, Perhaps, Plain, RawColumn
from airflow_kafka_bq.formats.structured.reading import MOST_TYPES, Read, decoding, text, where

_pc: Any = pyarrow.compute
_DEEPEST = 60  # messages inside messages; protobuf refuses more than 100
_VARINT, _EIGHT, _SIZED, _FOUR = 0, 1, 2, 5  # https://protobuf.dev/programming-guides/encoding/#structure
_INT32, _UINT32 = (-(2**31), 2**31 - 1), (0, 2**32 - 1)
_INT64, _UINT64, _DOUBLE = pa.int64(), pa.uint64(), pa.float64()


@dataclass(frozen=True, slots=True)
class _Kind:
    """How values of a type are written. ``arrow``: of its column, where values are scalars."""

    wire: int
    arrow: pa.DataType | None
    read: Read


def protobuf_columns(descriptor: Any) -> Decode | None:
    """The function for a message type; None: there is none."""
    return decoding(None if descriptor.full_name in KNOWN else _Plan().message(descriptor))


class _Plan:
    def __init__(self) -> None:
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
        kind = None if self._count > MOST_TYPES or is_map(field) else self._kind(field)
        if kind is None:
            return None
        tag = _varint(field.number << 3 | kind.wire)
        if is_repeated(field):
            packed = None if kind.wire == _SIZED else _varint(field.number << 3 | _SIZED)
            return repeated(tag, packed, _SKIPS[kind.wire], kind.read, _SIZES.get(kind.wire))
        if field.has_presence:
            return _perhaps(tag, kind.read, required=is_required(field))
        return _or_default(tag, kind, default_of(field))

    def _kind(self, field: Any) -> _Kind | None:
        if field.enum_type:
            return _Kind(_VARINT, _INT64, _enum(enum_shape(field.enum_type).names or {}))
        if field.type != MESSAGE:
            return _KINDS.get(field.type)
        read = self._nested(field.message_type)
        return None if read is None else _Kind(_SIZED, None, read)

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


def _varint(number: int) -> bytes:
    found = []
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*found, number])


def _behind(tag: bytes, read: Read) -> Read:
    def of(cursor: Cursor) -> RawColumn:
        cursor.skip(len(tag))
        return read(cursor)

    return of


def _all(present: Any) -> bool:
    return _pc.all(present, min_count=0).as_py() is True


def _perhaps(tag: bytes, read: Read, *, required: bool) -> Read:
    """Null where it was not sent."""
    read = _behind(tag, read)

    def of(cursor: Cursor) -> RawColumn:
        present = cursor.begins(tag)
        if _all(present):
            return read(cursor)
        if required:
            cursor.mark(_pc.invert(present))
        return where(present, cursor, read)

    return of


def _or_default(tag: bytes, kind: _Kind, default: Any) -> Read:
    """The default where it was not sent, which is how writers send it."""
    otherwise: Any = pa.scalar(default, kind.arrow)
    read = _behind(tag, kind.read)

    def of(cursor: Cursor) -> RawColumn:
        present = cursor.begins(tag)
        if _all(present):
            return read(cursor)
        if not _pc.any(present).as_py():
            return Plain(pa.repeat(otherwise, len(cursor)))
        found = where(present, cursor, read)
        plain: Any = found.inner
        return Plain(_pc.coalesce(plain.values.take(found.index), otherwise))

    return of


def _sized(read: Read) -> Read:
    """A message inside another."""

    def of(cursor: Cursor) -> RawColumn:
        inside = cursor.inside(cursor.size())
        found = read(inside)
        inside.end()
        cursor.mark(inside.bad)
        return found

    return of


def _known(read: Callable[[Cursor], Fields], parts: Sequence[str]) -> Read:
    """Of a type whose meaning is known."""

    def of(cursor: Cursor) -> RawColumn:
        fields = read(cursor)
        found = [one for name in parts if isinstance(one := fields.columns[name], Plain)]
        return found[0] if len(found) == 1 else Parts(found)

    return of


def _enum(names: Mapping[int, str]) -> Read:
    numbers = pa.array([*names], _INT64)

    def of(cursor: Cursor) -> RawColumn:
        found = cursor.number().view(_INT64)
        cursor.mark(_pc.invert(_pc.is_in(found, value_set=numbers)))
        return Plain(found)

    return of


def _within(read: Callable[[Cursor], Any], bounds: tuple[int, int]) -> Read:
    """Whole numbers; of those that are longer protobuf takes the last 32 bits."""
    first, last = bounds

    def of(cursor: Cursor) -> RawColumn:
        found = read(cursor)
        cursor.mark(_pc.or_(_pc.less(found, first), _pc.greater(found, last)))
        return Plain(found)

    return of


def _whole(kind: pa.DataType, arrow: pa.DataType) -> Read:
    return lambda cursor: Plain(cursor.whole(kind).cast(arrow))


def _int(cursor: Cursor) -> Any:
    return cursor.number().view(_INT64)


_KINDS: Mapping[int, _Kind] = {
    1: _Kind(_EIGHT, _DOUBLE, _whole(_DOUBLE, _DOUBLE)),
    2: _Kind(_FOUR, _DOUBLE, _whole(pa.float32(), _DOUBLE)),
    3: _Kind(_VARINT, _INT64, lambda cursor: Plain(_int(cursor))),
    4: _Kind(_VARINT, _UINT64, lambda cursor: Plain(cursor.number())),
    5: _Kind(_VARINT, _INT64, _within(_int, _INT32)),
    6: _Kind(_EIGHT, _UINT64, _whole(_UINT64, _UINT64)),
    7: _Kind(_FOUR, _INT64, _whole(pa.uint32(), _INT64)),
    8: _Kind(_VARINT, pa.bool_(), lambda cursor: Plain(cursor.flag())),
    9: _Kind(_SIZED, pa.string(), lambda cursor: text(cursor, cursor.sized())),
    12: _Kind(_SIZED, pa.binary(), lambda cursor: Plain(cursor.sized())),
    13: _Kind(_VARINT, _INT64, _within(_int, _UINT32)),
    15: _Kind(_FOUR, _INT64, _whole(pa.int32(), _INT64)),
    16: _Kind(_EIGHT, _INT64, _whole(_INT64, _INT64)),
    17: _Kind(_VARINT, _INT64, _within(Cursor.zigzag, _INT32)),
    18: _Kind(_VARINT, _INT64, lambda cursor: Plain(cursor.zigzag())),
}
"""By the numbers of FieldDescriptorProto.Type."""
_SIZES: Mapping[int, int] = {_EIGHT: 8, _FOUR: 4}
_SKIPS: Mapping[int, Callable[[Cursor], object]] = {
    _VARINT: Cursor.number,
    _EIGHT: lambda cursor: cursor.skip(8),
    _SIZED: lambda cursor: cursor.inside(cursor.size()),
    _FOUR: lambda cursor: cursor.skip(4),
}
_PARTS: Mapping[str, tuple[str, ...]] = {
    "google.protobuf.Timestamp": ("seconds", "nanos"),
    "google.protobuf.Duration": ("seconds", "nanos"),
    "confluent.type.Decimal": ("value", "scale"),
    **{f"google.protobuf.{name}": ("value",) for name in WRAPPERS},
}
"""What the raw value of a known type is made of."""
