"""Sharing: one consumer group in two places, which shows only when jobs are looked at side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from airflow_kafka_bq.config import JobConfig
from airflow_kafka_bq.operations.findings import Finding

_OWN = "leave group_id out: every topic and table has its own"


@dataclass(frozen=True, slots=True)
class User:
    """Who uses a group: a job file, or a task of a DAG.

    :param name: of the file, or ``dag_id.task_id``. :param cluster: see ``cluster_of``.
    """

    name: str
    kind: Literal["file", "task"]
    topic: str
    table: str
    cluster: str
    group_id: str
    live: bool = True
    joins: bool = False

    @classmethod
    def of(cls, name: str, kind: Literal["file", "task"], config: JobConfig, table: Any, cluster: str) -> User:
        """A job with its settings."""
        live = config.window is None
        return cls(name, kind, config.topic, str(table), cluster, config.group(table), live, config.joins)

    def is_beside(self, other: User) -> bool:
        """Whether both are members of the group, and share one topic and table on purpose."""
        return self.joins and other.joins and (self.topic, self.table) == (other.topic, other.table)


def cluster_of(settings: Mapping[str, Any]) -> str:
    """What tells a cluster from another one without asking it: its brokers, in any order."""
    named = str(settings.get("bootstrap.servers") or settings.get("metadata.broker.list") or "")
    return ",".join(sorted(one.strip().lower() for one in named.split(",") if one.strip()))


def side_by_side(users: Sequence[User]) -> list[Finding]:
    """Groups that several live jobs use; windows share the group of their live job, and commit nothing."""
    live = [one for one in users if one.live]
    return [
        _finding(other, one)
        for at, one in enumerate(live)
        for other in live[:at]
        if (one.cluster, one.group_id) == (other.cluster, other.group_id)
        if not one.is_beside(other)
    ]


def _finding(first: User, second: User) -> Finding:
    both, group = f"{first.name}, {second.name}", second.group_id
    if first.topic != second.topic:
        what = f"group {group} is used for the topics {first.topic} and {second.topic}"
        why = "positions of one topic hide those of the other, and members of one make the other rebalance"
        return Finding("error", both, what, why, _OWN)
    if first.table == second.table and first.kind != second.kind:
        what = f"{first.topic} is moved into {first.table} by a job file and by a task"
        why = "if they are one job, all is well; if both run on their own, each finds the other's position and waits"
        return Finding("note", both, what, why, "let one of them be the one that runs")
    what = f"group {group} is committed to by two live jobs"
    why = "each sets the other's position; a lag tool shows whichever wrote last"
    return Finding("error", both, what, why, _OWN)
