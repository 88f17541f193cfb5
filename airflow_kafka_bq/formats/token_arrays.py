"""Texts in the arrays of messages that were cut: each lies between two quotes, and a comma between two of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute

from airflow_kafka_bq.formats.opened import indices
from airflow_kafka_bq.formats.positions import all_but
from airflow_kafka_bq.formats.token_cut import Cut, evens

_pc: Any = pyarrow.compute
_INT32, _INT64 = pa.int32(), pa.int64()
_HALF = pa.scalar(32, _INT64)


@dataclass(frozen=True, slots=True)
class Elements:
    """Of the only array of texts in each message.

    :param edges: of each text, of all messages, where it begins and ends, int32. :param parents: of each its message
        among those that were cut.
    """

    cut: Cut
    edges: Any
    parents: Any

    @classmethod
    def of(cls, cut: Cut) -> Elements:
        """They may be something else than texts where ``sure`` does not say so."""
        [(first, last)] = [(one.start.quote, one.end.quote) for one in cut.form.places if one.kind == "texts"]
        start = _pc.add(cut.marked.firsts.take(cut.rows), first).cast(_INT64)
        stop = _pc.add(_pc.add(cut.marked.firsts.take(_pc.add(cut.rows, 1)), last), 1).cast(_INT64)
        # Two halves of 64 bits are two offsets of 32: the wanted quotes, and those between them, by turns.
        offsets = _pc.bit_wise_or(_pc.shift_left(stop, _HALF), start).buffers()[1]
        every: Any = pa.Array.from_buffers(
            pa.list_(_INT32), 2 * len(start) - 1, [None, offsets], children=[cut.marked.quotes]
        )
        lists = every.take(evens(len(start)))
        quotes = lists.flatten()
        parents = _pc.list_parent_indices(lists).cast(_INT64)
        count = len(quotes) // 2
        # Behind the quote that begins a text, and at the one that ends it.
        return cls(cut, _pc.add(quotes, _behind_and_at(count)), parents.take(evens(count)))

    def sure(self) -> Any | None:
        """Mask of the messages that have nothing but a comma between two texts; None: all of them."""
        count = len(self.parents) - 1
        if count < 1:
            return None
        stops, starts = self.edges.slice(1).take(evens(count)), self.edges.slice(2).take(evens(count))
        within = _pc.equal(self.parents.slice(0, count), self.parents.slice(1))
        comma = self.cut.form.comma.encode()
        right = _pc.equal(_pc.subtract(starts, stops), len(comma) + 2)
        data = self.cut.marked.data
        octets = pa.Array.from_buffers(pa.uint8(), data.size, [None, data])
        for index, one in enumerate(comma, 1):
            found = octets.take(_pc.add(stops, index))
            right = _pc.and_(right, _pc.equal(found, one))
        wrong = _pc.and_not(within, right)
        if not _pc.any(wrong).as_py():
            return None
        lost = self.parents.take(indices(wrong))
        return all_but(len(self.cut.rows), lost)

    def texts(self) -> Any:
        """Of all messages, one after the other."""
        count = len(self.parents)
        every = pa.Array.from_buffers(pa.string(), 2 * count - 1, [None, self.edges.buffers()[1], self.cut.marked.data])
        return every.take(evens(count))


def _behind_and_at(count: int) -> Any:
    """1 and 0 by turns, so many of both, as int32."""
    return pa.Array.from_buffers(_INT32, 2 * count, [None, pa.repeat(pa.scalar(1, _INT64), count).buffers()[1]])
