"""One task and two slices, on LocalExecutor and on CeleryExecutor with one and with two workers: rows per second, and
how soon a slice whose worker was killed is tried again. Rows are compared as multisets.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.scale_out import strikes
from benchmarks.scale_out.airflow import (
    HEARTBEAT_SECONDS,
    LOOK_SECONDS,
    MISSED_AFTER_SECONDS,
    REPOSITORY,
    Airflow,
    airflow,
)
from benchmarks.scale_out.ground import Ground, ground
from benchmarks.scale_out.jobs import counted
from benchmarks.scale_out.redis import redis

RESULT = Path(__file__).parents[1] / "scale_out.json"
CELERY = REPOSITORY / ".venv-celery" / "bin" / "python"
_PACKAGES = ("apache-airflow", "confluent-kafka", "google-cloud-bigquery", "pyarrow", "airflow-provider-kafka-bq")
_KILLED_MESSAGES = 16_000
Run = dict[str, Any]


def main(arguments: list[str] | None = None) -> None:
    """Parse the command line, measure, write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale_out", description=__doc__)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--repetitions", type=int, default=1)
    parser.add_argument("--output", type=Path, help=f"a file for the result; {RESULT.name} is what the documents read")
    options = parser.parse_args(arguments)
    if min(options.messages, options.repetitions) < 1:
        parser.error("--messages and --repetitions take whole numbers from 1 on")
    if not CELERY.exists():
        parser.error("there is no .venv-celery: run make venv-celery")
    # So that what was started is stopped: Airflow's workers outlive a scheduler that is killed with this process.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with ground() as place:
        result = measure(place, options.messages, options.repetitions)
    if options.output:
        options.output.write_text(json.dumps(result, indent=1) + "\n")
    for run in (*result["runs"], *result["kills"]):
        print(json.dumps(run))
    if wrong := [run for run in (*result["runs"], *result["kills"]) if run["differ"]]:
        sys.exit(f"rows differ from those of one task: {wrong}")


def measure(place: Ground, messages: int, repetitions: int) -> dict[str, Any]:
    """Each executor in turn, with an Airflow of its own."""
    topic, few = place.topic(messages), place.topic(_KILLED_MESSAGES)
    runs: list[Run] = []
    kills: list[Run] = []
    for executor in ("LocalExecutor", "CeleryExecutor"):
        home = place.folder / executor
        home.mkdir()
        with ExitStack() as running:
            broker = running.enter_context(redis(home)) if executor == "CeleryExecutor" else None
            python = str(CELERY) if broker else sys.executable
            air = running.enter_context(airflow(python, home, place.bootstrap, place.bigquery.url, 2, broker))
            for repetition in range(repetitions):
                for run in _turn(place, air, topic, celery=bool(broker)):
                    runs.append({"executor": executor, "repetition": repetition, "messages": messages, **run})
                    _say(f"{runs[-1]}")
            for run in _kills(place, air, few, celery=bool(broker)):
                kills.append({"executor": executor, **run})
                _say(f"{kills[-1]}")
    return {
        "settings": {
            "messages": messages,
            "repetitions": repetitions,
            "heartbeat_seconds": HEARTBEAT_SECONDS,
            "missed_after_seconds": MISSED_AFTER_SECONDS,
            "look_seconds": LOOK_SECONDS,
        },
        "versions": {**{name: version(name) for name in _PACKAGES}, **machine.versions()},
        "machine": machine.description(),
        "runs": runs,
        "kills": kills,
        "jobs": counted(place),
    }


def _turn(place: Ground, air: Airflow, topic: str, *, celery: bool) -> Iterator[Run]:
    """One task; slices by one worker; slices by two."""
    if celery:
        _workers(air, 1)
    air.tasks_at_a_time(1)
    whole, load = strikes.whole(place, air, topic), os.getloadavg()[0]
    rows = place.rows(whole.table)
    again = strikes.again(air, strikes.WHOLE, topic, whole.table)
    yield {"case": "one task", "workers": 1, **_measured(whole, again), "rows": rows, "differ": 0, "load": load}
    for workers in (1, 2):
        if celery:
            _workers(air, workers)
        air.tasks_at_a_time(workers)
        load, done = os.getloadavg()[0], strikes.sliced(place, air, topic)
        differ = place.rows_that_differ(whole.table, done.table)
        again = strikes.again(air, strikes.SLICED, topic, done.table)
        said = {**_measured(done, again), "rows": place.rows(done.table), "differ": differ, "load": load}
        yield {"case": "two slices", "workers": workers, **said}


def _measured(done: strikes.Done, again: strikes.Done) -> Run:
    staging = {"staging_seconds": done.staging_seconds()} if len(done.tasks) > 1 else {}
    return {"seconds": done.seconds(), "nothing_to_read_seconds": again.seconds(), **staging}


def _kills(place: Ground, air: Airflow, topic: str, *, celery: bool) -> Iterator[Run]:
    air.tasks_at_a_time(2)
    whole = strikes.whole(place, air, topic)
    for case in ("in mid-slice", "when staged"):
        if celery:
            _workers(air, 2)
        kill = strikes.killed_in_mid_slice if case == "in mid-slice" else strikes.killed_when_staged
        done = kill(place, air, topic)
        tries = sorted(count for (task_id, _), count in done.tries().items() if task_id == strikes.STAGE)
        said = {"tries": tries, "started": done.started, "load_jobs_after": len(done.loads_after)}
        yield {"case": case, **said, "differ": place.rows_that_differ(whole.table, done.table)}


def _workers(air: Airflow, count: int) -> None:
    while len(air.workers) > count:
        air.stop_worker(next(reversed(air.workers)))
    while len(air.workers) < count:
        air.start_worker(f"worker-{sum(1 for _ in air.folder.glob('worker-*.log'))}")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
