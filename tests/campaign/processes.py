"""Runs as processes: the command line, an Airflow task, and the child that is struck at an exact effect."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Protocol

from airflow_kafka_bq.demo.airflow_home import environment
from tests.end_to_end.child import Child
from tests.end_to_end.pipe import ROOT, Pipe

SIGNALS = {"kill": signal.SIGKILL, "term": signal.SIGTERM, "freeze": signal.SIGSTOP}
_numbers = itertools.count()


@dataclass(frozen=True)
class Ending:
    """How a process ended.

    :param code: its exit code; negative for a signal.
    :param document: report or failure; None where it wrote none.
    :param words: the end of what it logged.
    """

    code: int
    document: dict[str, Any] | None
    words: str = ""


class Run(Protocol):
    """A process that runs a job."""

    kind: str
    pid: int

    def over(self) -> bool:
        """Whether it has ended; asks the system, waits for nothing."""

    def ending(self) -> Ending:
        """Once it is over."""

    def remove(self) -> None:
        """Kill it if it is still there."""


class ChildRun:
    """A run struck at an exact effect."""

    kind = "child"

    def __init__(self, child: Child) -> None:
        assert child.process.pid
        self.child, self.pid = child, child.process.pid

    def over(self) -> bool:
        """As ``Run``."""
        return not self.child.process.is_alive()

    def ending(self) -> Ending:
        """As ``Run``."""
        found = self.child.result
        code = self.child.process.exitcode
        assert code is not None
        return Ending(code, json.loads(found.read_text()) if code == 0 else None)

    def remove(self) -> None:
        """As ``Run``."""
        self.child.process.kill()
        self.child.process.join()


@dataclass
class Program:
    """A program that prints, or writes, one JSON document."""

    kind: str
    command: list[str]
    folder: Path
    variables: Mapping[str, str]
    result: Path
    began: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.log = self.result.with_suffix(".log")
        with self.log.open("w") as log, self._output() as out:
            self.process = subprocess.Popen(
                self.command, stdout=out, stderr=log, stdin=subprocess.DEVNULL, cwd=self.folder, env=self.variables
            )
        self.pid = self.process.pid

    def _output(self) -> IO[str]:
        return self.result.with_suffix(".out").open("w")

    def over(self) -> bool:
        """As ``Run``."""
        return self.process.poll() is not None

    def ending(self) -> Ending:
        """As ``Run``."""
        assert self.process.returncode is not None
        written = self.result if self.result.exists() else self.result.with_suffix(".out")
        try:
            document = json.loads(written.read_text())
        except ValueError:  # killed before, or while it wrote
            document = None
        return Ending(self.process.returncode, document, self.log.read_text(errors="replace")[-4000:])

    def remove(self) -> None:
        """As ``Run``."""
        self.process.kill()
        self.process.wait()


def command(pipe: Pipe, *settings: str) -> Program:
    """``kafka-bq run``."""
    words = [one for setting in settings for one in ("--set", setting)]
    return Program(
        "command",
        [sys.executable, "-m", "airflow_kafka_bq", "run", str(pipe.path), "--json", *words],
        pipe.folder,
        {**os.environ, "PYTHONPATH": str(ROOT)},
        pipe.folder / f"command-{next(_numbers)}.json",
    )


def airflow_task(pipe: Pipe, bootstrap: str, template: Path) -> Program:
    """The operator in a task of Airflow, with a database of its own: a frozen one would hold its lock."""
    number = next(_numbers)
    home, result = pipe.folder / f"airflow-{number}", pipe.folder / f"task-{number}.json"
    shutil.copytree(template, home)
    variables = environment(home, bootstrap, pipe.api_endpoint)
    return Program(
        "task",
        [sys.executable, "-m", "tests.campaign.airflow_task", str(pipe.path), str(result)],
        pipe.folder,
        {
            **variables,
            "PYTHONPATH": f"{ROOT}:{pipe.folder}",
            "AIRFLOW__CORE__DAGS_FOLDER": str(home),
            "TMPDIR": str(home),
        },
        result,
    )


def make_airflow_home(folder: Path) -> Path:
    """An empty Airflow, to be copied."""
    home = folder / "airflow-template"
    home.mkdir()
    variables = environment(home, "", "") | {"PYTHONPATH": str(ROOT), "TMPDIR": str(home)}
    code = "from tests.airflow_home import make_database; make_database()"
    subprocess.run([sys.executable, "-c", code], env=variables, cwd=folder, check=True, capture_output=True)
    return home


def is_stopped(pid: int) -> bool:
    """Whether SIGSTOP holds a process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "T"
    except FileNotFoundError:
        return False
