"""Arrow schemas of what travels, and the numbers of its rows."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

HEADERS = pa.list_(pa.struct([pa.field("key", pa.string()), pa.field("value", pa.binary())]))

_KEPT = 1 << 14  # numbers of rows: as many as a piece of a batch has messages

_RAW: list[pa.Field[Any]] = [
    pa.field("partition", pa.int64(), nullable=False),
    pa.field("offset", pa.int64(), nullable=False),
    pa.field("timestamp_ms", pa.int64()),  # null: the message carries no timestamp
    pa.field("key", pa.binary()),
    pa.field("value", pa.binary()),  # null: a tombstone
    pa.field("headers", HEADERS),
]
RAW_SCHEMA = pa.schema(_RAW)
"""Messages as read: one row per message, in the order of arrival (ascending offsets within a partition)."""

_DEAD: list[pa.Field[Any]] = [
    pa.field("_kafka_partition", pa.int64(), nullable=False),
    pa.field("_kafka_offset", pa.int64(), nullable=False),
    pa.field("_kafka_timestamp", pa.timestamp("us", tz="UTC"), nullable=False),
    pa.field("_kafka_key", pa.binary()),
    pa.field("_kafka_value", pa.binary()),
    pa.field("_kafka_headers", HEADERS),
    pa.field("_kafka_end_offset", pa.int64()),  # only for stage "lost": first offset that is still there
    pa.field("stage", pa.string(), nullable=False),  # decode, validate, key, tombstone, load, lost
    pa.field("reason", pa.string(), nullable=False),  # short and stable, to group by
    pa.field("error", pa.string()),  # for people; at most 1,024 characters, no payload
    pa.field("schema_id", pa.int64()),
]
DEAD_LETTER_SCHEMA = pa.schema(_DEAD)
"""Messages that could not be used, whole, and ranges that Kafka no longer has."""


def whole_numbers(array: pa.Array[Any]) -> list[int]:
    """An int64 array without nulls as Python's numbers, in a sixth of the time that ``to_pylist`` takes."""
    data = array.buffers()[1]
    if data is None:
        return []
    return memoryview(data).cast("b").cast("q")[array.offset : array.offset + len(array)].tolist()


def first_and_last(partitions: Sequence[int], offsets: Sequence[int]) -> tuple[dict[int, int], dict[int, int]]:
    """The first and the last offset of each partition; they ascend within one, and there is at least one."""
    if partitions.count(partitions[0]) == len(partitions):  # as most polls are
        return {partitions[0]: offsets[0]}, {partitions[0]: offsets[-1]}
    backwards = zip(reversed(partitions), reversed(offsets), strict=True)
    return dict(backwards), dict(zip(partitions, offsets, strict=True))


def row_numbers(count: int, first: int = 0) -> pa.Array[Any]:
    """``count`` numbers from ``first`` on, as int64. Of a Python range each would be a Python object for a moment."""
    if not first and count <= _KEPT:
        return _kept().slice(0, count)
    return _counted(count, first)


@lru_cache(maxsize=1)
def _kept() -> pa.Array[Any]:
    return _counted(_KEPT, 0)


def _counted(count: int, first: int) -> pa.Array[Any]:
    return pc.cumulative_sum(pa.repeat(pa.scalar(1, pa.int64()), count), start=pa.scalar(first - 1, pa.int64()))
