"""Columns that parameters name: are they there, and can they serve?"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import replace

from airflow_kafka_bq.config import IntegerRange, Layout, Partitioning
from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.schema.columns import Column

_PARTITIONED = {"DATE", "TIMESTAMP", "DATETIME"}
_WHY_NOT_GROUPABLE = {
    "FLOAT64": "FLOAT64 equality is inexact",
    "JSON": "JSON cannot be compared",
    "STRUCT": "a STRUCT cannot be compared",
}


def named(parameter: str, name: str, columns: Sequence[Column]) -> Column:
    """The top-level column of that name, without regard to case.

    :raises ConfigError: there is none; names the nearest.
    """
    found = next((column for column in columns if column.name.lower() == name.lower()), None)
    if found is None:
        known = [column.name for column in columns]
        near = difflib.get_close_matches(name, known, 1)
        remedy = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"
        raise ConfigError(f"{parameter} names the column {name!r}, which is not there", remedy=remedy)
    return found


def key(names: Sequence[str], columns: Sequence[Column]) -> tuple[str, ...]:
    """Dedup key, spelled as the columns are. :raises ConfigError: a column is missing or cannot be compared."""
    return tuple(_comparable("dedup_key", name, columns, "cannot be part of a key") for name in names)


def version(names: Sequence[str], columns: Sequence[Column]) -> tuple[str, ...]:
    """Version columns; FLOAT64 has an order and may be one. :raises ConfigError: missing, or without an order."""
    return tuple(_comparable("version", name, columns, "has no order", allowed="FLOAT64") for name in names)


def _comparable(parameter: str, name: str, columns: Sequence[Column], cannot: str, allowed: str = "") -> str:
    column = named(parameter, name, columns)
    if column.groupable or (column.type == allowed and column.mode != "REPEATED"):
        return column.name
    kind = "ARRAY" if column.mode == "REPEATED" else column.type
    why = _WHY_NOT_GROUPABLE.get(kind, f"an {kind} cannot be compared")
    raise ConfigError(f"{parameter}: {column.name!r} is {kind} and {cannot}: {why}")


def partitioning(wanted: Layout, columns: Sequence[Column]) -> Layout:
    """Partitioning that BigQuery takes, with the column spelled as it is.

    https://cloud.google.com/bigquery/docs/partitioned-tables#types_of_partitioning

    :raises ConfigError: the column is missing or of another type; DATE by hour.
    """
    if wanted.by_ingestion:
        return wanted
    column = named("partition_by", wanted.column, columns)
    kind = "ARRAY" if column.mode == "REPEATED" else column.type
    if isinstance(wanted, IntegerRange):
        if kind != "INT64":
            raise ConfigError(f"partition_by: {column.name!r} is {kind}; ranges of whole numbers need INT64")
        return replace(wanted, column=column.name)
    if kind not in _PARTITIONED:
        remedy = "give column, start, end and interval" if kind == "INT64" else None
        raise ConfigError(
            f"partition_by: {column.name!r} is {kind}; partitions need DATE, TIMESTAMP or DATETIME", remedy=remedy
        )
    if kind == "DATE" and wanted.granularity == "hour":
        raise ConfigError(f"partition_by: {column.name!r} is a DATE and has no hours", remedy="use day, month or year")
    return Partitioning(column.name, wanted.granularity)


def clustering(names: Sequence[str], columns: Sequence[Column]) -> tuple[str, ...]:
    """Cluster columns. :raises ConfigError: missing, named twice, or of a type that BigQuery does not cluster by."""
    found = [named("cluster_by", name, columns) for name in names]
    for column in found:
        if not column.clusterable:
            kind = "ARRAY" if column.mode == "REPEATED" else column.type
            raise ConfigError(f"cluster_by: BigQuery does not cluster by {kind} ({column.name!r})")
    if len({column.name for column in found}) < len(found):
        raise ConfigError(f"cluster_by names a column twice: {', '.join(names)}")
    return tuple(column.name for column in found)
