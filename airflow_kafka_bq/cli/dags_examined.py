"""``doctor --dags``: the tasks of a folder of DAG files, each with the connections that a run would have."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import TYPE_CHECKING, Any

from airflow_kafka_bq import assembly
from airflow_kafka_bq.exceptions import ConfigError, IngestError
from airflow_kafka_bq.operations.doctor import examine
from airflow_kafka_bq.operations.findings import Finding
from airflow_kafka_bq.operations.sharing import User, cluster_of

if TYPE_CHECKING:
    from airflow_kafka_bq.cli.doctoring import Round
    from airflow_kafka_bq.cli.session import Session
    from airflow_kafka_bq.dag_folder import DagFolder, JobTask, PlainConsumer

_STDOUT, _STDERR = 1, 2


def visit_dags(session: Session, going: Round, folder: str) -> None:
    """Examine every live task, and note every other consumer.

    :raises ConfigError: Airflow is not installed, or there is no such folder.
    """
    session.progress(f"DAG files of {folder}")
    with _stdout_for_the_result():
        try:
            from airflow_kafka_bq import dag_folder
        except ImportError as error:
            remedy = "run it where Airflow is: pip install 'airflow-provider-kafka-bq[airflow]'"
            raise ConfigError(f"--dags needs Airflow, which cannot be imported: {error}", remedy=remedy) from error
        _look(session, going, dag_folder.read(folder), folder)


@contextmanager
def _stdout_for_the_result() -> Iterator[None]:
    """Airflow logs to stdout, and some of its handlers hold it from its import on: all these lines go to stderr."""
    sys.stdout.flush()
    kept = os.dup(_STDOUT)
    os.dup2(_STDERR, _STDOUT)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, _STDOUT)
        os.close(kept)


def _look(session: Session, going: Round, found: DagFolder, folder: str) -> None:
    going.unchecked += found.unchecked
    for path, text in found.broken.items():
        what, why = f"the DAG file cannot be imported: {text}", "none of its tasks is scheduled"
        going.findings.append(Finding("error", path, what, why, "airflow dags list-import-errors tells more"))
    for at, task in enumerate(found.tasks, 1):
        session.progress(f"{task.name} ({at} of {len(found.tasks)})")
        _visit(session, going, task)
    for consumer in found.consumers:
        _note(going, consumer)
    if not (found.tasks or found.consumers or found.broken):
        going.unchecked.append(f"DAGs: no task of {folder} reads Kafka")


def _visit(session: Session, going: Round, task: JobTask) -> None:
    from airflow_kafka_bq.operators.job import job_to_look_at, kafka_settings

    going.unchecked += task.unchecked
    going.findings += [Finding("warning", task.name, *one) for one in _of_task(task)]
    kafka: dict[str, Any] = {}
    try:
        kafka = kafka_settings(task.config)
        session.hide(kafka)
        job = job_to_look_at(task.config, session.stop)
    except IngestError as error:
        going.cannot_run(task.name, error)
        cluster = cluster_of(kafka) or f"connection {task.config.kafka_conn_id}"
        config = task.config
        user = User(task.name, "task", config.topic, config.table, cluster, task.group_id, joins=config.joins)
        going.users.append(user)
        return
    try:
        going.users.append(User.of(task.name, "task", job.config, job.target.table, cluster_of(kafka)))
        going.visits.append(examine(task.name, job, going.every or task.every, kafka))
    finally:
        assembly.close(job)


def _of_task(task: JobTask) -> Iterator[tuple[str, str, str]]:
    if not task.retries:
        yield (
            "the task has no retries", "a broker that restarts needs a person, and the next run may be a day away",
            "retries=3: what a retry cannot cure is not retried",
        )  # fmt: skip
    stall = task.config.stall_timeout_seconds
    if task.timeout_seconds is not None and task.timeout_seconds <= stall:
        yield (
            f"execution_timeout is {task.timeout_seconds:g} s, and stall_timeout_seconds {stall:g}",
            "a run that stands still is ended before it can say why", "a longer execution_timeout",
        )  # fmt: skip


def _note(going: Round, consumer: PlainConsumer) -> None:
    """A consumer of the official provider: what it does to a group, and who shares it."""
    from airflow_kafka_bq.hooks.kafka import KafkaSettingsHook

    try:
        kafka = KafkaSettingsHook(consumer.kafka_conn_id).settings()
    except IngestError as error:
        going.unchecked.append(f"task {consumer.name}: {error.message}")
        return
    group, cluster = str(kafka.get("group.id", "")), cluster_of(kafka)
    going.users += [User(consumer.name, "task", topic, "", cluster, group) for topic in consumer.topics]
    if str(kafka.get("enable.auto.commit", "true")).lower() in {"true", "1", "t"}:
        what = f"auto-commit is on in connection {consumer.kafka_conn_id}, group {group}"
        why = "positions move by the clock, before rows are in the table: a task that dies skips them"
    elif consumer.commit_cadence != "never":
        what = (
            f"positions of group {group} are committed apart from the rows (commit_cadence {consumer.commit_cadence})"
        )
        why = "a task that dies between the two reads messages again, or never"
    else:
        return
    remedy = "move the topic with KafkaToBigQueryOperator, and take the group over with kafka-bq migrate-group"
    going.findings.append(Finding("warning", consumer.name, what, why, remedy))
