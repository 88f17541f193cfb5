"""Kafka's side of each message as columns."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from airflow_kafka_bq.batch import HEADERS
from airflow_kafka_bq.formats.lists import lists_of

_TIMESTAMP = pa.timestamp("us", tz="UTC")
# 1960-01-01 and 2160-01-01, UTC: the years that a partition by hour or day can be made for.
_FIRST = pa.scalar(-315_619_200_000, pa.int64())
_END = pa.scalar(5_995_814_400_000, pa.int64())


def kafka_timestamps(milliseconds: Any) -> tuple[Any, int]:
    """``_kafka_timestamp``, and how many were replaced.

    It is part of the coordinate key and never NULL. The rule depends on the record alone: with the clock in it, a
    replay would find another timestamp, and so another row.
    """
    inside: Any = pc.and_(pc.greater_equal(milliseconds, _FIRST), pc.less(milliseconds, _END))
    replaced = len(milliseconds) - (pc.sum(inside).as_py() or 0)
    if replaced:
        milliseconds = pc.if_else(inside.fill_null(False), milliseconds, pa.scalar(0, pa.int64()))
    return milliseconds.cast(pa.timestamp("ms", tz="UTC")).cast(_TIMESTAMP), replaced


def coordinates(messages: Any, topic: str, key: Any) -> dict[str, Any]:
    """The ``_kafka_*`` columns of these messages (RAW_SCHEMA), by name; ``key`` is decoded already."""
    stamped, _ = kafka_timestamps(messages.column("timestamp_ms"))
    return {
        "_kafka_topic": pa.repeat(topic, messages.num_rows),
        "_kafka_partition": messages.column("partition"),
        "_kafka_offset": messages.column("offset"),
        "_kafka_timestamp": stamped,
        "_kafka_key": key,
        "_kafka_headers": headers(messages.column("headers")),
    }


def headers(found: Any) -> Any:
    """An ARRAY is never NULL: no headers are an empty list."""
    if found.null_count == 0:
        return found
    if isinstance(found, pa.ChunkedArray):
        found = found.combine_chunks()
    return lists_of(found, found.flatten(), HEADERS)  # pc.coalesce of lists takes a microsecond and more for each
