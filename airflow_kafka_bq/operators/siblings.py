"""Tasks of one DAG that would share a consumer group: refused when the DAG is parsed.

A group that spans two topics, or that two live tasks commit to, is how messages were skipped and read twice. Windows
and redrives share the group of their live task: they never commit. Members of a group share it on purpose.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from typing import Any

from airflow_kafka_bq._airflow import in_dag_processor
from airflow_kafka_bq.exceptions import GroupInUseError
from airflow_kafka_bq.operators.notes import Note, exchange, notes_folder

log = logging.getLogger(__name__)

_MATTER = ("topic", "table", "group_id", "kafka_conn_id")


def check(task: Any, unknown: Collection[str]) -> None:
    """Compare a new task with those that its DAG has already, as far as their parameters are known.

    Each task keeps the name of its group: a DAG of hundreds would else make them anew for every pair.

    :raises GroupInUseError: names both tasks and their group.
    """
    if set(_MATTER) & set(unknown):
        return
    task.shared_group = _group(task)
    _compare_with_other_dags(task)
    for other in task.dag.tasks if task.has_dag() else ():
        if getattr(other, "shared_group", None) != task.shared_group or other is task:
            continue
        if trouble := _trouble(task, other):
            raise GroupInUseError(
                f"tasks {other.task_id!r} and {task.task_id!r} {trouble}",
                topic=task.topic,
                group_id=task.shared_group[1],
                remedy="leave group_id out: every (topic, table) pair then has a group of its own",
            )


_seen: dict[tuple[str, str], tuple[str, str, str]] = {}
"""Topic, DAG and task of each group that this process has parsed; the last one."""


def _compare_with_other_dags(task: Any) -> None:
    """Another DAG may be of another time or another deployment: this is said, and refused by the run that meets it."""
    if not task.has_dag() or not is_live(task):
        return
    topic, dag_id, task_id = _seen.get(task.shared_group, (task.topic, "", ""))
    if topic != task.topic and dag_id != task.dag.dag_id:
        log.warning(
            "consumer group %r is used for topic %r by task %r of DAG %r, and for topic %r by task %r of DAG %r: leave "
            "group_id out, so that every (topic, table) pair has a group of its own",
            task.shared_group[1], topic, task_id, dag_id, task.topic, task.task_id, task.dag.dag_id,
        )  # fmt: skip
    _seen[task.shared_group] = task.topic, task.dag.dag_id, task.task_id
    if in_dag_processor() and "{topic}" not in task.group_id:  # a group with its topic's name has one topic
        _compare_with_other_files(task)


def _compare_with_other_files(task: Any) -> None:
    """Never an exception: a folder for temporary files that cannot be used is no reason to lose a DAG."""
    try:
        mine = Note.of(task.dag.fileloc, task.topic, task.dag.dag_id, task.task_id)
        others = exchange(notes_folder(), task.shared_group, mine)
    except OSError as error:
        log.debug("consumer groups of other DAG files are not known: %s", error)
        return
    for other in others:
        log.warning(
            "consumer group %r is used for topic %r by task %r of DAG %r in %s, and for topic %r by task %r of DAG %r "
            "in %s: leave group_id out, so that every (topic, table) pair has a group of its own",
            task.shared_group[1], other.topic, other.task_id, other.dag_id, other.file,
            mine.topic, mine.task_id, mine.dag_id, mine.file,
        )  # fmt: skip


def _trouble(task: Any, other: Any) -> str | None:
    if other.topic != task.topic:
        return f"share a consumer group, and read topics {other.topic!r} and {task.topic!r}"
    if is_live(other) and is_live(task) and not _are_members(task, other):
        return "share a consumer group, and both are live: they would move each other's positions"
    return None


def _are_members(task: Any, other: Any) -> bool:
    """Whether the two share one topic and table as members of the group."""
    return task.table == other.table and all(getattr(one, "assignment", None) == "subscribe" for one in (task, other))


def is_live(task: Any) -> bool:
    """Whether it commits to its group."""
    return task.commits and task.window is None


def _group(task: Any) -> tuple[str, str]:
    """(connection, group); the project is left as it is written where the table does not name one."""
    dataset, _, table = task.table.rpartition(".")
    project, _, dataset = dataset.rpartition(".")
    names = {"topic": task.topic, "project": project or task.project_id or "", "dataset": dataset, "table": table}
    group = task.group_id
    for name, value in names.items():
        group = group.replace(f"{{{name}}}", value)
    return task.kafka_conn_id, group
