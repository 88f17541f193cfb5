"""Fields of Protobuf, as they are written: a tag, and a value of one of four forms.

What protobuf reads otherwise than it stands there (it cuts numbers to 32 bits, and takes any flag but 0 for true) marks
its message.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute

from airflow_kafka_bq.formats.structured.cursor import Cursor
from airflow_kafka_bq.formats.structured.raw_columns import Plain, RawColumn
from airflow_kafka_bq.formats.structured.reading import Read, text, where

_pc: Any = pyarrow.compute
VARINT, EIGHT, SIZED, FOUR = 0, 1, 2, 5  # https://protobuf.dev/programming-guides/encoding/#structure
_INT32, _UINT32 = (-(2**31), 2**31 - 1), (0, 2**32 - 1)
_INT64, _UINT64, _DOUBLE = pa.int64(), pa.uint64(), pa.float64()


@dataclass(frozen=True, slots=True)
class Kind:
    """How values of a type are written. ``arrow``: of its column, where values are scalars."""

    wire: int
    arrow: pa.DataType | None
    read: Read


def varint(number: int) -> bytes:
    """A number, as tags are written."""
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


def perhaps(tag: bytes, read: Read, *, required: bool) -> Read:
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


def or_default(tag: bytes, kind: Kind, default: Any) -> Read:
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


def enum(names: Mapping[int, str]) -> Read:
    """Numbers that have a name; of others protobuf may keep the field from the message."""
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


KINDS: Mapping[int, Kind] = {
    1: Kind(EIGHT, _DOUBLE, _whole(_DOUBLE, _DOUBLE)),
    2: Kind(FOUR, _DOUBLE, _whole(pa.float32(), _DOUBLE)),
    3: Kind(VARINT, _INT64, lambda cursor: Plain(_int(cursor))),
    4: Kind(VARINT, _UINT64, lambda cursor: Plain(cursor.number())),
    5: Kind(VARINT, _INT64, _within(_int, _INT32)),
    6: Kind(EIGHT, _UINT64, _whole(_UINT64, _UINT64)),
    7: Kind(FOUR, _INT64, _whole(pa.uint32(), _INT64)),
    8: Kind(VARINT, pa.bool_(), lambda cursor: Plain(cursor.flag())),
    9: Kind(SIZED, pa.string(), lambda cursor: text(cursor, cursor.sized())),
    12: Kind(SIZED, pa.binary(), lambda cursor: Plain(cursor.sized())),
    13: Kind(VARINT, _INT64, _within(_int, _UINT32)),
    15: Kind(FOUR, _INT64, _whole(pa.int32(), _INT64)),
    16: Kind(EIGHT, _INT64, _whole(_INT64, _INT64)),
    17: Kind(VARINT, _INT64, _within(Cursor.zigzag, _INT32)),
    18: Kind(VARINT, _INT64, lambda cursor: Plain(cursor.zigzag())),
}
"""By the numbers of FieldDescriptorProto.Type."""
SIZES: Mapping[int, int] = {EIGHT: 8, FOUR: 4}
"""Bytes of values of a form, where all have the same."""
SKIPS: Mapping[int, Callable[[Cursor], object]] = {
    VARINT: Cursor.number,
    EIGHT: lambda cursor: cursor.skip(8),
    SIZED: lambda cursor: cursor.inside(cursor.size()),
    FOUR: lambda cursor: cursor.skip(4),
}
"""Go on behind a value of a form."""
