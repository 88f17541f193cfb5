"""Two ways to run the demo's job: the command line with a job file, and Airflow with a DAG.

Both run it in another process, so that it can be killed.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import yaml

from airflow_kafka_bq import assembly, jobfile
from airflow_kafka_bq.demo.airflow_home import environment
from airflow_kafka_bq.demo.orders import TOPIC
from airflow_kafka_bq.demo.site import PROJECT, TABLE, Site
from airflow_kafka_bq.operations.lag import lag_of
from airflow_kafka_bq.pipeline.stopping import Stop
from airflow_kafka_bq.testing.kafka.child_process import end, spawn


class RunFailed(Exception):
    """A run that should have gone well did not; the message holds the end of its log."""


class Run(Protocol):
    """A run that was begun."""

    def report(self) -> dict[str, Any]:
        """Wait for its end. :raises RunFailed: it failed."""

    def alive(self) -> bool:
        """Whether its process is there."""

    def kill(self) -> None:
        """SIGKILL to its process."""


class Runs(Protocol):
    """Begins runs of one job."""

    how: str

    def begin(self, group_id: str | None = None, window: tuple[str, str] | None = None) -> Run:
        """Begin a run, or with ``window`` (its two ends) a replay."""


@dataclass
class _Process:
    """A process that answers with lines of JSON, and writes everything else into a log."""

    process: subprocess.Popen[bytes]
    log: Path

    def answer(self) -> dict[str, Any]:
        """The next document. :raises RunFailed: it ended without one."""
        assert self.process.stdout is not None  # noqa: S101 - it was spawned with pipes
        lines = []
        for line in self.process.stdout:
            lines.append(line)
            try:
                found: dict[str, Any] = json.loads(b"".join(lines))
            except ValueError:
                continue
            if "error" in found:
                raise RunFailed(f"{found['error']}: {found.get('message') or self._said()}")
            return found
        raise RunFailed(self._said())

    def _said(self) -> str:
        return self.log.read_text("utf-8", "replace")[-3_000:]

    def tell(self, document: Mapping[str, Any]) -> None:
        assert self.process.stdin is not None  # noqa: S101 - it was spawned with pipes
        self.process.stdin.write(json.dumps(document).encode() + b"\n")
        self.process.stdin.flush()

    def alive(self) -> bool:
        return self.process.poll() is None

    def report(self) -> dict[str, Any]:
        return self.answer()

    def kill(self) -> None:
        end(self.process)


def _started(site: Site, command: list[str], name: str, variables: Mapping[str, str] | None = None) -> _Process:
    log = site.folder / f"{name}.log"
    process = _Process(spawn(command, log=log, directory=site.folder, piped=True, environment=variables), log)
    site.running.callback(process.kill)
    return process


@dataclass
class JobFileRuns:
    """``kafka-bq run``, and ``kafka-bq replay``: no Airflow is imported."""

    site: Site
    how: str = "kafka-bq run"
    path: Path = field(init=False)

    def __post_init__(self) -> None:
        self.path = write_job_file(self.site)

    def begin(self, group_id: str | None = None, window: tuple[str, str] | None = None) -> Run:
        """As ``Runs``."""
        command = [sys.executable, "-m", "airflow_kafka_bq"]
        command += ["run", str(self.path)] if window is None else ["replay", str(self.path), "--from", window[0]]
        command += ["--to", window[1]] if window is not None else []
        command += ["--set", f"group_id={group_id}"] if group_id else []
        return _started(self.site, [*command, "--json"], "kafka-bq")


@dataclass
class AirflowRuns:
    """A DAG of a DAG folder, run by Airflow in a process that is kept until somebody kills it."""

    site: Site
    how: str = "KafkaToBigQueryOperator"
    _worker: _Process | None = None

    def __post_init__(self) -> None:
        self._home = self.site.folder / "airflow"
        self.prepare()

    def prepare(self) -> _Process:
        """Start the process ahead of its first run: Airflow makes a database and takes some seconds to import."""
        if self._worker is None or not self._worker.alive():
            variables = environment(self._home, self.site.bootstrap, self.site.local.url)
            command = [sys.executable, "-m", "airflow_kafka_bq.demo.airflow_worker"]
            self._worker = _started(self.site, command, "airflow", variables)
        return self._worker

    def begin(self, group_id: str | None = None, window: tuple[str, str] | None = None) -> Run:
        """As ``Runs``."""
        worker = self.prepare()
        times = {} if window is None else {"replay_from": window[0], "replay_to": window[1]}
        worker.tell({"group_id": group_id, **times})
        return worker


def write_job_file(site: Site) -> Path:
    """The same job as the DAG's task."""
    path = site.folder / "orders.yaml"
    job = {
        "topic": TOPIC,
        "table": TABLE,
        "model": "airflow_kafka_bq.demo.orders:Order",
        "dedup_key": ["order_id"],
        "on_duplicate": "update",
        "version": ["updated_at"],
        "partition_by": "ordered_on",
        "kafka": {"bootstrap.servers": site.bootstrap},
        "bigquery": {"project": PROJECT, "api_endpoint": site.local.url},
    }
    path.write_text(yaml.safe_dump(job, sort_keys=False), "utf-8")
    return path


def unread(site: Site, group_id: str | None) -> int:
    """Messages behind the group's committed offsets: what every lag tool shows."""
    settings = () if group_id is None else (f"group_id={group_id}",)
    job = jobfile.assemble(jobfile.read(write_job_file(site), settings), Stop())
    try:
        parts = lag_of(job)["partitions"].values()
    finally:
        assembly.close(job)
    return sum(part["end"] - (part["committed"] or 0) for part in parts)
