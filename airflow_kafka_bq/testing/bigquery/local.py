"""A whole local BigQuery: the emulator, and the strict front before it."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import httpx

from airflow_kafka_bq.testing.bigquery.emulator import Emulator, die_with_parent, stop_process, wait_for_port
from airflow_kafka_bq.testing.bigquery.front.faults import Fault
from airflow_kafka_bq.testing.bigquery.front.server import Front

if TYPE_CHECKING:
    from google.cloud import bigquery


class FaultDoor:
    """Faults and call log of a front, over HTTP: the same whether it runs in this process or another.

    Args:
        url: Of the front.
    """

    def __init__(self, url: str) -> None:
        self._url = f"{url}/_front"

    def add(self, action: str, **rule: Any) -> None:
        """Put a rule in force; see `Fault` for its words.

        Raises:
            ValidationError: It is none.
        """
        fault = Fault(action=action, **rule)
        self._ask("POST", "faults", json=fault.model_dump())

    def clear(self) -> None:
        """Take all rules back; held jobs go on."""
        self._ask("DELETE", "faults")

    def release(self, name: str = "hold") -> None:
        """Let held jobs go on."""
        self._ask("POST", f"release/{name}")

    def calls(self, call: str | None = None) -> list[dict[str, Any]]:
        """The calls so far, all or those of one name (`jobs.insert`)."""
        found: list[dict[str, Any]] = self._ask("GET", "calls").json()["calls"]
        return [entry for entry in found if call is None or entry["call"] == call]

    def forget_calls(self) -> None:
        """Empty the call log."""
        self._ask("DELETE", "calls")

    def _ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        # On a busy machine the front may take longer than the client's five seconds. It speaks no TLS: to read what the
        # system trusts, for each call anew, takes longer than the call.
        answer = httpx.request(method, f"{self._url}/{path}", timeout=60, verify=False, **more)  # noqa: S501
        return answer.raise_for_status()


class LocalBigQuery:
    """A local BigQuery on free ports of 127.0.0.1; its data ends with it.

    Args:
        in_process: False runs the front in a process of its own, which faults of action `kill_front` and
            `kill_front()` can kill; the emulator, and so the data, live on. True runs it in a thread.
    """

    def __init__(self, in_process: bool = True) -> None:
        self._in_process = in_process
        self._emulator = Emulator()
        self._state = tempfile.TemporaryDirectory(prefix="kafka-bq-front-")
        self._front: Front | None = None
        self._process: subprocess.Popen[str] | None = None
        self._port = 0
        self.url = ""

    def __enter__(self) -> LocalBigQuery:
        self._emulator.start()
        try:
            self._start_front()
        except BaseException:
            self._emulator.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop_front()
        self._emulator.stop()
        self._state.cleanup()

    @property
    def faults(self) -> FaultDoor:
        """Faults and call log of the front."""
        return FaultDoor(self.url)

    def client(self, project: str = "demo", location: str | None = None) -> bigquery.Client:
        """An official client that talks to it."""
        # Here, not above: the front's own process needs no client, and starts twice as fast without.
        from google.auth.credentials import AnonymousCredentials
        from google.cloud import bigquery

        return bigquery.Client(
            project,
            AnonymousCredentials(),
            location=location,
            client_options={"api_endpoint": self.url},
        )

    def _start_front(self) -> None:
        if self._in_process:
            self._front = Front(self._emulator.url, Path(self._state.name), self._port)
            self._front.start()
            self.url = self._front.url
        else:
            command = [sys.executable, "-m", "airflow_kafka_bq.testing.bigquery", "--port", str(self._port)]
            command += ["--emulator", self._emulator.url, "--state", self._state.name]
            self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent())
            assert self._process.stdout is not None  # noqa: S101 - a pipe was asked for
            self.url = f"http://127.0.0.1:{wait_for_port(self._process, self._process.stdout, 'the strict front')}"
        # A front that comes back must be found where it was.
        self._port = int(self.url.rsplit(":", 1)[1])

    def stop_front(self) -> None:
        """Stop the front alone; may be called twice."""
        if self._front is not None:
            self._front.stop()
            self._front = None
        if self._process is not None:
            stop_process(self._process)
            self._process = None

    def kill_front(self) -> None:
        """Kill the front's process; only with `in_process=False`."""
        if self._process is None:
            raise RuntimeError("the front runs in this process")
        self._process.kill()
        self._process.wait()

    def restart_front(self) -> None:
        """Start the front again on the same port, with what it knew; the data was never gone."""
        self.stop_front()
        self._start_front()
