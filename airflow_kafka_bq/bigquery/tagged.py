"""Tables with policy tags: no DDL statement sets one, so these are made through the API, tags and all in one request.

https://cloud.google.com/bigquery/docs/column-level-security ; made by DDL and tagged afterwards, a table would stay
untagged where the process dies in between.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from google.api_core import exceptions as google
from google.cloud import bigquery

from airflow_kafka_bq.bigquery.ddl import DESCRIPTION_CHARACTERS, number
from airflow_kafka_bq.bigquery.fields import DAY_MILLISECONDS
from airflow_kafka_bq.bigquery.jobs import ONCE
from airflow_kafka_bq.config.partitioning import IntegerRange
from airflow_kafka_bq.schema.columns import Column
from airflow_kafka_bq.schema.target import Target


def is_tagged(columns: Iterable[Column]) -> bool:
    """Whether a column, or one inside it, has a policy tag."""
    return any(column.policy_tag is not None or is_tagged(column.fields) for column in columns)


def create(client: bigquery.Client, target: Target, seconds: float) -> None:
    """Create the target unless it exists."""
    client.create_table(resource(target), exists_ok=True, retry=ONCE, timeout=seconds)


def add_columns(client: bigquery.Client, target: Target, names: tuple[str, ...], seconds: float) -> None:
    """Add these columns unless they exist.

    :raises ServiceUnavailable: somebody else changed the table meanwhile; to be tried again.
    """
    table = client.get_table(str(target.table), retry=ONCE, timeout=seconds)
    there = {field.name.lower() for field in table.schema}
    new = [column for name in names if (column := target.column(name)) and name.lower() not in there]
    if not new:
        return
    table.schema = [*table.schema, *(_field(column, added=True) for column in new)]
    try:
        client.update_table(table, ["schema"], retry=ONCE, timeout=seconds)
    except google.PreconditionFailed as error:
        raise google.ServiceUnavailable(f"table {target.table} was changed at the same time") from error


def resource(target: Target) -> bigquery.Table:
    """The target as the API describes it; what DDL would make, and the tags."""
    table = bigquery.Table(str(target.table), [_field(column) for column in target.columns])
    options = target.options
    _partition(table, target)
    if target.cluster_by:
        table.clustering_fields = list(target.cluster_by)
    if hours := number(options, "expiration_hours"):
        table.expires = datetime.now(UTC) + timedelta(hours=hours)
    table.description = options.get("description")
    table.labels = target.table_labels
    if target.kms_key_name:
        table.encryption_configuration = bigquery.EncryptionConfiguration(target.kms_key_name)
    return table


def _partition(table: bigquery.Table, target: Target) -> None:
    layout, days = target.partitioning, number(target.options, "partition_expiration_days")
    if isinstance(layout, IntegerRange):
        whole = bigquery.PartitionRange(start=layout.start, end=layout.end, interval=layout.interval)
        table.range_partitioning = bigquery.RangePartitioning(field=layout.column, range_=whole)
    elif layout:
        table.time_partitioning = bigquery.TimePartitioning(
            type_=layout.granularity.upper(),
            field=None if layout.by_ingestion else layout.column,
            expiration_ms=round(days * DAY_MILLISECONDS) if days else None,
        )
    if layout and target.options.get("require_partition_filter"):
        table.require_partition_filter = True


def _field(column: Column, *, added: bool = False) -> bigquery.SchemaField:
    """An added column can only be nullable."""
    found: dict[str, Any] = {
        "name": column.name,
        "type": column.type,
        "mode": "NULLABLE" if added and column.mode == "REQUIRED" else column.mode,
        "fields": [_field(one).to_api_repr() for one in column.fields],
    }
    if column.description:
        found["description"] = column.description[:DESCRIPTION_CHARACTERS]
    if column.policy_tag:
        found["policyTags"] = {"names": [column.policy_tag]}
    return bigquery.SchemaField.from_api_repr(found)
