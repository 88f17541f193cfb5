"""Partitions that values fall into, as ranges of the partition column."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from airflow_kafka_bq.batch import ColumnBounds
from airflow_kafka_bq.config import IntegerRange, Layout, Partitioning
from airflow_kafka_bq.pipeline.ranges import few_ranges

_DAY = timedelta(days=1)


def floor(values: Any, partition: Layout) -> Any:
    """The partition of each value: the time at which it starts, or the number of its range."""
    if isinstance(partition, IntegerRange):
        return _numbers(values, partition)
    if pa.types.is_string(values.type):  # DATETIME travels as text
        values = pc.cast(values, pa.timestamp("us"))
    elif pa.types.is_timestamp(values.type):  # in UTC; to ask for its offset at each value costs more than all else
        return pc.floor_temporal(values.cast(pa.timestamp("us")), unit=partition.granularity).cast(values.type)
    return pc.floor_temporal(values, unit=partition.granularity)


def _numbers(values: Any, partition: IntegerRange) -> Any:
    """Ranges from 0 on; -1 for what lies below them all, and the number behind the last for what lies above."""
    start, end, interval, behind, before = (
        pa.scalar(one, pa.int64())
        for one in (partition.start, partition.end, partition.interval, partition.partitions, -1)
    )
    below, above = pc.less(values, start), pc.greater_equal(values, end)
    inside = pc.if_else(pc.or_(below, above), start, values)  # else the distance may not fit into 64 bits
    numbers = pc.divide(pc.subtract(inside, start), interval)
    return pc.if_else(below, before, pc.if_else(above, behind, numbers))


def partitions(values: Any, partition: Layout) -> ColumnBounds:
    """Half-open ranges of touched partitions, neighbours joined, the nearest joined until few enough are left."""
    floors = sorted(value for value in floor(values, partition).unique().to_pylist() if value is not None)
    ranges = few_ranges([_ends(one, partition) for one in floors])
    return ColumnBounds(partition.column, ranges, has_null=values.null_count > 0)


def around(found: ColumnBounds, window: timedelta) -> ColumnBounds:
    """The same partitions, and those that lie no further away than the window."""
    wide = [(_moved(low, -window), None if high is None else _moved(high, window)) for low, high in found.ranges]
    return replace(found, ranges=few_ranges(wide))


def _moved(value: Any, by: timedelta) -> Any:
    """A DATE moves by whole days, never by fewer than were asked for; None and the first day stand for too far."""
    whole = by if isinstance(value, datetime) else timedelta(days=math.copysign(math.ceil(abs(by) / _DAY), by.days))
    try:
        return value + whole
    except OverflowError:
        first = datetime.min.replace(tzinfo=value.tzinfo) if isinstance(value, datetime) else date.min
        return None if by > timedelta() else first


def _ends(floor: Any, partition: Layout) -> tuple[Any, Any]:
    """Half-open range of a partition's values; None for an end that is open."""
    if isinstance(partition, Partitioning):
        return floor, after(floor, partition.granularity)
    if floor < 0:
        return None, partition.start
    low = partition.start + floor * partition.interval
    return (partition.end, None) if low >= partition.end else (low, min(partition.end, low + partition.interval))


def after(low: Any, granularity: str) -> Any:
    """Start of the next partition; None after the last one that a date can name."""
    try:
        return _next(low, granularity)
    except (OverflowError, ValueError):
        return None


def _next(low: Any, granularity: str) -> Any:
    if granularity == "hour":
        return low + timedelta(hours=1)
    if granularity == "day":
        return low + timedelta(days=1)
    if granularity == "month":
        return low.replace(year=low.year + low.month // 12, month=low.month % 12 + 1)
    return low.replace(year=low.year + 1)


def written_since(moment: datetime, partition: Partitioning) -> ColumnBounds:
    """Partitions of ingestion time from this moment on; what was streamed in lately is in none yet, and NULL there."""
    first = floor(pa.array([moment], pa.timestamp("us", tz="UTC")), partition)[0].as_py()
    return ColumnBounds(partition.column, ((first, None),), has_null=True)
