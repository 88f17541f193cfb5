"""Messages of a known form, cut at the places where they differ: the bytes are gone over once, for all quotes.

Where all edges of all messages are, one array of binary values has what lies between them, by turns a separator and the
value behind it. That the separators are those of the form is the proof that the messages have it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import pyarrow as pa
import pyarrow.compute

from airflow_kafka_bq.batch import row_numbers
from airflow_kafka_bq.formats.doubt import is_utf8
from airflow_kafka_bq.formats.opened import indices
from airflow_kafka_bq.formats.positions import all_but, others
from airflow_kafka_bq.formats.token_form import Edge, Form

_pc: Any = pyarrow.compute
_INT32, _UINT8 = pa.int32(), pa.uint8()
_QUOTE, _BACKSLASH, _SPACE = (pa.scalar(ord(one), _UINT8) for one in '"\\ ')
_FEWEST_ROWS = 1 << 9
_UTF8_PART = 4
_PART = 1 << 18  # bytes that are looked through at a time, so that what is needed beside them is bounded


@dataclass(frozen=True, slots=True)
class Marked:
    """Messages with all their quotes found.

    :param data: the bytes of all of them. :param edges: where they begin and end in it; one more than messages.
    :param quotes: where quotes are in it. :param firsts: of each message which of them is its first, and which would
        follow the last. :param plain: positions of messages of which each quote begins or ends a text, int64.
    """

    data: Any
    edges: Any
    quotes: Any
    firsts: Any
    plain: Any

    @classmethod
    def of(cls, values: Any) -> Marked:
        """:param values: binary, none null, at least one."""
        edges = pa.Array.from_buffers(_INT32, len(values) + 1, [None, values.buffers()[1]], offset=values.offset)
        first, last = edges[0].as_py(), edges[-1].as_py()
        data = values.buffers()[2].slice(first, last - first) if last > first else pa.py_buffer(b" ")
        edges = _pc.subtract(edges, pa.scalar(first, _INT32))
        octets = pa.Array.from_buffers(_UINT8, data.size, [None, data])
        quotes = _where(octets, _QUOTE)
        firsts = _pc.search_sorted(quotes, edges).cast(_INT32)
        return cls(data, edges, quotes, firsts, _plain(values, octets, edges))


@dataclass(frozen=True, slots=True)
class Cut:
    """Messages that share a form.

    :param rows: their positions, int64. :param texts: separators and values by turns, and what lies behind a message.
    :param turns: of each message its place among those that ``texts`` were cut of, int32.
    :param elements: of each how many texts its array has; None where the form has no such array.
    """

    form: Form
    marked: Marked
    rows: Any
    texts: Any
    turns: Any
    elements: Any

    def place(self, index: int) -> Any:
        """The values of one place, as text."""
        stride = _stride(self.form)
        return self.texts.take(_pc.add(_pc.multiply(self.turns, pa.scalar(stride, _INT32)), 2 * index + 1))

    def only(self, mask: Any) -> Cut:
        """Those of the messages."""
        elements = None if self.elements is None else self.elements.filter(mask)
        return Cut(self.form, self.marked, self.rows.filter(mask), self.texts, self.turns.filter(mask), elements)


def evens(count: int) -> Any:
    """0, 2, 4 and so on, so many of them, as int64."""
    return _evens(_room(count)).slice(0, count)


@lru_cache(maxsize=4)
def _evens(room: int) -> Any:
    return _pc.multiply(row_numbers(room), 2)


def cut(marked: Marked, rows: Any, form: Form) -> Cut | None:
    """Those of the messages that have the form; None where none has.

    :param rows: positions of messages that are plain, ascending, int64.
    """
    rows, stride = _with_quotes(marked, rows, form), _stride(form)
    if not len(rows):
        return None
    edges = _edges(marked, rows, form)
    wrong = _pc.less(edges.slice(1), edges.slice(0, len(edges) - 1))
    if _pc.any(wrong).as_py():
        keep = _others(wrong, len(rows), stride)
        rows, edges = rows.filter(keep), pa.FixedSizeListArray.from_arrays(edges, stride).filter(keep).flatten()
    return _proved(marked, rows, form, edges) if len(rows) else None


def _with_quotes(marked: Marked, rows: Any, form: Form) -> Any:
    """Those with as many quotes as the form has."""
    counts = _counts(marked, rows)
    if form.several:
        more = _pc.subtract(counts, pa.scalar(form.quotes, _INT32))
        odd = _pc.bit_wise_and(more, pa.scalar(1, _INT32))
        mask = _pc.and_(_pc.greater_equal(more, 0), _pc.equal(odd, 0))
    else:
        mask = _pc.equal(counts, form.quotes)
    return rows if _pc.all(mask).as_py() else rows.filter(mask)


def _counts(marked: Marked, rows: Any) -> Any:
    return _pc.subtract(marked.firsts.take(_pc.add(rows, 1)), marked.firsts.take(rows))


def _edges(marked: Marked, rows: Any, form: Form) -> Any:
    """Of each message its beginning, those of all its places, and its end."""
    count = len(rows)
    tiles = _tiles(form, _room(count))
    padding = pa.repeat(pa.scalar(0, _INT32), _room(count) - count)
    behind = pa.scalar(len(marked.quotes), _INT32)
    here = _pc.add(rows.cast(_INT32), behind)
    bases = [marked.firsts.take(rows), padding, marked.firsts.take(_pc.add(rows, 1)), padding, here]
    size = count * _stride(form)
    at = _pc.add(pa.concat_arrays(bases).take(tiles.base.slice(0, size)), tiles.offset.slice(0, size))
    known = pa.concat_arrays([marked.quotes, marked.edges])
    return _pc.add(known.take(at), tiles.by.slice(0, size))


def _proved(marked: Marked, rows: Any, form: Form, edges: Any) -> Cut | None:
    """Those whose separators are the form's."""
    count, kinds = len(rows), len(form.separators)
    texts = pa.Array.from_buffers(pa.string(), len(edges) - 1, [None, edges.buffers()[1], marked.data])
    tiles = _tiles(form, _room(count))
    found, expected = texts.take(tiles.even.slice(0, count * kinds)), tiles.separators.slice(0, count * kinds)
    turns = row_numbers(count).cast(_INT32)
    elements = None
    if form.several:
        elements = _pc.add(_pc.shift_right(_pc.subtract(_counts(marked, rows), form.quotes), 1), 1).cast(_INT32)
    whole = Cut(form, marked, rows, texts, turns, elements)
    if found.equals(expected):
        return whole
    same = _others(_pc.not_equal(found, expected), count, kinds)
    return whole.only(same) if _pc.any(same).as_py() else None


def _others(wrong: Any, count: int, stride: int) -> Any:
    """Mask of the messages none of whose parts is wrong."""
    return all_but(count, _pc.divide(indices(wrong), stride))


def _stride(form: Form) -> int:
    """How many edges a message has."""
    return 2 * len(form.separators)


@dataclass(frozen=True, slots=True)
class _Tiles:
    """What is the same for each message of a form, so many times.

    :param base: from where an edge is counted. :param offset: quotes from there. :param by: bytes from that quote.
    :param even: where separators are among the texts. :param separators: what they must be.
    """

    base: Any
    offset: Any
    by: Any
    even: Any
    separators: Any


def _room(count: int) -> int:
    """Tiles are made for a power of two, so that there are few of them."""
    return max(_FEWEST_ROWS, 1 << (count - 1).bit_length())


@lru_cache(maxsize=6)
def _tiles(form: Form, room: int) -> _Tiles:
    edges = [Edge(None, 0), *(edge for place in form.places for edge in (place.start, place.end)), Edge(None, 0)]
    bases, offsets = [], []
    for index, edge in enumerate(edges):
        bases.append(2 if edge.quote is None else (1 if edge.quote < 0 else 0))
        offsets.append((1 if index else 0) if edge.quote is None else edge.quote)
    stride = len(edges)
    everything = row_numbers(room * stride)
    rows = _pc.divide(everything, stride)
    which = _pc.subtract(everything, _pc.multiply(rows, stride))
    base = _pc.add(_pc.multiply(pa.array(bases, pa.int64()).take(which), room), rows).cast(_INT32)
    by = pa.array([edge.by for edge in edges], _INT32)
    separators = pa.array(form.separators, pa.binary()).cast(pa.string())
    kinds = len(form.separators)
    some = row_numbers(room * kinds)
    each = _pc.subtract(some, _pc.multiply(_pc.divide(some, kinds), kinds))
    return _Tiles(
        base,
        pa.array(offsets, _INT32).take(which),
        by.take(which),
        _pc.multiply(some, 2).cast(_INT32),
        separators.take(each),
    )


def _plain(values: Any, octets: Any, edges: Any) -> Any:
    """Without backslash and control characters, and UTF-8."""
    rows = row_numbers(len(values))
    bounds = _pc.min_max(octets).as_py()
    if bounds["min"] < 0x20 or _has_backslash(octets.buffers()[1]):
        strange = _pc.or_(_pc.equal(octets, _BACKSLASH), _pc.less(octets, _SPACE))
        at = _pc.indices_nonzero(strange).cast(_INT32)
        lost = _pc.subtract(_pc.search_sorted(edges, at, side="right").cast(pa.int64()), 1)
        rows = others(len(values), _pc.unique(lost))
    return rows if bounds["max"] < 0x80 or is_utf8(values) else _only_utf8(values, rows)


def _where(octets: Any, wanted: Any) -> Any:
    """Positions of a byte, as int32: numbers that are left over, in half the time that Arrow's own search takes."""
    found = [pa.array([], _INT32)]
    for first in range(0, len(octets), _PART):
        mask = _pc.equal(octets.slice(first, _PART), wanted)
        found.append(_pc.add(_numbers().slice(0, len(mask)).filter(mask), pa.scalar(first, _INT32)))
    return pa.concat_arrays(found)


@lru_cache(maxsize=1)
def _numbers() -> Any:
    return row_numbers(_PART).cast(_INT32)


def _has_backslash(data: Any) -> bool:
    """Copied part by part, in Python's search, in half the time that Arrow takes."""
    everything = memoryview(data)
    return any(b"\\" in bytes(everything[first : first + _PART]) for first in range(0, len(everything), _PART))


def _only_utf8(values: Any, rows: Any) -> Any:
    """Without those that are not, and a few that stand beside them."""
    if is_utf8(values.take(rows)):
        return rows
    half = len(rows) // 2
    if half < _UTF8_PART:
        return rows.slice(0, 0)
    return pa.concat_arrays([_only_utf8(values, rows.slice(0, half)), _only_utf8(values, rows.slice(half))])
