"""A job from a task's parameters and its connections."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from airflow_kafka_bq._airflow import Context
from airflow_kafka_bq.assembly import assemble
from airflow_kafka_bq.batch import RunContext
from airflow_kafka_bq.config import JobConfig
from airflow_kafka_bq.hooks.google_cloud import GoogleLogin
from airflow_kafka_bq.hooks.kafka import KafkaSettingsHook
from airflow_kafka_bq.hooks.salts import salt_of
from airflow_kafka_bq.hooks.schema_registry import registry_settings
from airflow_kafka_bq.operators.told import BatchLog, Linked, push_table
from airflow_kafka_bq.pipeline.job import Job
from airflow_kafka_bq.pipeline.stopping import Stop


def kafka_settings(config: JobConfig) -> dict[str, Any]:
    """The Kafka client's settings as the job's connections have them.

    :raises ConfigError: a connection is not there, or is wrong.
    """
    return KafkaSettingsHook(config.kafka_conn_id, GoogleLogin.of(config).access_token).settings()


def job_to_look_at(config: JobConfig, stop: Stop) -> Job:
    """A task's job outside of a run, by the same connections; for what changes nothing.

    :raises IngestError: a connection, a parameter or the model is wrong.
    """
    google = GoogleLogin.of(config)
    return assemble(
        config, kafka_settings(config), google.client(), stop, location=google.location,
        registry=registry_settings(config.schema_registry_conn_id), salt_of=salt_of,
    )  # fmt: skip


def job_of(config: JobConfig, context: Context, stop: Stop, push: Callable[[str, str], None]) -> Job:
    """Everything that a run works with. No request is made yet, except for secrets and logins.

    :param push: takes the key and the address of a link as soon as it is known.
    :raises IngestError: a connection, a parameter or the model is wrong.
    """
    google = GoogleLogin.of(config)
    kafka = KafkaSettingsHook(config.kafka_conn_id, google.access_token).settings()
    registry = registry_settings(config.schema_registry_conn_id)
    instance = context["ti"]
    at = getattr(instance, "map_index", None)  # mapped tasks do different things, and are told apart
    task_id = instance.task_id if at is None or at < 0 else f"{instance.task_id}[{at}]"
    who = RunContext(
        dag_id=instance.dag_id,
        task_id=task_id,
        run_id=instance.run_id,
        try_number=instance.try_number,
        who=f"airflow {instance.dag_id}.{task_id}",
    )
    job = assemble(
        config, kafka, google.client(), stop, location=google.location, progress=BatchLog(), context=who,
        client_id=f"kafka-bq.{instance.dag_id}.{instance.task_id}", registry=registry, salt_of=salt_of,
    )  # fmt: skip
    push_table(push, job.target.table)
    return replace(job, warehouse=Linked(job.warehouse, push))
