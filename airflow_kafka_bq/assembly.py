"""A job put together from its settings: what a job file and an Airflow task have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from airflow_kafka_bq.batch import RunContext
from airflow_kafka_bq.bigquery.warehouse import BigQueryWarehouse
from airflow_kafka_bq.config import JobConfig
from airflow_kafka_bq.formats.fingerprint import fingerprint
from airflow_kafka_bq.kafka.source import KafkaSource
from airflow_kafka_bq.pipeline.decode import DecodeRules
from airflow_kafka_bq.pipeline.runner import Job, Progress, silent
from airflow_kafka_bq.pipeline.stopping import Stop
from airflow_kafka_bq.schema.build import build_target
from airflow_kafka_bq.schema.imports import imported


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
) -> Job:
    """Everything that a run works with. No request is made yet.

    :param kafka: librdkafka settings by their dotted names.
    :param client: ``google.cloud.bigquery.Client``.
    :param location: of the datasets; None: read from the target's dataset.
    :param search_path: folders where ``model``, ``transform`` and ``filter`` are looked for, before Python's own.
    :raises ConfigError: a setting is wrong. :raises NotFoundError: the model cannot be imported.
    """
    model, transform, keep = (_imported(config, name, search_path) for name in ("model", "transform", "filter"))
    warehouse = BigQueryWarehouse(client, config.location or location, stop.event)
    table = config.table_id(warehouse.project)
    target = build_target(config, table, model)
    source = KafkaSource(
        kafka,
        config.topic,
        config.group(table),
        isolation_level=config.isolation_level,
        stall_timeout_seconds=config.stall_timeout_seconds,
        client_id=client_id,
    )
    rules = DecodeRules.of(config, target, model, transform, keep)
    code = fingerprint(config, target, model, (transform, keep))
    who = context or RunContext()
    return Job(config, source, warehouse, target, rules, code, context=who, stop=stop, progress=progress)


def close(job: Job) -> None:
    """Release both clients; never raises."""
    job.source.close()
    job.warehouse.close()


def _imported(config: JobConfig, parameter: str, search_path: Sequence[Path]) -> Any:
    """What a parameter names, or holds already."""
    value = getattr(config, parameter)
    return imported(value, search_path, parameter) if isinstance(value, str) else value
