"""A folder of DAG files, loaded as Airflow does: which tasks read which topic with which group.

Each file is parsed by Airflow in a process of its own, where other files are known by their notes at most. This is
where all are in one place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow_kafka_bq._airflow import dag_bag
from airflow_kafka_bq.config import JobConfig
from airflow_kafka_bq.config.schedules import longest_pause
from airflow_kafka_bq.exceptions import ConfigError, IngestError
from airflow_kafka_bq.operators import KafkaToBigQueryOperator, siblings
from airflow_kafka_bq.operators.kafka_to_bigquery import PARAMETERS
from airflow_kafka_bq.operators.rendering import is_template, rendered

_MATTER = ("topic", "table", "group_id", "kafka_conn_id", "gcp_conn_id", "project_id")


@dataclass(frozen=True, slots=True)
class JobTask:
    """A live task of ours.

    :param name: ``dag_id.task_id``. :param every: the longest pause of its DAG's schedule; None: not known.
    :param unchecked: parameters that are templates; their defaults stand in for them.
    """

    name: str
    config: JobConfig
    group_id: str
    every: timedelta | None
    retries: int
    timeout_seconds: float | None
    unchecked: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PlainConsumer:
    """A task of the official Kafka provider that consumes: its group is that of its connection."""

    name: str
    topics: tuple[str, ...]
    kafka_conn_id: str
    commit_cadence: str


@dataclass(slots=True)
class DagFolder:
    """What was found.

    :param broken: files that cannot be imported, and what Airflow says.
    :param unchecked: tasks that only a run can tell about, and why.
    """

    tasks: list[JobTask] = field(default_factory=list)
    consumers: list[PlainConsumer] = field(default_factory=list)
    broken: dict[str, str] = field(default_factory=dict)
    unchecked: list[str] = field(default_factory=list)


def read(folder: str | Path) -> DagFolder:
    """Load every DAG file of a folder; none of their tasks runs.

    :raises ConfigError: there is no such folder.
    """
    where = Path(folder)
    if not where.exists():
        raise ConfigError(f"--dags: no folder {where}", remedy="name the folder that holds the DAG files")
    bag = dag_bag(where)
    found = DagFolder(broken={str(path): _last_line(text) for path, text in sorted(bag.import_errors.items())})
    for dag_id in sorted(bag.dags):
        for task in bag.dags[dag_id].tasks:
            _sort(found, task, f"{dag_id}.{task.task_id}")
    return found


def _last_line(text: str) -> str:
    """What a traceback ends with."""
    return text.strip().rpartition("\n")[2]


def _sort(found: DagFolder, task: Any, name: str) -> None:
    kind = getattr(task, "operator_class", type(task))  # of a mapped task: what it is made into
    if _is_plain_consumer(kind):
        _note_consumer(found, task, name)
    elif isinstance(kind, type) and issubclass(kind, KafkaToBigQueryOperator) and kind.commits:
        if not isinstance(task, KafkaToBigQueryOperator):
            found.unchecked.append(f"task {name}: it is mapped, and only a run knows over what")
        elif siblings.is_live(task):
            _note_job(found, task, name)


def _is_plain_consumer(kind: Any) -> bool:
    return any(
        one.__name__ == "ConsumeFromTopicOperator" and one.__module__.startswith("airflow.providers.apache.kafka.")
        for one in getattr(kind, "__mro__", ())
    )


def _note_consumer(found: DagFolder, task: Any, name: str) -> None:
    topics = getattr(task, "topics", None)
    if topics is None or is_template(topics) or is_template(task.kafka_config_id):
        found.unchecked.append(f"task {name}: topics or connection are known only when it runs")
        return
    names = (topics,) if isinstance(topics, str) else tuple(topics)
    found.consumers.append(PlainConsumer(name, names, task.kafka_config_id, task.commit_cadence))


def _note_job(found: DagFolder, task: Any, name: str) -> None:
    templates = [one for one in PARAMETERS if is_template(getattr(task, one))]
    if hidden := [one for one in _MATTER if one in templates]:
        found.unchecked.append(f"task {name}: {', '.join(hidden)} is a template, and only a run knows it")
        return
    try:
        config = JobConfig.of(**dict(_known(task, templates)))
    except IngestError as error:  # of two parameters that go together, one may be a template
        found.unchecked.append(f"task {name}: {error.message}")
        return
    limit = task.execution_timeout
    found.tasks.append(
        JobTask(
            name,
            config,
            task.shared_group[1],
            longest_pause(_schedule(task.dag)),
            task.retries,
            None if limit is None else limit.total_seconds(),
            tuple(f"task {name}: {one} is a template" for one in templates),
        )
    )


def _known(task: Any, templates: list[str]) -> Iterator[tuple[str, Any]]:
    fields: Mapping[str, Any] = JobConfig.model_fields
    for one in PARAMETERS:
        if one not in templates:
            yield one, rendered(one, getattr(task, one), fields[one].get_default(call_default_factory=True))


def _schedule(dag: Any) -> Any:
    """A cron text or a timedelta, also of a timetable that holds one."""
    table = getattr(dag, "timetable", None)
    for name in ("expression", "delta", "_expression", "_delta"):
        if isinstance(value := getattr(table, name, None), str | timedelta):
            return value
    return dag.schedule
