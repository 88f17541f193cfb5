"""Starts and stops the emulator in its own environment."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO

from airflow_kafka_bq.testing.bigquery.environment import Environment, ensure_environment

_SERVE = Path(__file__).parent / "door" / "serve.py"
_START_TIMEOUT_SECONDS = 60.0
_STOP_TIMEOUT_SECONDS = 5.0
_PR_SET_PDEATHSIG = 1


def die_with_parent() -> Callable[[], None] | None:
    """What a child runs before its program so that it dies when its parent does (Linux), None elsewhere."""
    if not sys.platform.startswith("linux"):
        return None
    # Loaded here, before the fork: the child of a process with threads must not import or allocate.
    libc = ctypes.CDLL(None)
    return lambda: libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def wait_for_port(process: subprocess.Popen[str], output: IO[str], what: str) -> int:
    """The port that a server prints as `port N` when it is ready.

    Raises:
        RuntimeError: It ended or said nothing in time.
    """
    stuck = threading.Timer(_START_TIMEOUT_SECONDS, process.kill)
    stuck.start()
    try:
        for line in output:
            if line.startswith("port "):
                threading.Thread(target=_drain, args=(output,), daemon=True).start()
                return int(line.split()[1])
    finally:
        stuck.cancel()
    raise RuntimeError(f"{what} did not start")


def _drain(output: IO[str]) -> None:
    # A pipe that nobody reads fills up, and then the server waits forever in a print.
    for _ in output:
        pass


def stop_process(process: subprocess.Popen[str]) -> None:
    """Ask a child to end, then make it."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(_STOP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    if process.stdout is not None:
        process.stdout.close()


class Emulator:
    """The emulator in a process of its own, on a free port of the loopback interface; all its data is in memory.

    Args:
        environment: Where it is installed; made on demand.
    """

    def __init__(self, environment: Environment | None = None) -> None:
        self._environment = environment
        self._process: subprocess.Popen[str] | None = None
        self.url = ""

    def start(self) -> None:
        """Start and wait until it answers.

        Raises:
            RuntimeError: It did not start; its log is in the message.
        """
        environment = self._environment or ensure_environment()
        with tempfile.TemporaryFile("w+") as log:
            self._process = subprocess.Popen(
                [str(environment.python), str(_SERVE)],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=os.environ
                | {
                    "HOME": str(environment.home),
                    "PYTHONPATH": "",
                    "PYTHONPYCACHEPREFIX": str(environment.home / "pycache"),
                    # Where this is set, each start would compile all of it again, which takes longer than the rest.
                    "PYTHONDONTWRITEBYTECODE": "",
                },
                preexec_fn=die_with_parent(),
            )
            assert self._process.stdout is not None  # noqa: S101 - a pipe was asked for
            try:
                port = wait_for_port(self._process, self._process.stdout, "the emulator")
            except RuntimeError as error:
                self.stop()
                log.seek(0)
                raise RuntimeError(f"{error}: {log.read()[-2000:]}") from error
        self.url = f"http://127.0.0.1:{port}"

    def stop(self) -> None:
        """Stop it; may be called twice."""
        if self._process is not None:
            stop_process(self._process)
            self._process = None

    def __enter__(self) -> Emulator:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
