"""A job put together from its settings: what a job file and an Airflow task have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from airflow_kafka_bq.batch import RunContext
from airflow_kafka_bq.bigquery.jobs import DEADLINE_SECONDS
from airflow_kafka_bq.bigquery.warehouse import BigQueryWarehouse
from airflow_kafka_bq.config import JobConfig, TableId
from airflow_kafka_bq.exceptions import ConfigError, NotFoundError
from airflow_kafka_bq.formats.encoded import Sides, needs_registry, needs_schema
from airflow_kafka_bq.formats.fingerprint import fingerprint
from airflow_kafka_bq.kafka.dead_letter_topic import KafkaDeadLetterTopic
from airflow_kafka_bq.kafka.member_source import KafkaMemberSource
from airflow_kafka_bq.kafka.registry import SchemaRegistry, split
from airflow_kafka_bq.kafka.settings import read_ahead
from airflow_kafka_bq.kafka.shared_admins import SharedAdmins
from airflow_kafka_bq.kafka.source import KafkaSource
from airflow_kafka_bq.pipeline.decode import DecodeRules
from airflow_kafka_bq.pipeline.job import Job, Progress, silent
from airflow_kafka_bq.pipeline.stopping import Stop
from airflow_kafka_bq.ports import Warehouse
from airflow_kafka_bq.schema.build import build_target, message_columns
from airflow_kafka_bq.schema.columns import Column
from airflow_kafka_bq.schema.envelope_columns import without_envelope
from airflow_kafka_bq.schema.hashing import salted
from airflow_kafka_bq.schema.imports import imported
from airflow_kafka_bq.schema.table_columns import table_columns, table_model


def no_salt(name: str) -> str:
    """Where none is known. :raises ConfigError: always."""
    raise ConfigError(f"a column is hashed with salt {name!r}, which is not defined", remedy=f"salts: {{{name}: …}}")


def assemble(
    config: JobConfig,
    kafka: Mapping[str, Any],
    client: Any,
    stop: Stop,
    *,
    location: str | None = None,
    search_path: Sequence[Path] = (),
    progress: Progress = silent,
    context: RunContext | None = None,
    client_id: str = "kafka-bq",
    registry: Mapping[str, Any] | None = None,
    salt_of: Callable[[str], str] = no_salt,
    admins: SharedAdmins | None = None,
    deadline_seconds: float = DEADLINE_SECONDS,
) -> Job:
    """Everything that a run works with. No request is made yet, but for the schema or table that the columns come from.

    :param kafka: librdkafka settings by their dotted names; those that begin with ``schema.registry.`` are the
        registry's where ``registry`` says nothing.
    :param client: ``google.cloud.bigquery.Client``.
    :param location: of the datasets; None: read from the target's dataset.
    :param search_path: folders where ``model``, ``transform`` and ``filter`` are looked for, before Python's own.
    :param registry: settings of the schema registry's client.
    :param admins: shared with other jobs that are looked at in this process.
    :param deadline_seconds: how long BigQuery is asked while it does not answer.
    :param salt_of: the salt of a name, for columns that are hashed.
    :raises ConfigError: a setting is wrong. :raises NotFoundError: the model cannot be imported.
    :raises IngestError: the registry does not give the schema.
    """
    sides = _sides(config, registry or {}, kafka, search_path)
    model, transform, keep = (_imported(config, name, search_path) for name in ("model", "transform", "filter"))
    warehouse = BigQueryWarehouse(client, config.location or location, stop.event, deadline_seconds)
    table, columns = config.table_id(warehouse.project), sides.columns
    if config.schema_from == "table":
        columns = without_envelope(config, columns_there(warehouse, table))
        model = table_model(columns)
    columns = salted(message_columns(config, model, columns), salt_of)
    target = build_target(config, table, model, columns)
    reading = read_ahead(split(kafka)[0], config.batch_bytes)
    source_of = partial(
        KafkaSource,
        reading,
        config.topic,
        isolation_level=config.isolation_level,
        stall_timeout_seconds=config.stall_timeout_seconds,
        client_id=client_id,
        admins=admins,
    )
    group_id = config.group(table)
    copies = None
    if config.dead_letter_topic is not None:
        copies = KafkaDeadLetterTopic(
            split(kafka)[0], config.dead_letter_topic, config.stall_timeout_seconds, client_id=client_id
        )
    rules = DecodeRules.of(config, target, model, transform, keep, sides, columns)
    code = fingerprint(config, target, model, (transform, keep), sides.identity)
    who = context or RunContext()
    return Job(
        config, source_of(group_id), warehouse, target, rules, code, context=who, stop=stop,
        progress=progress, registry=sides.registry, source_of=source_of, copies=copies,
        member=_member(config, reading, group_id, client_id),
    )  # fmt: skip


def _member(config: JobConfig, settings: Mapping[str, Any], group_id: str, client_id: str) -> KafkaMemberSource | None:
    """What reads where the job joins its group."""
    if not config.joins:
        return None
    isolation, patience = config.isolation_level, config.stall_timeout_seconds
    return KafkaMemberSource(settings, config.topic, group_id, isolation, patience, client_id=client_id)


def close(job: Job) -> None:
    """Release all clients; never raises."""
    if job.registry is not None:
        job.registry.close()
    if job.copies is not None:
        job.copies.close()
    if job.member is not None:
        job.member.close()
    job.source.close()
    job.warehouse.close()


def _sides(config: JobConfig, given: Mapping[str, Any], kafka: Mapping[str, Any], search_path: Sequence[Path]) -> Sides:
    """How keys and values are decoded; the registry is asked only where something is registered."""
    if not (needs_schema(config) or needs_registry(config)):
        return Sides()
    from airflow_kafka_bq.formats.structured.sides import sides as sides_of  # other jobs need no Avro and no Protobuf

    if not needs_registry(config):
        return sides_of(config, None, search_path)
    registry = SchemaRegistry(given or split(kafka)[1])
    try:
        return sides_of(config, registry, search_path)
    except BaseException:
        registry.close()
        raise


def columns_there(warehouse: Warehouse, table: TableId) -> tuple[Column, ...]:
    """The columns of a table that messages fill.

    :raises NotFoundError: there is no such table. :raises SchemaDriftError: it has no column of the kind.
    """
    facts = warehouse.table(table)
    if facts is None:
        message = f"table {table} does not exist, and schema_from='table' takes its columns"
        raise NotFoundError(message, remedy="create it, or name a model")
    return table_columns(facts, table)


def _imported(config: JobConfig, parameter: str, search_path: Sequence[Path]) -> Any:
    """What a parameter names, or holds already."""
    value = getattr(config, parameter)
    return imported(value, search_path, parameter) if isinstance(value, str) else value
