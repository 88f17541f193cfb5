"""The target that a job describes."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from airflow_kafka_bq.config import JobConfig, Layout, Partitioning, TableId
from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.schema import checks
from airflow_kafka_bq.schema.columns import Column
from airflow_kafka_bq.schema.envelope_columns import envelope_columns
from airflow_kafka_bq.schema.kafka_columns import DELETED_AT, UNKNOWN_FIELDS, kafka_columns, payload_column
from airflow_kafka_bq.schema.model import model_columns
from airflow_kafka_bq.schema.target import Target

DEFAULT_PARTITIONING = Partitioning("_kafka_timestamp", "day")
_MAX_CLUSTERED = 4  # https://cloud.google.com/bigquery/docs/clustered-tables#limitations


def message_columns(
    config: JobConfig, model: type[BaseModel] | None, of_schema: tuple[Column, ...] | None = None
) -> tuple[Column, ...]:
    """Columns that the value of a message fills.

    :param of_schema: those of the schema or the table, where the columns come from one.
    :raises ConfigError: the model has a field that no column can take.
    """
    if of_schema is not None:
        return of_schema
    if config.columns_from == "payload":
        return (payload_column(config.value_format),)
    if model is None:
        raise ConfigError("the job has a model, and none was given to build its columns from")
    return model_columns(model)


def build_target(
    config: JobConfig, table: TableId, model: type[BaseModel] | None, of_schema: tuple[Column, ...] | None = None
) -> Target:
    """Columns, key, partitioning and clustering of a job's table.

    :param model: the imported model; None for a job that keeps the payload whole.
    :param of_schema: columns of the schema or the table, where they come from one.
    :raises ConfigError: a parameter names a column that is not there, or whose type cannot serve.
    """
    ours = kafka_columns(config.key_format) if config.kafka_columns == "all" else ()
    soft_delete = config.tombstones == "soft_delete"
    own = message_columns(config, model, of_schema)
    beside = envelope_columns(config.enveloped, own)
    unknown = (UNKNOWN_FIELDS,) if config.unknown_fields == "json_column" else ()
    columns = (*own, *unknown, *beside, *ours, *((DELETED_AT,) if soft_delete else ()))
    key = checks.key(config.key_columns, columns)
    partitioning = _partitioning(config, columns)
    return Target(
        table=table,
        columns=columns,
        key=key,
        by_coordinates=config.by_coordinates,
        update=config.on_duplicate == "update",
        version=checks.version(config.version or (), columns),
        soft_delete=soft_delete,
        delete=config.tombstones == "delete",
        dedup_window=config.dedup_window,
        delete_expiration_days=config.delete_expiration_days,
        immutable=_immutable(config, key, partitioning),
        partitioning=partitioning,
        cluster_by=_cluster_by(config, key, columns),
        staging_dataset=config.staging_dataset,
        companion_dataset=config.companion_dataset,
        options=_options(config),
        labels=config.clean_labels,
        kms_key_name=_kms_key_name(config),
        of_table=config.schema_from == "table",
        envelope=tuple(column.name for column in beside),
    )


def _partitioning(config: JobConfig, columns: tuple[Column, ...]) -> Layout | None:
    if config.partition_by == "none":
        return None
    if config.partition_by is None:
        return DEFAULT_PARTITIONING if config.kafka_columns == "all" else None
    return checks.partitioning(config.partition_by, columns)


def _immutable(config: JobConfig, key: tuple[str, ...], partitioning: Layout | None) -> bool:
    """Equal keys have equal partition values: promised by the user, or because the value is part of the key.

    A message that is read again is written at another time: of ingestion time it never holds.
    """
    if partitioning is not None and partitioning.by_ingestion:
        return False
    in_key = partitioning is not None and partitioning.column in key
    return config.by_coordinates or config.partition_immutable or in_key


def _cluster_by(config: JobConfig, key: tuple[str, ...], columns: tuple[Column, ...]) -> tuple[str, ...]:
    if config.cluster_by is not None:
        return checks.clustering(config.cluster_by, columns)
    if config.by_coordinates:
        return ("_kafka_partition", "_kafka_offset")
    clusterable = {column.name for column in columns if column.clusterable}
    return tuple(name for name in key if name in clusterable)[:_MAX_CLUSTERED]


def _options(config: JobConfig) -> dict[str, Any]:
    return dict(config.table_options)


def _kms_key_name(config: JobConfig) -> str | None:
    given = config.encryption_configuration or {}
    return given.get("kms_key_name") or given.get("kmsKeyName")
