"""An Airflow of one's own on loopback: API server, scheduler, DAG processor, and workers by pid."""

from __future__ import annotations

import json
import secrets
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from airflow_kafka_bq.demo.airflow_home import environment
from airflow_kafka_bq.demo.process_tree import take_down
from airflow_kafka_bq.demo.ui import COMPONENTS
from airflow_kafka_bq.testing.kafka.child_process import spawn
from airflow_kafka_bq.testing.kafka.loopback import HOST, free_ports

REPOSITORY = Path(__file__).parents[2]
DAGS = Path(__file__).with_name("dags")
# A worker that is gone says nothing. Airflow misses it after 300 seconds by default, and then tries its task again.
HEARTBEAT_SECONDS, MISSED_AFTER_SECONDS, LOOK_SECONDS = 2, 10, 2.0
# Redis gives a message that nobody acknowledged to another worker after this time. It has to be longer than the longest
# task: a retry does not wait for it.
VISIBILITY_SECONDS = 86_400
_SECONDS = 180.0


@dataclass
class Airflow:
    """A running Airflow.

    :ivar workers: Celery's, by name.
    """

    python: str
    url: str
    folder: Path
    variables: Mapping[str, str]
    running: ExitStack
    workers: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    components: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    _token: str = ""

    def start_worker(self, name: str) -> None:
        """A Celery worker that runs one task at a time; waits until it takes tasks."""
        command = ["celery", "worker", "--concurrency", "1", "--celery-hostname", name, "--skip-serve-logs"]
        command += ["--without-mingle", "--without-gossip", "--pid", str(self.folder / f"{name}.pid")]
        # Nothing of the database: a worker has no access to it.
        variables = {**self.variables, "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "sqlite:////nowhere/airflow.db"}
        self.workers[name] = self.components[name] = self._start(command, name, variables)
        self.until(lambda: "ready." in self._log(name), f"worker {name} is ready")

    def stop_worker(self, name: str) -> None:
        """SIGTERM: it ends what it does."""
        take_down(self.workers.pop(name))
        del self.components[name]

    def tasks_at_a_time(self, count: int) -> None:
        """By the pool that tasks are in by default."""
        self.ask("PATCH", "/pools/default_pool?update_mask=slots", {"slots": count})

    def kill_worker_of(self, pid: int) -> None:
        """SIGKILL to the worker that runs the task of process ``pid``, and to all that it started: a machine is gone.

        :raises AssertionError: none does.
        """
        for name, worker in [*self.workers.items()]:
            if _has(psutil.Process(worker.pid), pid):
                del self.components[name], self.workers[name]
                return kill_tree(psutil.Process(worker.pid))
        for one in psutil.Process(self.components["scheduler"].pid).children():  # LocalExecutor's
            if _has(one, pid):
                return kill_tree(one)
        raise AssertionError(f"no worker runs the process {pid}")

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Airflow's REST API."""
        self._token = self._token or self._send("GET", f"{self.url}/auth/token", None, {})["access_token"]
        return self._send(method, f"{self.url}/api/v2{path}", body, {"Authorization": f"Bearer {self._token}"})

    def trigger(self, dag_id: str, topic: str, table: str) -> str:
        """Start a run; its id."""
        body = {"logical_date": None, "conf": {"topic": topic, "table": table}}
        return str(self.ask("POST", f"/dags/{dag_id}/dagRuns", body)["dag_run_id"])

    def tasks(self, dag_id: str, run_id: str) -> dict[tuple[str, int], dict[str, Any]]:
        """Task instances by (task id, map index)."""
        found = self.ask("GET", f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances")["task_instances"]
        return {(one["task_id"], one["map_index"]): one for one in found}

    def ended(self, dag_id: str, run_id: str, seconds: float = _SECONDS) -> dict[tuple[str, int], dict[str, Any]]:
        """Wait for the end of a run; its task instances.

        :raises AssertionError: it failed, or it did not end in time.
        """

        def state() -> Any:
            found = self.ask("GET", f"/dags/{dag_id}/dagRuns/{run_id}")["state"]
            return found in {"success", "failed"} and found

        if self.until(state, f"{dag_id} {run_id} ends", seconds) == "failed":
            raise AssertionError(f"{dag_id} {run_id} failed: {self.task_logs(dag_id, run_id)[-4_000:]}")
        return self.tasks(dag_id, run_id)

    def task_logs(self, dag_id: str, run_id: str, pattern: str = "*.log") -> str:
        """What the tasks of a run logged, all tries."""
        folder = self.folder / "logs" / f"dag_id={dag_id}" / f"run_id={run_id}"
        return "\n".join(one.read_text("utf-8", "replace") for one in sorted(folder.rglob(pattern)))

    def until(self, holds: Callable[[], Any], what: str, seconds: float = _SECONDS) -> Any:
        """Wait until something holds.

        :raises AssertionError: it did not, or a component ended.
        """
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if found := holds():
                return found
            if gone := [name for name, one in self.components.items() if one.poll() is not None]:
                raise AssertionError(f"{gone} ended before this: {what}; the last words:\n{self._words(*gone)}")
            time.sleep(0.2)
        words = self._words(*(log.stem for log in self.folder.glob("*.log")))
        raise AssertionError(f"not within {seconds:g} s: {what}; the last words:\n{words}")

    def _words(self, *names: str) -> str:
        return "\n".join(f"{name}: {self._log(name)[-2_000:]}" for name in names)

    def start_components(self) -> None:
        """Those of ``airflow standalone`` without a triggerer and without the log servers."""
        for name in ("api-server", "scheduler", "dag-processor"):
            self.components[name] = self._start(list(COMPONENTS[name]), name, self.variables)
        self.until(self._knows_the_dags, "Airflow answers and knows the DAGs")

    def _knows_the_dags(self) -> bool:
        try:
            return int(self.ask("GET", "/dags")["total_entries"]) == 2
        except (OSError, AssertionError):
            return False

    def _start(self, command: list[str], name: str, variables: Mapping[str, str]) -> subprocess.Popen[bytes]:
        log = self.folder / f"{name}.log"
        process = spawn([self.python, "-m", "airflow", *command], log=log, environment=variables)
        self.running.callback(take_down, process)
        return process

    def _log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text("utf-8", "replace")

    def _send(self, method: str, url: str, body: Any, headers: dict[str, str]) -> Any:
        data = None if body is None else json.dumps(body).encode()
        named = {**headers, "Content-Type": "application/json"}
        asked = urllib.request.Request(url, data, named, method=method)  # noqa: S310 - loopback
        try:
            with urllib.request.urlopen(asked, timeout=30) as answer:  # noqa: S310 - loopback
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {url}: {error.code} {error.read().decode()}") from error


def _has(worker: psutil.Process, pid: int) -> bool:
    return pid in {one.pid for one in (worker, *worker.children(recursive=True))}


def kill_tree(process: psutil.Process) -> None:
    """SIGKILL to it first, then to what it started: nobody is left who could tell of the other's end."""
    tree = [process, *process.children(recursive=True)]
    for one in tree:
        one.suspend()
    for one in tree:
        one.kill()
    psutil.wait_procs(tree, 10)


@contextmanager
def airflow(
    python: str, folder: Path, bootstrap: str, bigquery_url: str, parallelism: int = 4, broker: str | None = None,
    **more: str,
) -> Iterator[Airflow]:  # fmt: skip
    """With LocalExecutor, or with ``broker`` (Redis' URL) with CeleryExecutor; its workers are started by hand.

    :param python: of the environment that has Airflow. :param parallelism: tasks at a time; LocalExecutor's workers.
    """
    url = f"http://{HOST}:{free_ports(1)[0]}"
    variables = _variables(folder, url, bootstrap, bigquery_url, parallelism, broker) | more
    with ExitStack() as running:
        found = Airflow(python, url, folder, variables, running)
        command = [python, "-m", "airflow", "db", "migrate"]
        done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=_SECONDS, check=False)
        if done.returncode:
            raise RuntimeError(f"Airflow made no database: {done.stderr[-2_000:]}")
        found.start_components()
        yield found


def _variables(
    folder: Path, url: str, bootstrap: str, bigquery_url: str, parallelism: int, broker: str | None
) -> dict[str, str]:
    port = url.rpartition(":")[2]
    found = environment(folder, bootstrap, bigquery_url) | {
        "PYTHONPATH": str(REPOSITORY),
        "AIRFLOW__API__BASE_URL": url,
        "AIRFLOW__API__HOST": HOST,
        "AIRFLOW__API__PORT": port,
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_urlsafe(64),
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
        "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor" if broker else "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": str(parallelism),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "INFO",
        "AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK": "False",
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": str(MISSED_AFTER_SECONDS),
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": str(LOOK_SECONDS),
        "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": str(HEARTBEAT_SECONDS),
    }
    if broker:
        found |= {
            "AIRFLOW__CELERY__BROKER_URL": broker,
            "AIRFLOW__CELERY__RESULT_BACKEND": broker,
            "AIRFLOW__CELERY_BROKER_TRANSPORT_OPTIONS__VISIBILITY_TIMEOUT": str(VISIBILITY_SECONDS),
        }
    return found
