"""Airflow as people run it, its services on loopback: the parts of ``airflow standalone`` without its log server, which
listens on all interfaces."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
from google.cloud.bigquery import Client

from airflow_kafka_bq.demo.airflow_home import environment
from airflow_kafka_bq.demo.process_tree import take_down
from airflow_kafka_bq.demo.ui import COMPONENTS
from airflow_kafka_bq.testing.bigquery import LocalBigQuery
from airflow_kafka_bq.testing.kafka import MockCluster, NewMessage, produce
from airflow_kafka_bq.testing.kafka.child_process import spawn
from airflow_kafka_bq.testing.kafka.loopback import HOST, free_ports

EXAMPLES = Path(__file__).parents[2] / "dags_examples"
# What a cluster's policy may do to other people's DAGs: the examples stay as they are, nobody waits for their minutes.
POLICY = """
from datetime import timedelta

def task_policy(task):
    task.retries = 1
    task.retry_delay = timedelta(seconds=1)
    task.max_retry_delay = timedelta(seconds=1)
    if task.dag_id == "kafka_bq_typed":
        task.execution_timeout = timedelta(seconds=8)
"""
_SECONDS = 120.0
AIRFLOW = (sys.executable, "-m", "airflow")


@dataclass
class Services:
    """A running Airflow with the example DAGs, and what is behind it."""

    url: str
    bootstrap: str
    bigquery: LocalBigQuery
    client: Client
    components: dict[str, subprocess.Popen[bytes]]
    variables: dict[str, str]
    folder: Path
    token: str | None = None

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Airflow's REST API."""
        if self.token is None:
            self.token = self._send("GET", f"{self.url}/auth/token", None, {})["access_token"]
        token = self.token
        return self._send(method, f"{self.url}/api/v2{path}", body, {"Authorization": f"Bearer {token}"})

    def _send(self, method: str, url: str, body: Any, headers: dict[str, str]) -> Any:
        data = None if body is None else json.dumps(body).encode()
        named = {**headers, "Content-Type": "application/json"}
        asked = urllib.request.Request(url, data, named, method=method)  # noqa: S310 - loopback
        try:
            with urllib.request.urlopen(asked, timeout=60) as answer:  # noqa: S310 - loopback
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {url}: {error.code} {error.read().decode()}") from error

    def unpause(self, dag_id: str) -> str:
        """Let the schedule make its first run; the run's id."""
        self.ask("PATCH", f"/dags/{dag_id}", {"is_paused": False})
        runs = self.until(lambda: self.ask("GET", f"/dags/{dag_id}/dagRuns")["dag_runs"])
        return str(runs[0]["dag_run_id"])

    def trigger(self, dag_id: str) -> str:
        """Start a run by hand; its id."""
        return str(self.ask("POST", f"/dags/{dag_id}/dagRuns", {"logical_date": None})["dag_run_id"])

    def task(self, dag_id: str, run_id: str, task_id: str = "orders") -> dict[str, Any]:
        """A task instance as the API shows it."""
        found: dict[str, Any] = self.ask("GET", f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}")
        return found

    def until(self, holds: Callable[[], Any], seconds: float = _SECONDS) -> Any:
        """Wait until something holds."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if found := holds():
                return found
            time.sleep(0.2)
        raise AssertionError(f"it did not come to that within {seconds:g} s; the services' last words:\n{self.words()}")

    def ends(self, dag_id: str, run_id: str, state: str) -> dict[str, Any]:
        """Wait for a task to reach a state; the instance."""
        return self.until(lambda: (one := self.task(dag_id, run_id))["state"] == state and one)  # type: ignore[no-any-return]

    def words(self) -> str:
        """The end of each service's log."""
        return "\n".join(f"{log.name}: {log.read_text('utf-8', 'replace')[-800:]}" for log in self.folder.glob("*.log"))

    def log_of(self, dag_id: str, run_id: str) -> str:
        """What a task logged, all tries."""
        return "\n".join(
            file.read_text("utf-8", "replace")
            for file in (self.folder / "logs" / f"dag_id={dag_id}" / f"run_id={run_id}").rglob("*.log")
        )

    def merges(self) -> int:
        """How many MERGE scripts were submitted so far."""
        return sum("kafka-bq-merge-" in json.dumps(call) for call in self.bigquery.faults.calls("jobs.insert"))

    def task_process(self) -> psutil.Process | None:
        """The process that runs a task's code: a child of a worker of the scheduler."""
        workers = psutil.Process(self.components["scheduler"].pid).children()
        inner = [child for worker in workers for child in worker.children()]
        return inner[0] if inner else None

    def fill(self, count: int, first: int = 0, **fields: Any) -> None:
        """Orders of the shop."""
        body = {"ordered_on": "2026-01-01", "updated_at": "2026-01-01T09:00:00Z", "total": "1.00", **fields}
        orders = (NewMessage({"order_id": f"o{n}", **body}, partition=n % 2) for n in range(first, first + count))
        produce(self.bootstrap, "shop.orders", list(orders))

    def rows(self, table: str) -> int:
        found = self.client.query_and_wait(f"SELECT COUNT(*) FROM `demo.analytics.{table}`")
        return int(next(iter(found))[0])

    def start(self, name: str) -> None:
        """One component, beside those that run."""
        command = [*AIRFLOW, *COMPONENTS[name]]
        self.components[name] = spawn(command, log=self.folder / f"{name}.log", environment=self.variables)

    def kill(self, name: str) -> None:
        """End a component and all its processes, without a word."""
        gone = self.components.pop(name)
        children = psutil.Process(gone.pid).children(recursive=True)
        gone.kill()
        for one in children:
            one.kill()
        gone.wait()
        psutil.wait_procs(children, 5)

    def stop(self) -> None:
        """All of them."""
        for one in self.components.values():
            take_down(one)


@contextmanager
def running(folder: Path, bootstrap: str, dags: Mapping[str, str]) -> Iterator[Services]:
    """Started once per test: about fifteen seconds.

    :param dags: DAG files by their names; each one holds one DAG.
    """
    port = free_ports(1)[0]
    url = f"http://{HOST}:{port}"
    for name, text in {
        "config/airflow_local_settings": POLICY,
        **{f"dags/{name}": dags[name] for name in dags},
    }.items():
        (folder / f"{name}.py").parent.mkdir(exist_ok=True)
        (folder / f"{name}.py").write_text(text, "utf-8")
    with ExitStack() as stack:
        local = stack.enter_context(LocalBigQuery())
        client = local.client(project="demo")
        stack.callback(client.close)
        client.create_dataset("analytics")
        variables = environment(folder, bootstrap, local.url) | {
            "AIRFLOW__API__BASE_URL": url,
            "AIRFLOW__API__HOST": HOST,
            "AIRFLOW__API__PORT": str(port),
            "AIRFLOW__API_AUTH__JWT_SECRET": "only for this test, only on this machine",
            "AIRFLOW__CORE__DAGS_FOLDER": str(folder / "dags"),
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
            "AIRFLOW__LOGGING__LOGGING_LEVEL": "INFO",
            "AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK": "False",
        }
        subprocess.run([*AIRFLOW, "db", "migrate"], env=variables, check=True, capture_output=True, timeout=_SECONDS)
        found = Services(url, bootstrap, local, client, {}, variables, folder)
        stack.callback(found.stop)
        for name in COMPONENTS:
            found.start(name)
        found.until(lambda: _parsed(found, len(dags)))
        yield found


@pytest.fixture
def services(mock_cluster_of_its_own: MockCluster, tmp_path: Path) -> Iterator[Services]:
    """With two of the examples."""
    names = ("kafka_bq_minimal", "kafka_bq_typed")
    dags = {name: (EXAMPLES / f"{name}.py").read_text("utf-8") for name in names}
    with running(tmp_path, mock_cluster_of_its_own.bootstrap, dags) as found:
        yield found


@pytest.fixture
def mock_cluster_of_its_own() -> Iterator[MockCluster]:
    """With the topic of the examples."""
    with MockCluster() as cluster:
        cluster.create_topic("shop.orders", 2)
        yield cluster


def _parsed(services: Services, count: int) -> bool:
    """Whether the page answers and knows the DAGs."""
    try:
        return int(services.ask("GET", "/dags")["total_entries"]) == count
    except (OSError, AssertionError):
        return False
