"""Rules about partitions: which column can be one, and what may be asked of a MERGE that looks for rows in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_kafka_bq.config.messages import require
from airflow_kafka_bq.config.names import SET_BY_SQL, lower
from airflow_kafka_bq.config.partitioning import IntegerRange, Layout

if TYPE_CHECKING:
    from airflow_kafka_bq.config.job import JobConfig


def column_of(job: JobConfig) -> str | None:
    """Column that a new table is partitioned by, the default resolved."""
    if job.partition_by is None:
        return "_kafka_timestamp" if job.kafka_columns == "all" else None
    return None if job.partition_by == "none" else job.partition_by.column.lower()


def _layout(job: JobConfig) -> Layout | None:
    """What the job says; None for the default and for none."""
    return None if job.partition_by in {None, "none"} else job.partition_by  # type: ignore[return-value]  # just looked


def _by_ingestion(job: JobConfig) -> bool:
    found = _layout(job)
    return found is not None and found.by_ingestion


def _in_key(job: JobConfig) -> bool:
    return column_of(job) in lower(job.key_columns)


def _partitioning(job: JobConfig) -> None:
    column = column_of(job)
    require(column not in SET_BY_SQL, f"partition_by names {column}, which no message has: no MERGE could prune by it")
    require(
        not (job.partition_immutable and job.on_duplicate == "update" and column and column.startswith("_kafka_"))
        or _in_key(job),
        f"partition_immutable contradicts on_duplicate='update' with partitions by {column}: "
        "each newer message brings its own",
        "partition_by a column of the message that never changes for a key, or leave partition_immutable out",
    )
    require(
        not (job.partition_immutable and _by_ingestion(job)),
        "partition_immutable contradicts partition_by='_PARTITIONTIME': a message that is read again is written at "
        "another time",
        "leave partition_immutable out; dedup_window bounds the MERGE",
    )


def _table_options(job: JobConfig) -> None:
    column, options = column_of(job), job.table_options
    needs = sorted({"partition_expiration_days", "require_partition_filter"} & set(options))
    require(
        column or not needs,
        f"table_options names {needs}, and the table has no partitions",
        "name a column in partition_by",
    )
    require(
        "partition_expiration_days" not in options or not isinstance(_layout(job), IntegerRange),
        "table_options: partition_expiration_days means nothing for partitions by whole numbers, which have no age",
        "leave it out",
    )
    prunes = _in_key(job) or job.by_coordinates or job.partition_immutable
    require(
        not options.get("require_partition_filter") or (prunes and not _by_ingestion(job)) or job.dedup_window,
        "table_options: require_partition_filter makes BigQuery refuse a MERGE that cannot prune",
        "set dedup_window: when a row was written tells nothing of its key"
        if _by_ingestion(job)
        else "put the partition column into dedup_key, or state partition_immutable if it never changes for a key",
    )
    require(
        not options.get("require_partition_filter") or not job.removes,
        f"table_options: require_partition_filter contradicts on_tombstone={job.tombstones!r}: "
        "a tombstone does not say in which partition its row is",
        "leave one of the two out",
    )


def _dedup_window(job: JobConfig) -> None:
    if job.dedup_window is None:
        return
    wanted = "dedup_window needs"
    require(
        job.dedup_key or _by_ingestion(job),
        f"{wanted} a dedup_key: coordinates are looked for in their own days",
    )
    require(column_of(job), f"{wanted} partitions, and the table has none", "name a column in partition_by")
    require(
        not isinstance(_layout(job), IntegerRange),
        f"{wanted} partitions by time, and partition_by has ranges of whole numbers",
        "partition_by a column with a time, or put this one into dedup_key",
    )
    prunes = job.partition_immutable or _in_key(job)
    require(not prunes, f"{wanted} a MERGE that does not prune: this one does already", "leave dedup_window out")


ALL = (_partitioning, _table_options, _dedup_window)
