"""Bytes: what a statement would be billed for, by the documented rules.

https://cloud.google.com/bigquery/docs/estimate-costs and
https://cloud.google.com/bigquery/docs/reference/standard-sql/dml-syntax#on-demand_query_size_calculation: referenced
columns of the partitions that constants leave, and, where rows are updated or deleted, all columns of these partitions
as well. What clustering saves is not known before a query runs, and not counted.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from airflow_kafka_bq.testing.bigquery.front.catalog import Catalog
from airflow_kafka_bq.testing.bigquery.front.door import Door, Key, Resource
from airflow_kafka_bq.testing.bigquery.front.errors import BigQueryError, invalid_query
from airflow_kafka_bq.testing.bigquery.front.ingestion import INGESTION_TIME, STORED
from airflow_kafka_bq.testing.bigquery.front.pruning import (
    Partition,
    PartitionColumn,
    is_filter,
    may_hold,
    partition_at,
    range_at,
)
from airflow_kafka_bq.testing.bigquery.front.scans import Scan, scans_of
from airflow_kafka_bq.testing.bigquery.front.statements import Statement

_LEAST_BILLED_BYTES = 10 * 1024 * 1024


@dataclass(frozen=True)
class _Profile:
    version: tuple[str, str]
    field: str | None
    widths: dict[str, float]
    partitions: list[tuple[Partition, int]]


class Estimator:
    """Estimates bytes; what it learns of a table is kept until its rows or columns change in number.

    Args:
        door: The way to the emulator.
        catalog: The tables.
    """

    def __init__(self, door: Door, catalog: Catalog) -> None:
        self._door = door
        self._catalog = catalog
        self._lock = threading.Lock()
        self._known: dict[Key, _Profile] = {}

    def bytes_of(self, statement: Statement) -> dict[Key, int]:
        """Bytes that the statement reads, per table.

        Raises:
            BigQueryError: 400: a table that requires a partition filter has none; 404: there is no such table.
        """
        read: dict[Key, int] = {}
        for scan in scans_of(statement):
            read[scan.key] = read.get(scan.key, 0) + self._bytes(scan)
        return read

    def _bytes(self, scan: Scan) -> int:
        resource = self._catalog.get(scan.key)
        profile = self._profile(scan.key, resource)
        column = PartitionColumn(profile.field, scan.alias) if profile.field else None
        condition = exp.and_(*[part.copy() for part in scan.conditions]) if scan.conditions else None
        _check_filter(scan, resource, column, condition)
        rows = sum(
            count
            for partition, count in profile.partitions
            if column is None or condition is None or may_hold(condition, column, partition)
        )
        every = sum(profile.widths.values())
        referenced = (
            every
            if scan.columns is None
            else sum(width for name, width in profile.widths.items() if name.lower() in scan.columns)
        )
        return round(rows * (referenced + (every if scan.rewrites else 0)))

    def _profile(self, key: Key, resource: Resource) -> _Profile:
        version = resource["etag"], resource["numRows"]
        with self._lock:
            known = self._known.get(key)
        if known is not None and known.version == version:
            return known
        field, unit, ranges = _layout(resource)
        stored = STORED if field == INGESTION_TIME else field
        fields = resource["schema"]["fields"]
        found = self._door.call("profile", key=list(key), fields=fields, field=stored, unit=unit, ranges=ranges)
        partitions = [
            (range_at(place, ranges) if ranges else partition_at(place, unit), count)
            for place, count in found["partitions"]
        ]
        profile = _Profile(version, field, found["widths"], partitions)
        with self._lock:
            self._known[key] = profile
        return profile


def _layout(resource: Resource) -> tuple[str | None, str, dict[str, str] | None]:
    """(partition column, its unit, its ranges of whole numbers)."""
    if by := resource.get("rangePartitioning"):
        return by["field"], "", by["range"]
    time = resource.get("timePartitioning")
    return (time.get("field") or INGESTION_TIME, time.get("type", "DAY"), None) if time else (None, "DAY", None)


def _check_filter(scan: Scan, resource: Resource, column: PartitionColumn | None, condition: exp.Expr | None) -> None:
    partitioning = resource.get("timePartitioning") or {}
    required = resource.get("requirePartitionFilter") or partitioning.get("requirePartitionFilter")
    if required and column is not None and not is_filter(condition, column):
        raise invalid_query(
            f"Cannot query over table '{'.'.join(scan.key)}' without a filter over column(s) "
            f"'{column.name}' that can be "
            "used for partition elimination"
        )


class Budget:
    """Bytes of the statements of one job, against its limit.

    Args:
        estimator: Counts.
        limit: `maximumBytesBilled`, of the whole job.
        statement_limit: `scriptOptions.statementByteBudget`, of each statement of a script
            (https://cloud.google.com/bigquery/docs/reference/rest/v2/Job#scriptoptions).
    """

    def __init__(self, estimator: Estimator, limit: int | None, statement_limit: int | None = None) -> None:
        self._estimator = estimator
        self._limit = limit
        self._statement_limit = statement_limit
        self._processed = 0
        self._billed = 0

    def spend(self, statement: Statement) -> dict[str, Any]:
        """Count a statement before it runs; its part of the statistics.

        Raises:
            BigQueryError: bytesBilledLimitExceeded.
        """
        read = self._estimator.bytes_of(statement)
        processed = sum(read.values())
        billed = sum(max(size, _LEAST_BILLED_BYTES) for size in read.values())
        for limit, needed in ((self._limit, self._billed + billed), (self._statement_limit, billed)):
            if limit is not None and needed > limit:
                raise BigQueryError(
                    "bytesBilledLimitExceeded",
                    f"Query exceeded limit for bytes billed: {limit}. {needed} or higher required.",
                )
        self._processed += processed
        self._billed += billed
        return {"totalBytesProcessed": str(processed), "totalBytesBilled": str(billed), "cacheHit": False}

    def totals(self) -> dict[str, str]:
        """Bytes of all statements so far."""
        return {"totalBytesProcessed": str(self._processed), "totalBytesBilled": str(self._billed)}
