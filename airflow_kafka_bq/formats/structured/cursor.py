"""A place in each of many messages, Avro or Protobuf, and what is read there of all of them at once.

Each message has bounds of its own, and what is read beyond them, or is not written as every writer writes it, marks
that message alone: ``bad`` says which. Of these nothing that was read may be used.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import pyarrow as pa
import pyarrow.compute

from airflow_kafka_bq.batch import row_numbers

_pc: Any = pyarrow.compute
_INT64, _UINT64, _UINT8 = pa.int64(), pa.uint64(), pa.uint8()
_PADDING = 16  # what a number may be longer than the last message
_NO = pa.scalar(False)
_ZERO, _ONE, _EIGHT_BITS = pa.scalar(0, _UINT64), pa.scalar(1, _INT64), pa.scalar(0x7F, _UINT8)
_MORE = pa.scalar(0x80, _UINT8)
_HALF = pa.scalar(32, _INT64)
_GROUPS = 10  # of seven bits, in a number of 64
_SIZE_GROUPS = 5


class Cursor:
    """Places in messages.

    :param data: bytes of all messages and padding. :param at: where reading goes on, ascending.
    :param ends: of the messages.
    """

    def __init__(self, data: Any, at: Any, ends: Any) -> None:
        self._data = data
        self.at = at
        self.ends = ends
        self.bad: Any = pa.repeat(_NO, len(at))

    @classmethod
    def of(cls, values: Any, positions: Any | None, skip: int) -> Cursor:
        """At the beginning of messages.

        :param values: binary, none null. :param positions: of the messages among them, ascending; None: all of them.
        :param skip: bytes in front of each message, which has so many.
        """
        offsets = pa.Array.from_buffers(pa.int32(), len(values) + 1, [None, values.buffers()[1]], offset=values.offset)
        edges = _pc.cast(offsets, _INT64)
        first, last = edges[0].as_py(), edges[-1].as_py()
        padding = pa.repeat(pa.scalar(0, _UINT8), _PADDING)
        octets = (
            pa.Array.from_buffers(_UINT8, last, [None, values.buffers()[2]]).slice(first) if last > first else padding
        )
        edges = _pc.subtract(edges, first)
        starts, ends = edges.slice(0, len(values)), edges.slice(1)
        if positions is not None:
            starts, ends = starts.take(positions), ends.take(positions)
        return cls(pa.concat_arrays([octets, padding]), _pc.add(starts, skip), ends)

    def __len__(self) -> int:
        """How many messages."""
        return len(self.at)

    def mark(self, wrong: Any) -> bool:
        """These are bad; whether there is one."""
        found = _pc.any(wrong).as_py() is True
        if found:
            self.bad = _pc.or_(self.bad, wrong)
        return found

    def some(self, rows: Any) -> Cursor:
        """Those at these positions."""
        return Cursor(self._data, self.at.take(rows), self.ends.take(rows))

    def after(self, other: Cursor, index: Any) -> None:
        """Go on where ``some`` of the messages are now. ``index``: of each of these its row there, or null."""
        self.at = _pc.coalesce(other.at.take(index), self.at)
        self.bad = _pc.or_(self.bad, _pc.coalesce(other.bad.take(index), _NO))

    def among(self, starts: Any, ends: Any) -> Cursor:
        """Other places in the same bytes."""
        return Cursor(self._data, starts, ends)

    def inside(self, size: Any) -> Cursor:
        """What lies in so many bytes from here; go on behind them."""
        stop = self._stop(size)
        found = Cursor(self._data, self.at, stop)
        self.at = stop
        return found

    def end(self) -> None:
        """Nothing may be left."""
        self.mark(_pc.not_equal(self.at, self.ends))

    def begins(self, octets: bytes) -> Any:
        """Which go on with these bytes. They stay where they are."""
        found = _pc.less(self.at, self.ends)
        for at, octet in enumerate(octets):
            byte = self._data.take(_pc.add(self.at, at) if at else self.at)
            found = _pc.and_(found, _pc.equal(byte, pa.scalar(octet, _UINT8)))
        return found

    def skip(self, size: int) -> None:
        """Go on behind so many bytes."""
        self._to(_pc.add(self.at, size))

    def zigzag(self) -> Any:
        """A number whose last bit is its sign, as int64."""
        found = self.number()
        half, sign = _pc.shift_right(found, pa.scalar(1, _UINT64)), _pc.bit_wise_and(found, pa.scalar(1, _UINT64))
        return _pc.bit_wise_xor(half.view(_INT64), _pc.negate(sign.view(_INT64)))

    def number(self, groups: int = _GROUPS) -> Any:
        """A number in groups of seven bits, of which there are so many at most, as uint64."""
        byte = self._data.take(self.at)
        found, length = byte, _ONE
        more = _pc.greater_equal(byte, _MORE)
        if _pc.any(more).as_py():
            found, length = self._long(byte, more, groups)
        else:
            found = found.cast(_UINT64)
        self._to(_pc.add(self.at, length))
        return found

    def _long(self, byte: Any, more: Any, groups: int) -> tuple[Any, Any]:
        found, length = _pc.bit_wise_and(byte, _EIGHT_BITS).cast(_UINT64), pa.repeat(_ONE, len(byte))
        for group in range(1, groups):
            byte = self._data.take(_pc.add(self.at, group))
            part = _pc.shift_left(_pc.bit_wise_and(byte, _EIGHT_BITS).cast(_UINT64), pa.scalar(7 * group, _UINT64))
            found = _pc.bit_wise_or(found, _pc.if_else(more, part, _ZERO))
            length = _pc.add(length, more.cast(_INT64))
            if group == _GROUPS - 1:
                self.mark(_pc.and_(more, _pc.greater(byte, pa.scalar(1, _UINT8))))  # beyond 64 bits, or no end
            more = _pc.and_(more, _pc.greater_equal(byte, _MORE))
            if not _pc.any(more).as_py():
                return found, length
        self.mark(more)
        return found, length

    def flag(self) -> Any:
        """A byte 0 or 1."""
        byte = self._data.take(self.at)
        self._to(_pc.add(self.at, 1))
        self.mark(_pc.greater(byte, pa.scalar(1, _UINT8)))
        return byte.cast(pa.bool_())

    def octets(self, size: Any) -> Any:
        """So many bytes of each."""
        return self._cut(self._stop(size))

    def sized(self) -> Any:
        """Bytes, their number before them as Protobuf writes it."""
        return self.octets(self.size())

    def size(self) -> Any:
        """A number of bytes: Protobuf refuses one in more groups."""
        return self.number(_SIZE_GROUPS).view(_INT64)

    def fixed(self, size: int) -> Any:
        """So many bytes; of what is too short, as many zeros."""
        stop = _pc.add(self.at, size)
        short = _pc.greater(stop, self.ends)
        if not self.mark(short):
            return self._cut(stop)
        found = self._cut(_pc.min_element_wise(stop, self.ends))
        return _pc.if_else(short, pa.scalar(bytes(size), pa.binary()), found)

    def whole(self, kind: pa.DataType) -> Any:
        """A number of so many bytes as its type has, the least first."""
        found = self.fixed(kind.bit_width // 8)
        if not len(found):
            return pa.array([], kind)
        first = pa.Array.from_buffers(pa.int32(), 1, [None, found.buffers()[1]], offset=found.offset)[0].as_py()
        return pa.Array.from_buffers(kind, len(found), [None, found.buffers()[2].slice(first)])

    def _stop(self, size: Any) -> Any:
        """Where so many bytes end; here, where they are none."""
        wrong = _pc.or_(_pc.less(size, 0), _pc.greater(size, _pc.subtract(self.ends, self.at)))
        if self.mark(wrong):
            size = _pc.if_else(wrong, 0, size)
        return _pc.add(self.at, size)

    def last_groups(self) -> Any:
        """Which of all bytes end a number, if all of them are numbers in groups of seven bits."""
        return _pc.less(self._data.slice(0, len(self._data) - _PADDING), _MORE)

    def ends_within(self, size: int | None) -> Any:
        """Which of the messages end inside a number of so many bytes, or in groups of seven bits."""
        length = _pc.subtract(self.ends, self.at)
        if size is not None:
            return _pc.not_equal(_pc.multiply(_pc.divide(length, size), size), length)
        final = self._data.take(_pc.max_element_wise(_pc.subtract(self.ends, 1), 0))
        return _pc.and_(_pc.greater(length, 0), _pc.greater_equal(final, _MORE))

    def _to(self, at: Any) -> None:
        """Go on there, not beyond the message."""
        over = _pc.greater(at, self.ends)
        self.at = _pc.min_element_wise(at, self.ends) if self.mark(over) else at

    def _cut(self, stop: Any) -> Any:
        """What lies between here and there, which is not before here and not behind the end."""
        start, self.at = self.at, stop
        if not len(start):
            return pa.array([], pa.binary())
        # Two halves of 64 bits are two offsets of 32: the wanted bytes, and those between them, by turns.
        both = _pc.bit_wise_or(_pc.shift_left(stop, _HALF), start)
        offsets = both.buffers()[1].slice(8 * both.offset)
        everything = pa.Array.from_buffers(pa.binary(), 2 * len(both) - 1, [None, offsets, self._data.buffers()[1]])
        return everything.take(_even(len(both)))


@lru_cache(maxsize=8)
def _even(count: int) -> Any:
    return _pc.multiply(row_numbers(count), 2)
