"""Repeated fields and maps of many Protobuf messages: the places of all elements first, then what stands there.

Numbers are packed into one field, one behind another, or each element is a field of its own. Either is read; a message
that has both, or the field at two places, is left to the decoder of single messages.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.compute

from airflow_kafka_bq.batch import row_numbers
from airflow_kafka_bq.formats.structured.cursor import Cursor
from airflow_kafka_bq.formats.structured.raw_columns import Pairs, Plain, RawColumn, Several, owners_of
from airflow_kafka_bq.formats.structured.reading import Read, where

_pc: Any = pyarrow.compute
_INT64 = pa.int64()
_NONE = pa.scalar(None, _INT64)
_MOST = 200  # elements with a field each: of a message with more, single messages are decoded faster
Skip = Callable[[Cursor], object]
Places = tuple[Cursor, Any]
"""The elements of all messages, in order, and where those of each message begin and end among them."""


def repeated(tag: bytes, packed: bytes | None, skip: Skip, read: Read, size: int | None) -> Read:
    """Values of a repeated field.

    :param tag: in front of each element. :param packed: in front of all of them; None: they never are.
    :param skip: goes on behind an element, whatever it is. :param size: bytes of each element in a pack, if it has a
        fixed number.
    """

    def of(cursor: Cursor) -> RawColumn:
        in_packs = cursor.begins(packed) if packed else None
        if packed and _pc.any(in_packs).as_py():
            elements, offsets = _unpacked(_packs(cursor, in_packs, len(packed)), cursor, size)
        else:
            elements, offsets = _apart(cursor, tag, skip)
        return _read(cursor, elements, offsets, read)

    return of


def mapped(tag: bytes, entry: Read) -> Read:
    """Mappings of a map field, whose entries are records in no order. A message with two of one key is marked.

    :param entry: reads one, behind its tag.
    """

    def of(cursor: Cursor) -> RawColumn:
        elements, offsets = _apart(cursor, tag, lambda rest: rest.inside(rest.size()))
        owners, octets = owners_of(offsets), elements.octets(_pc.subtract(elements.ends, elements.at))
        by_key = {"owner": owners, "key": _keys(entry(Cursor.of(octets, None, 0)))}
        order = _pc.sort_indices(pa.table(by_key), sort_keys=[(name, "ascending") for name in by_key])
        in_order = Cursor.of(octets.take(order), None, 0)  # places in a cursor are in order

        def read(sorted_entries: Cursor) -> RawColumn:
            found = entry(sorted_entries)
            sorted_entries.mark(_again(_keys(found), owners))
            return found

        return Pairs(_read(cursor, in_order, offsets, read))

    return of


def _keys(entries: RawColumn) -> Any:
    columns: Any = entries
    return columns.columns["key"].values


def _again(keys: Any, owners: Any) -> Any:
    """Which have the key, and the owner, of the one before."""
    if not len(keys):
        return pa.array([], pa.bool_())
    same = (_pc.equal(one.slice(1), one.slice(0, len(one) - 1)) for one in (keys, owners))
    return pa.concat_arrays([pa.array([False]), _pc.and_(*same)])


def _read(cursor: Cursor, elements: Cursor, offsets: Any, read: Read) -> Several:
    found = Several(read(elements), offsets)
    elements.end()
    if _pc.any(elements.bad).as_py():
        cursor.mark(found.with_one_of(elements.bad))
    return found


def _packs(cursor: Cursor, present: Any, tag_size: int) -> Any:
    """Bytes of the packs, none where there is none."""

    def read(some: Cursor) -> RawColumn:
        some.skip(tag_size)
        return Plain(some.sized())

    found = where(present, cursor, read)
    plain: Any = found.inner
    return _pc.coalesce(plain.values.take(found.index), pa.scalar(b"", pa.binary()))


def _unpacked(packs: Any, cursor: Cursor, size: int | None) -> Places:
    blocks = Cursor.of(packs, None, 0)
    wrong = blocks.ends_within(size)
    if cursor.mark(wrong):
        return _unpacked(_pc.if_else(wrong, pa.scalar(b"", pa.binary()), packs), cursor, size)
    edges = pa.concat_arrays([pa.array([0], _INT64), blocks.ends])
    if size is not None:
        offsets = _pc.divide(edges, size)
        stops = _pc.multiply(_pc.add(row_numbers(offsets[-1].as_py()), 1), size)
    else:
        last = blocks.last_groups()
        offsets = pa.concat_arrays([pa.array([0], _INT64), _pc.cumulative_sum(last.cast(_INT64))]).take(edges)
        stops = _pc.add(_pc.indices_nonzero(last).cast(_INT64), 1)
    starts = pa.concat_arrays([pa.array([0], _INT64), stops]).slice(0, len(stops))
    return blocks.among(starts, stops), offsets


def _apart(cursor: Cursor, tag: bytes, skip: Skip) -> Places:
    """Of elements that have a field each: one of each message that has more, then the next."""
    rest, owner = cursor, row_numbers(len(cursor))
    owners, starts, stops = [owner.slice(0, 0)], [cursor.at.slice(0, 0)], [cursor.at.slice(0, 0)]
    for _ in range(_MOST):
        present = rest.begins(tag)
        if not _pc.any(present).as_py():
            break
        rows = _pc.indices_nonzero(present)
        rest, owner = rest.some(rows), owner.take(rows)
        rest.skip(len(tag))
        starts.append(rest.at)
        skip(rest)
        stops.append(rest.at)
        owners.append(owner)
    return _in_order(cursor, pa.concat_arrays(owners), pa.concat_arrays(starts), pa.concat_arrays(stops))


def _in_order(cursor: Cursor, owners: Any, starts: Any, stops: Any) -> Places:
    """Elements of a message behind one another; it goes on behind the last of them."""
    order = _pc.sort_indices(owners)  # keeps the order of those that are equal
    counted = _pc.value_counts(owners.take(order))
    index = _pc.index_in(row_numbers(len(cursor)), value_set=counted.field("values"))
    counts = _pc.coalesce(counted.field("counts").take(index), pa.scalar(0, _INT64))
    until = _pc.cumulative_sum(counts)
    starts, stops = starts.take(order), stops.take(order)
    last = _pc.if_else(_pc.greater(counts, 0), _pc.subtract(until, 1), _NONE)
    cursor.at = _pc.coalesce(stops.take(last), cursor.at)
    return cursor.among(starts, stops), pa.concat_arrays([pa.array([0], _INT64), until])
