"""Columns to and from the API's schema fields."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa
from google.cloud import bigquery

from airflow_kafka_bq.bigquery.ledger import stamp
from airflow_kafka_bq.config.partitioning import INGESTION_TIME, IntegerRange, Layout, Partitioning
from airflow_kafka_bq.schema.columns import Column
from airflow_kafka_bq.schema.target import TableFacts

_NAMES = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL", "RECORD": "STRUCT"}
_ARROW: tuple[tuple[Callable[[pa.DataType], bool], str], ...] = (
    (pa.types.is_int64, "INT64"),
    (pa.types.is_float64, "FLOAT64"),
    (pa.types.is_boolean, "BOOL"),
    (pa.types.is_string, "STRING"),
    (pa.types.is_binary, "BYTES"),
    (pa.types.is_date32, "DATE"),
    (pa.types.is_timestamp, "TIMESTAMP"),
    (pa.types.is_decimal128, "NUMERIC"),
)
DAY_MILLISECONDS = 86_400_000
_GRAINS = {"HOUR": "hour", "DAY": "day", "MONTH": "month", "YEAR": "year"}


def column(field: bigquery.SchemaField) -> Column:
    """An API field as a column; legacy type names become GoogleSQL's."""
    kind = _NAMES.get(field.field_type, field.field_type)
    inner = tuple(column(one) for one in field.fields)
    limits = {"max_length": field.max_length, "precision": field.precision, "scale": field.scale}
    if limits["precision"] is not None:
        limits["scale"] = limits["scale"] or 0  # NUMERIC(5) has no digit after the point
    tags = field.policy_tags.names if field.policy_tags else ()
    return Column(
        field.name,
        kind,
        field.mode or "NULLABLE",
        inner,
        field.description,
        policy_tag=next(iter(tags), None),
        **limits,
    )


def staged_fields(schema: pa.Schema) -> list[bigquery.SchemaField]:
    """API fields of a staging table, from the Arrow types that its Parquet carries."""
    return [_staged(one.name, one.type) for one in schema]


def _staged(name: str, kind: pa.DataType) -> bigquery.SchemaField:
    if pa.types.is_list(kind):
        element = _staged(name, kind.value_type)
        return bigquery.SchemaField(name, element.field_type, mode="REPEATED", fields=element.fields)
    if pa.types.is_struct(kind):
        return bigquery.SchemaField(name, "RECORD", fields=tuple(_staged(one.name, one.type) for one in kind))
    return bigquery.SchemaField(name, next(sql for holds, sql in _ARROW if holds(kind)))


def facts(table: bigquery.Table) -> TableFacts:
    """What ``tables.get`` says of a table."""
    return TableFacts(
        columns=tuple(column(one) for one in table.schema),
        created_at=stamp(table.created) if table.created else "",
        num_rows=table.num_rows or 0,
        partitioning=_partitioning(table),
        cluster_by=tuple(table.clustering_fields or ()),
        require_partition_filter=bool(table.require_partition_filter),
        is_table=table.table_type == "TABLE",
        options=_options(table),
    )


def _partitioning(table: bigquery.Table) -> Layout | None:
    """By time, by the time of writing where no field is named, or by whole numbers."""
    if time := table.time_partitioning:
        return Partitioning(time.field or INGESTION_TIME, _GRAINS[time.type_])  # type: ignore[arg-type]
    if by := table.range_partitioning:
        return IntegerRange(by.field, int(by.range_.start), int(by.range_.end), int(by.range_.interval))
    return None


def _options(table: bigquery.Table) -> dict[str, Any]:
    """What is set, by the names of ``schema.table_options``."""
    time, encryption = table.time_partitioning, table.encryption_configuration
    milliseconds = time.expiration_ms if time else None
    found: dict[str, Any] = {
        "description": table.description,
        "labels": dict(table.labels or {}),
        "expires": table.expires is not None,
        "partition_expiration_days": int(milliseconds) / DAY_MILLISECONDS if milliseconds else None,
        "require_partition_filter": bool(table.require_partition_filter),
        "kms_key_name": encryption.kms_key_name if encryption else None,
    }
    return {name: value for name, value in found.items() if value}
