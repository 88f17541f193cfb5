"""Runs in slices, undisturbed and with a worker that is killed; what each took."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from benchmarks.scale_out.airflow import Airflow
from benchmarks.scale_out.ground import Ground

Tasks = Mapping[tuple[str, int], Mapping[str, Any]]
SLICED, WHOLE = "two_slices", "one_task"
STAGE = "orders.stage"


@dataclass(frozen=True, slots=True)
class Done:
    """A run that ended well.

    :ivar started: seconds from the kill to the next try's start; None where nobody was killed.
    :ivar loads_after: load jobs that were asked for after the kill.
    :ivar retried: what the second try logged.
    """

    table: str
    tasks: Tasks
    started: float | None = None
    loads_after: tuple[str, ...] = ()
    retried: str = ""

    def tries(self) -> dict[tuple[str, int], int]:
        return {key: int(one["try_number"]) for key, one in self.tasks.items()}

    def seconds(self, *task_ids: str) -> float:
        """From the start of the first of these tasks to the end of the last; of all, where none is named."""
        those = [one for (task_id, _), one in self.tasks.items() if not task_ids or task_id in task_ids]
        return (max(map(_end, those)) - min(map(_start, those))).total_seconds()

    def staging_seconds(self) -> float:
        """Of the slices, from the first one's start to the last one's end."""
        return self.seconds(STAGE)


def whole(ground: Ground, airflow: Airflow, topic: str) -> Done:
    """By one task."""
    table = ground.table()
    return Done(table, airflow.ended(WHOLE, airflow.trigger(WHOLE, topic, table)))


def sliced(ground: Ground, airflow: Airflow, topic: str) -> Done:
    """In two slices."""
    table = ground.table()
    return Done(table, airflow.ended(SLICED, airflow.trigger(SLICED, topic, table)))


def again(airflow: Airflow, dag_id: str, topic: str, table: str) -> Done:
    """A run of a table that has it all."""
    return Done(table, airflow.ended(dag_id, airflow.trigger(dag_id, topic, table)))


def killed_in_mid_slice(ground: Ground, airflow: Airflow, topic: str, load: int = 1) -> Done:
    """The worker dies while it loads the ``load``-th batch of the run; the other slice has ended by then."""
    return _killed(ground, airflow, topic, job_id="kafka-bq-load-.*-rows-", nth=load)


def killed_when_staged(ground: Ground, airflow: Airflow, topic: str) -> Done:
    """The worker dies when its slice is staged and written down, before the task can say so."""
    return _killed(ground, airflow, topic, job_id="kafka-bq-load-.*-slice-")


def _killed(ground: Ground, airflow: Airflow, topic: str, *, job_id: str, nth: int = 1) -> Done:
    table, faults = ground.table(), ground.bigquery.faults
    faults.add("hold", kind="load", name="killed", job_id=job_id, nth=nth)
    run_id = airflow.trigger(SLICED, topic, table)
    pid = airflow.until(lambda: _held(airflow.tasks(SLICED, run_id)), "one slice is held and the other one ended")
    before = len(ground.load_jobs())
    airflow.kill_worker_of(pid)
    struck = datetime.now(UTC)
    faults.clear()
    tasks = airflow.ended(SLICED, run_id)
    again = [one for one in tasks.values() if one["try_number"] > 1]
    return Done(
        table,
        tasks,
        started=min((_start(one) - struck).total_seconds() for one in again) if again else None,
        loads_after=tuple(ground.load_jobs()[before:]),
        retried=airflow.task_logs(SLICED, run_id, "attempt=2.log"),
    )


def _held(tasks: Tasks) -> int | None:
    """The process of the one slice that runs, when the other one has ended."""
    slices = [one for (task_id, _), one in tasks.items() if task_id == STAGE]
    running = [one for one in slices if one["state"] == "running"]
    if len(slices) == 2 and len(running) == 1 and any(one["state"] == "success" for one in slices):
        return int(running[0]["pid"])
    return None


def _start(task: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(task["start_date"])


def _end(task: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(task["end_date"])
