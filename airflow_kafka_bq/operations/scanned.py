"""What an audit and a repair look at: the table as it is, and the part of it that is meant."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from airflow_kafka_bq.batch import ColumnBounds, LedgerRow
from airflow_kafka_bq.config.days import Between
from airflow_kafka_bq.config.rules import COORDINATES
from airflow_kafka_bq.exceptions import ConfigError, NotFoundError, SchemaDriftError
from airflow_kafka_bq.inspection import Scan, by_time
from airflow_kafka_bq.pipeline.job import Job
from airflow_kafka_bq.pipeline.partitions import after
from airflow_kafka_bq.pipeline.plan import pipeline_of
from airflow_kafka_bq.pipeline.target import fit
from airflow_kafka_bq.schema.columns import Column
from airflow_kafka_bq.schema.target import TableFacts, Target

_DAY = timedelta(days=1)
_TIMES = {"TIMESTAMP", "DATETIME", "DATE"}


@dataclass(frozen=True, slots=True)
class Scanned:
    """A job's table, its pipeline, and what is looked at."""

    scan: Scan
    facts: TableFacts
    pipeline: str
    ledger: LedgerRow | None

    @property
    def target(self) -> Target:
        """With the columns and the partitioning that the table has."""
        return self.scan.target


def scanned(job: Job, between: Between) -> Scanned:
    """Read Kafka's and BigQuery's word on topic, table and ledger. Changes nothing.

    :raises NotFoundError: no such table or topic. :raises SchemaDriftError: a column of the dedup key is missing.
    :raises ConfigError: a range is given, and the table has no column that it could mean.
    """
    facts = job.warehouse.table(job.target.table)
    if facts is None:
        message = f"table {job.target.table} does not exist"
        raise NotFoundError(message, topic=job.config.topic, remedy="run the job first: it creates the table")
    target = _as_it_is(job.target, facts)
    pipeline = pipeline_of(job.source.describe())
    ledger = job.warehouse.ledger(target, pipeline) if job.config.fence == "ledger" else None
    day = _day_column(target)
    return Scanned(Scan(target, day, _bounds(target, day, between)), facts, pipeline, ledger)


def _as_it_is(target: Target, facts: TableFacts) -> Target:
    """The target with the columns that are there; a table of others may have none of Kafka's."""
    there = tuple(column for column in target.columns if facts.column(column.name) is not None)
    names = {column.name.lower() for column in there}
    if missing := [name for name in target.key if name.lower() not in names]:
        message = f"table {target.table} has no column {missing[0]!r}, which the dedup key names"
        raise SchemaDriftError(message, remedy="run the job first: it adds columns; or name another dedup_key")
    if not set(COORDINATES) <= names:
        there = tuple(column for column in there if not column.name.startswith("_kafka_"))
    version = tuple(name for name in target.version if name.lower() in names)
    soft = target.soft_delete and "_deleted_at" in names
    return fit(replace(target, columns=there, version=version, soft_delete=soft), facts)


def _day_column(target: Target) -> Column | None:
    """The partition column, which bounds what is read; else the timestamp of the message."""
    by = by_time(target)
    column = target.column(by.column) if by else target.column("_kafka_timestamp")
    return column if column is not None and column.type in _TIMES else None


def _bounds(target: Target, day: Column | None, between: Between) -> ColumnBounds | None:
    if between.everything:
        return None
    if day is None:
        message = f"table {target.table} has no column of time that a range could mean"
        raise ConfigError(message, remedy="leave the range out: the whole table is looked at")
    low = _typed(between.since or datetime(1, 1, 1, tzinfo=UTC), day)
    high = None if between.until is None else _typed(between.until, day, up=True)
    return ColumnBounds(day.name, ((low, high),))


def _typed(moment: datetime, column: Column, *, up: bool = False) -> Any:
    """The moment as the column's type has it; a DATE that it lies within is meant whole."""
    if column.type == "TIMESTAMP":
        return moment
    if column.type == "DATETIME":
        return moment.replace(tzinfo=None)
    whole: date = moment.date()
    return whole + _DAY if up and moment.time() != datetime.min.time() else whole


def whole_partitions(seen: Scanned) -> Scanned:
    """The same, its range widened to partitions that it touches: rows are removed by whole partitions."""
    by, bounds = by_time(seen.target), seen.scan.bounds
    if by is None or bounds is None:
        return seen
    ((low, high),) = bounds.ranges
    first = start_of(low, by.granularity)
    last = (
        high
        if high is None or start_of(high, by.granularity) == high
        else after(start_of(high, by.granularity), by.granularity)
    )
    return replace(seen, scan=replace(seen.scan, bounds=ColumnBounds(bounds.column, ((first, last),))))


def start_of(value: Any, granularity: str) -> Any:
    """Start of the partition that a time or a day lies in."""
    if granularity in {"month", "year"}:
        value = value.replace(day=1, month=1 if granularity == "year" else value.month)
    if not isinstance(value, datetime):
        return value
    return value.replace(minute=0, second=0, microsecond=0, hour=value.hour if granularity == "hour" else 0)
