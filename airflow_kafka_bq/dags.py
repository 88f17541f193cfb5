"""``dags_from_yaml``: a DAG for each job file of a folder."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from airflow_kafka_bq import jobfile
from airflow_kafka_bq._airflow import DAG
from airflow_kafka_bq.exceptions import ConfigError, GroupInUseError, IngestError
from airflow_kafka_bq.operators import KafkaToBigQueryOperator, siblings
from airflow_kafka_bq.task_groups import KafkaToBigQueryTaskGroup

log = logging.getLogger(__name__)

TASK_ID = "load"
_START = datetime(2024, 1, 1, tzinfo=UTC)  # with catchup off it decides nothing
_SPAN = re.compile(r"([0-9]+) *(s|m|h|d)")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_OF_DAG = (
    "description",
    "tags",
    "catchup",
    "max_active_runs",
    "end_date",
    "doc_md",
    "params",
    "is_paused_upon_creation",
)
_OF_TASK = ("owner", "retries", "pool", "pool_slots", "queue", "priority_weight", "retries", "email_on_failure")


def dags_from_yaml(folder: str | Path, **defaults: Any) -> dict[str, Any]:
    """Read the job files (``*.yaml``, ``*.yml``) of a folder and make a DAG of each, by ``dag_id``.

    In a file of the DAGs folder::

        from airflow_kafka_bq import dags_from_yaml

        globals().update(dags_from_yaml("/opt/airflow/jobs"))

    A job file is that of ``kafka-bq``, with keys for Airflow, which ``kafka-bq`` reads over: ``dag_id`` (the file's
    name), ``schedule`` (a cron text, a preset, or a span such as ``15m``; none: only by hand), ``start_date``,
    ``end_date``, ``catchup`` (off), ``max_active_runs`` (1), ``tags``, ``description``, ``doc_md``, ``params``,
    ``owner``, ``retries`` (3), ``retry_delay`` (``1m``), ``execution_timeout``, ``pool``, ``pool_slots``, ``queue``,
    ``priority_weight``, and ``slices``: so many workers share a run (``KafkaToBigQueryTaskGroup``). The sections
    ``kafka:``, ``bigquery:``, ``schema_registry:`` and ``salts:`` are for use outside Airflow: a task takes its
    connections.

    :param folder: a relative one is looked for beside the current directory.
    :param defaults: values of these keys for files that do not have them.
    :raises ConfigError: a file is no job file, or two have one ``dag_id``; names file and key.
    :raises GroupInUseError: two files share a consumer group.
    """
    where = Path(folder)
    if not where.is_dir():
        raise ConfigError(f"no folder {where} with job files", remedy="name the folder that holds the *.yaml files")
    found: dict[str, Any] = {}
    groups: dict[tuple[str, str], Path] = {}
    for path in sorted(one for one in where.iterdir() if one.suffix in {".yaml", ".yml"} and one.name[0] != "."):
        try:
            dag = _dag(path, *jobfile.parameters(path), defaults)
        except IngestError as error:
            named = error.message if str(path) in error.message else f"{path}: {error.message}"
            raise type(error)(named, remedy=error.remedy) from error
        if dag.dag_id in found:
            raise ConfigError(f"{path}: dag_id {dag.dag_id!r} is that of another job file of {where}")
        _note_group(dag, path, groups)
        found[dag.dag_id] = dag
    return found


def _dag(path: Path, parameters: Mapping[str, Any], airflow: Mapping[str, Any], defaults: Mapping[str, Any]) -> Any:
    given = {**defaults, **airflow}
    if strange := sorted(set(defaults) - jobfile.OF_AIRFLOW):
        raise ConfigError(f"{strange[0]} is no key of a job file's DAG", remedy=f"one of {sorted(jobfile.OF_AIRFLOW)}")
    dag_id = str(given.get("dag_id", re.sub(r"[^\w.-]", "_", path.stem)))
    of_task = {name: given[name] for name in _OF_TASK if given.get(name) is not None}
    for name in ("retry_delay", "execution_timeout"):
        if given.get(name) is not None:
            of_task[name] = _span(name, given[name])
    of_dag = {name: given[name] for name in _OF_DAG if given.get(name) is not None}
    of_dag["tags"] = [of_dag["tags"]] if isinstance(of_dag.get("tags"), str) else list(of_dag.get("tags", ()))
    if "end_date" in of_dag:
        of_dag["end_date"] = _moment("end_date", of_dag["end_date"])
    with DAG(
        dag_id,
        schedule=_schedule(given.get("schedule")),
        start_date=_moment("start_date", given.get("start_date", _START)),
        default_args={"retries": 3, "retry_delay": timedelta(minutes=1), **of_task},
        **{"catchup": False, "max_active_runs": 1, **of_dag},
    ) as dag:
        slices = given.get("slices")
        make: Callable[..., Any] = KafkaToBigQueryOperator if slices is None else KafkaToBigQueryTaskGroup
        make(task_id=TASK_ID, **parameters, **({} if slices is None else {"slices": slices}))
    return dag


def _note_group(dag: Any, path: Path, groups: dict[tuple[str, str], Path]) -> None:
    """A group that two tasks commit to is how messages were skipped and read twice."""
    for task in dag.tasks:
        group = getattr(task, "shared_group", None)
        if group is None or not siblings.is_live(task):
            continue
        if group in groups:
            raise GroupInUseError(
                f"{path} and {groups[group]} share the group {group[1]}: they would move each other's position",
                topic=task.topic, group_id=group[1], remedy="leave group_id out: every (topic, table) pair has its own",
            )  # fmt: skip
        groups[group] = path


def _schedule(value: Any) -> Any:
    """A span becomes a timedelta; cron texts and presets are Airflow's to judge."""
    return _span("schedule", value) if isinstance(value, str) and _SPAN.fullmatch(value.strip()) else value


def _span(name: str, value: Any) -> timedelta:
    found = _SPAN.fullmatch(value.strip()) if isinstance(value, str) else None
    if found:
        return timedelta(**{_UNITS[found[2]]: int(found[1])})
    if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
        return timedelta(seconds=value)
    raise ConfigError(f"{name}={value!r}: expected seconds, or a span such as '90s', '15m', '2h' or '1d'")


def _moment(name: str, value: Any) -> datetime:
    """A time without zone is UTC."""
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        found = None
    if isinstance(found, date) and not isinstance(found, datetime):
        found = datetime(found.year, found.month, found.day, tzinfo=UTC)
    if not isinstance(found, datetime):
        raise ConfigError(f"{name}={value!r}: expected a date or an ISO time, such as 2026-01-01")
    return found if found.tzinfo else found.replace(tzinfo=UTC)
