"""Literal bounds of a batch, column by column: what lets a MERGE touch only the partitions that the batch touches.

A bound on a column is right only where equal dedup keys imply equal values of it: for the key's own columns always, for
the partition column where it is part of the key or declared immutable.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from airflow_kafka_bq.batch import ColumnBounds
from airflow_kafka_bq.config import Layout, Partitioning
from airflow_kafka_bq.exceptions import MergeRejectedError
from airflow_kafka_bq.pipeline.partitions import around, floor, partitions, written_since
from airflow_kafka_bq.pipeline.ranges import MAX_VALUES
from airflow_kafka_bq.schema.columns import Column
from airflow_kafka_bq.schema.target import Target
from airflow_kafka_bq.schema.wire import TOMBSTONE, row_schema

MAX_PARTITIONS = 2_000
_MAX_TEXT = 512
_LOOKED_AT = 1_000  # rows that show whether a column has few values
_BOUNDABLE = {"INT64", "STRING", "DATE", "TIMESTAMP", "NUMERIC", "BOOL"}


def looked_at(target: Target) -> tuple[str, ...]:
    """Columns of rows that are looked at behind their file: here, and to see that a dedup key is whole."""
    found = {TOMBSTONE.name, *target.key}
    if target.partitioning and not target.partitioning.by_ingestion:
        found.add(target.partitioning.column)
    lower = {name.lower() for name in found}
    return tuple(name for name in row_schema(target).names if name.lower() in lower)


def of_rows(rows: pa.Table, target: Target, now: datetime | None = None) -> tuple[ColumnBounds, ...]:
    """Bounds of the rows (tombstones apart) for the target's partition and cluster columns.

    :param now: when they are written, as far as can be told: a table by ingestion time has them there.
    """
    live = rows
    if "_tombstone" in rows.column_names and pc.any(rows.column("_tombstone")).as_py():  # else a copy for nothing
        live = rows.filter(pc.invert(rows.column("_tombstone")))
    if not live.num_rows:
        live = rows
    keys = {name.lower() for name in target.key}
    found = []
    partition = target.partitioning
    if isinstance(partition, Partitioning) and partition.by_ingestion:
        since = (now or datetime.now(UTC)) - target.dedup_window if target.dedup_window else None
        found += [written_since(since, partition)] if since else []
    elif partition and (partition.column.lower() in keys or target.immutable):
        _check_immutable(live, target, partition)
        found.append(partitions(live.column(partition.column), partition))
    elif isinstance(partition, Partitioning) and target.dedup_window:
        found.append(around(partitions(live.column(partition.column), partition), target.dedup_window))
    for name in target.cluster_by:
        column = target.column(name)
        if column and name.lower() in keys and not (partition and name == partition.column):
            found += _span(rows.column(column.name), column)
    return tuple(found)


def of_dead_letters(rows: pa.Table) -> tuple[ColumnBounds, ...]:
    """Bounds of dead letters for their table, which is laid out by coordinates."""
    found = [partitions(rows.column("_kafka_timestamp"), Partitioning("_kafka_timestamp"))]
    for name in ("_kafka_partition", "_kafka_offset"):
        found += _span(rows.column(name), Column(name, "INT64"))
    return tuple(found)


def touched(rows: pa.Table, target: Target) -> Any:
    """The target partition of each row; None where all rows go into one."""
    if target.partitioning is None or target.partitioning.by_ingestion or not rows.num_rows:
        return None
    return floor(rows.column(target.partitioning.column), target.partitioning)


def touched_by_dead_letters(letters: pa.Table) -> Any:
    """The partition of each dead letter in its table, which a producer's wild timestamps decide."""
    return floor(letters.column("_kafka_timestamp"), Partitioning("_kafka_timestamp"))


def _span(values: Any, column: Column) -> list[ColumnBounds]:
    if column.type not in _BOUNDABLE or pa.types.is_nested(values.type):
        return []
    distinct = values.slice(0, _LOOKED_AT).unique()
    if len(distinct) <= MAX_VALUES:  # most columns show before that they have more: a hash of all takes half a batch
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


def _check_immutable(rows: pa.Table, target: Target, partition: Layout) -> None:
    """A batch that shows one key with two partition values contradicts ``partition_immutable``."""
    if partition.column.lower() in {name.lower() for name in target.key}:
        return
    keys = [column.name for name in target.key if (column := target.column(name))]
    work = rows.select(keys).append_column("partition", floor(rows.column(partition.column), partition))
    every = pc.CountOptions(mode="all")  # a NULL is a partition too
    counted = work.group_by(keys, use_threads=False).aggregate([("partition", "count_distinct", every)])
    clash = counted.filter(pc.greater(counted.column("partition_count_distinct"), pa.scalar(1, pa.int64())))
    if clash.num_rows:
        message = (
            f"partition_immutable does not hold: {clash.num_rows} keys of this batch have several values of "
            f"{partition.column}"
        )
        raise MergeRejectedError(message, remedy="partition by a column that never changes for a key, or unset it")
