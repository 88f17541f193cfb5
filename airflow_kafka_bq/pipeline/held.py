"""Where a batch lies while it waits: in memory of its own, and not among what parsing makes and drops.

An allocator gives a block back to the system only when all that lies around it is free. What stays for seconds and what
stays for a moment would keep each other's pages: measured, 157 MiB for 85 that were in use.
"""

from __future__ import annotations

import mmap
import weakref
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow as pa

from airflow_kafka_bq.formats.records import Records

_END_OF_STREAM_BYTES = 8
_ROOM = 32  # a place has a bit more than is asked for: the next piece may be a little larger
# Where the system can, all pages at once: one at a time, when they are first written, costs twice as much.
_FLAGS = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | getattr(mmap, "MAP_POPULATE", 0)
_LOOSE = 8  # what lies in a place that is an eighth too large wastes that much, and no more


@dataclass(slots=True)
class Places:
    """Stretches of memory, each for one piece; those of a batch that is done with are used again.

    New memory costs as much time as two copies into memory that was there. There are never more places than pieces were
    alive at a time. Several threads may ask.
    """

    _free: list[mmap.mmap] = field(default_factory=list)
    _closed: bool = False

    def held(self, messages: pa.RecordBatch) -> pa.RecordBatch:
        """The same, copied into a place that is taken until the last of its columns is dropped.

        :raises MemoryError: there is not enough.
        """
        size = messages.schema.serialize().size + pa.ipc.get_record_batch_size(messages) + _END_OF_STREAM_BYTES
        place = pa.py_buffer(self._taken(size))
        with pa.FixedSizeBufferWriter(place) as sink, pa.ipc.new_stream(sink, messages.schema) as writer:
            writer.write_batch(messages)
        return pa.ipc.open_stream(place).read_next_batch()

    def held_rows(self, parsed: Records, messages: pa.RecordBatch) -> Records:
        """Rows that were made of ``messages``, which are held: what they do not share with those is held as well."""
        rows, span = parsed.rows, _span(messages)
        own = [name for name, column in zip(rows.schema.names, rows.columns, strict=True) if not _inside(column, span)]
        batches = rows.select(own).combine_chunks().to_batches()
        if len(batches) != 1:  # none, or texts beyond 2 GiB, which are no one column
            return parsed
        batch = self.held(batches[0])
        for name in own:
            at = rows.schema.get_field_index(name)
            rows = rows.set_column(at, rows.schema.field(at), batch.column(name))
        return replace(parsed, rows=rows)

    def close(self) -> None:
        """What is free goes to the system, and what is still taken as soon as it is dropped."""
        self._closed = True
        self._free.clear()

    def _taken(self, size: int) -> memoryview:
        found = self._fitting(size)
        if found is None:
            found = _asked(size + size // _ROOM)
        view = memoryview(found)[:size]
        weakref.finalize(view, self._dropped, found).atexit = False  # Arrow has it as long as anybody has a column
        return view

    def _fitting(self, size: int) -> mmap.mmap | None:
        fitting = [one for one in [*self._free] if size <= len(one) <= size + size // _LOOSE]
        for one in sorted(fitting, key=len):
            try:
                self._free.remove(one)
            except ValueError:  # another thread was faster
                continue
            return one
        del self._free[:1]  # in its stead there will be one of this size
        return None

    def _dropped(self, place: mmap.mmap) -> None:
        if not self._closed:
            self._free.append(place)


def _asked(size: int) -> mmap.mmap:
    try:
        return mmap.mmap(-1, size, flags=_FLAGS)
    except OSError as error:  # it would not be taken for what it is
        raise MemoryError(f"no {size} bytes for messages") from error


def _buffers(array: pa.Array[Any]) -> list[pa.Buffer]:
    return [one for one in array.buffers() if one is not None]


def _span(messages: pa.RecordBatch) -> tuple[int, int]:
    found = [one for column in messages.columns for one in _buffers(column)]
    return min(one.address for one in found), max(one.address + one.size for one in found)


def _inside(column: Any, span: tuple[int, int]) -> bool:
    """Whether a column lies in what is held already: a copy would be a second one."""
    return all(span[0] <= one.address < span[1] for chunk in column.chunks for one in _buffers(chunk))
