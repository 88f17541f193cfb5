"""Literal bounds of a batch, column by column: what lets a MERGE touch only the partitions that the batch touches.

A bound on a column is right only where equal dedup keys imply equal values of it: for the key's own columns always, for
the partition column where it is part of the key or declared immutable.
"""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from airflow_kafka_bq.batch import ColumnBounds
from airflow_kafka_bq.config import Partitioning
from airflow_kafka_bq.exceptions import MergeRejectedError
from airflow_kafka_bq.pipeline.ranges import MAX_VALUES, few_ranges
from airflow_kafka_bq.schema.columns import Column
from airflow_kafka_bq.schema.target import Target

MAX_PARTITIONS = 2_000
_MAX_TEXT = 512
_DAY = timedelta(days=1)
_BOUNDABLE = {"INT64", "STRING", "DATE", "TIMESTAMP", "NUMERIC", "BOOL"}


def of_rows(rows: pa.Table, target: Target) -> tuple[ColumnBounds, ...]:
    """Bounds of the rows (tombstones apart) for the target's partition and cluster columns."""
    live = rows
    if "_tombstone" in rows.column_names and pc.any(rows.column("_tombstone")).as_py():  # else a copy for nothing
        live = rows.filter(pc.invert(rows.column("_tombstone")))
    if not live.num_rows:
        live = rows
    keys = {name.lower() for name in target.key}
    found = []
    partition = target.partitioning
    if partition and (partition.column.lower() in keys or target.immutable):
        _check_immutable(live, target, partition)
        found.append(_partitions(live.column(partition.column), partition))
    elif partition and target.dedup_window:
        found.append(_around(_partitions(live.column(partition.column), partition), target.dedup_window))
    for name in target.cluster_by:
        column = target.column(name)
        if column and name.lower() in keys and not (partition and name == partition.column):
            found += _span(rows.column(column.name), column)
    return tuple(found)


def of_dead_letters(rows: pa.Table) -> tuple[ColumnBounds, ...]:
    """Bounds of dead letters for their table, which is laid out by coordinates."""
    found = [_partitions(rows.column("_kafka_timestamp"), Partitioning("_kafka_timestamp"))]
    for name in ("_kafka_partition", "_kafka_offset"):
        found += _span(rows.column(name), Column(name, "INT64"))
    return tuple(found)


def touched(rows: pa.Table, target: Target) -> Any:
    """The target partition of each row; None for a table without time partitioning."""
    if target.partitioning is None or not rows.num_rows:
        return None
    return _floor(rows.column(target.partitioning.column), target.partitioning)


def touched_by_dead_letters(letters: pa.Table) -> Any:
    """The partition of each dead letter in its table, which a producer's wild timestamps decide."""
    return _floor(letters.column("_kafka_timestamp"), Partitioning("_kafka_timestamp"))


def _floor(values: Any, partition: Partitioning) -> Any:
    if pa.types.is_string(values.type):  # DATETIME travels as text
        values = pc.cast(values, pa.timestamp("us"))
    return pc.floor_temporal(values, unit=partition.granularity)


def _partitions(values: Any, partition: Partitioning) -> ColumnBounds:
    """Half-open ranges of touched partitions, neighbours joined, the nearest joined until few enough are left."""
    floors = sorted(value for value in _floor(values, partition).unique().to_pylist() if value is not None)
    ranges = few_ranges([(low, _after(low, partition.granularity)) for low in floors])
    return ColumnBounds(partition.column, ranges, has_null=values.null_count > 0)


def _around(found: ColumnBounds, window: timedelta) -> ColumnBounds:
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


def _after(low: Any, granularity: str) -> Any:
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


def _span(values: Any, column: Column) -> list[ColumnBounds]:
    if column.type not in _BOUNDABLE or pa.types.is_nested(values.type):
        return []
    distinct = values.unique()
    if len(distinct) <= MAX_VALUES and column.type != "TIMESTAMP":
        some = tuple(value for value in distinct.to_pylist() if value is not None)
        if all(not isinstance(value, str) or len(value) <= _MAX_TEXT for value in some):
            return [ColumnBounds(column.name, (), some)] if some else []
    if column.type == "BOOL":
        return []
    low, high = (value.as_py() for value in pc.min_max(values).values())
    if isinstance(low, str) and max(len(low), len(high)) > _MAX_TEXT:
        return []
    return [ColumnBounds(column.name, ((low, high),))] if low is not None else []


def _check_immutable(rows: pa.Table, target: Target, partition: Partitioning) -> None:
    """A batch that shows one key with two partition values contradicts ``partition_immutable``."""
    if partition.column.lower() in {name.lower() for name in target.key}:
        return
    keys = [column.name for name in target.key if (column := target.column(name))]
    work = rows.select(keys).append_column("partition", _floor(rows.column(partition.column), partition))
    every = pc.CountOptions(mode="all")  # a NULL is a partition too
    counted = work.group_by(keys, use_threads=False).aggregate([("partition", "count_distinct", every)])
    clash = counted.filter(pc.greater(counted.column("partition_count_distinct"), pa.scalar(1, pa.int64())))
    if clash.num_rows:
        message = (
            f"partition_immutable does not hold: {clash.num_rows} keys of this batch have several values of "
            f"{partition.column}"
        )
        raise MergeRejectedError(message, remedy="partition by a column that never changes for a key, or unset it")
