"""Servers for slices on real executors, started once for all tests of an executor."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

from benchmarks.scale_out.airflow import Airflow, airflow
from benchmarks.scale_out.ground import Ground, ground
from benchmarks.scale_out.redis import redis
from benchmarks.scale_out.strikes import Done, whole

REPOSITORY = Path(__file__).parents[2]
MESSAGES, BATCH_MESSAGES = 16_000, 1_000  # eight batches a slice


@dataclass(frozen=True, slots=True)
class Place:
    """Kafka, BigQuery, an Airflow with two workers, a topic, and its rows as one task writes them."""

    ground: Ground
    airflow: Airflow
    topic: str
    whole: Done

    def two_workers(self) -> None:
        """Start what an earlier test has killed; LocalExecutor does it by itself."""
        if self.airflow.workers:
            while len(self.airflow.workers) < 2:
                self.airflow.start_worker(f"worker-{len(list(self.ground.folder.glob('worker-*.log')))}")


@pytest.fixture(scope="module")
def servers() -> Iterator[Ground]:
    with ground() as found:
        yield found


@pytest.fixture(scope="module", params=["CeleryExecutor", "LocalExecutor"])
def place(request: pytest.FixtureRequest, servers: Ground) -> Iterator[Place]:
    home = servers.folder / request.param
    home.mkdir()
    celery = request.param == "CeleryExecutor"
    with ExitStack() as running:
        broker = running.enter_context(redis(home)) if celery else None
        python = python_with_celery() if celery else sys.executable
        air = airflow(
            python, home, servers.bootstrap, servers.bigquery.url, 2, broker,
            KAFKA_BQ_BATCH_MESSAGES=str(BATCH_MESSAGES),
        )  # fmt: skip
        started = running.enter_context(air)
        for number in range(2 if celery else 0):
            started.start_worker(f"worker-{number}")
        topic = servers.topic(MESSAGES)
        yield Place(servers, started, topic, whole(servers, started, topic))


def python_with_celery() -> str:
    """This one, where Celery is installed; else that of ``make celery``, which is made if it is not there."""
    if find_spec("celery") is not None:
        return sys.executable
    done = subprocess.run(
        ["make", "--silent", "venv-celery", f"BIN={Path(sys.executable).parent}"],
        cwd=REPOSITORY, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return str(REPOSITORY / ".venv-celery" / "bin" / "python")
