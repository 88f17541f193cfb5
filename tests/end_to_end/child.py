"""A run in a process of its own that dies, stops or sleeps at a named effect.

The effects are the calls of the two ports: before ``warehouse.table`` lies the end of plan, before ``warehouse.load``
the end of decode, around ``warehouse.merge`` and ``source.commit`` the two that matter most.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from airflow_kafka_bq import jobfile
from airflow_kafka_bq.exceptions import IngestError
from airflow_kafka_bq.pipeline.runner import Job, run
from airflow_kafka_bq.pipeline.stopping import Stop


@dataclass(frozen=True)
class Blow:
    """What happens at the n-th call (from 1) of an effect: ``kill``, ``freeze`` (SIGSTOP) or ``term``."""

    effect: str
    phase: str = "before"
    nth: int = 1
    action: str = "kill"

    def __str__(self) -> str:
        return f"{self.phase}-{self.effect}-{self.nth}"


@dataclass
class Struck:
    """A port whose calls are written down, and one of which is the last."""

    port: Any
    name: str
    blow: Blow | None
    trace: Path
    _counts: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __getattr__(self, method: str) -> Any:
        found = getattr(self.port, method)
        return self._wrapped(f"{self.name}.{method}", found) if callable(found) else found

    def _wrapped(self, effect: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def struck(*arguments: Any, **named: Any) -> Any:
            with self._lock:
                self._counts[effect] += 1
                nth = self._counts[effect]
                with self.trace.open("a") as file:
                    file.write(f"{effect} {nth}\n")
            self._strike(effect, "before", nth)
            result = call(*arguments, **named)
            self._strike(effect, "after", nth)
            return result

        return struck

    def _strike(self, effect: str, phase: str, nth: int) -> None:
        blow = self.blow
        if blow is None or (blow.effect, blow.phase, blow.nth) != (effect, phase, nth):
            return
        signals = {"kill": signal.SIGKILL, "freeze": signal.SIGSTOP, "term": signal.SIGTERM}
        os.kill(os.getpid(), signals[blow.action])
        if blow.action == "term":
            time.sleep(0.2)  # the handler runs between two bytecodes


def child(
    path: str, settings: tuple[str, ...], blow: Blow | None, trace: str, result: str, patience: float | None
) -> None:
    """Body of the child process: one run; report or failure as JSON into ``result``."""
    stop = Stop()
    signal.signal(signal.SIGTERM, lambda *_: stop.request())
    job = jobfile.assemble(jobfile.read(path, settings), stop)
    if patience is not None:
        requests: Any = getattr(job.source, "_requests")  # noqa: B009  # of KafkaSource, which the port does not have
        requests.timeout_seconds = patience
    struck = {name: Struck(getattr(job, name), name, blow, Path(trace)) for name in ("source", "warehouse")}
    document: dict[str, Any]
    try:
        document = run(_replaced(job, struck)).to_json()
    except IngestError as error:
        document = error.to_json()
    finally:
        struck["source"].close()
        struck["warehouse"].close()
    Path(result).write_text(json.dumps(document))


def _replaced(job: Job, struck: dict[str, Struck]) -> Job:
    return Job(
        job.config, struck["source"], struck["warehouse"], job.target, job.rules, job.fingerprint, stop=job.stop
    )  # fmt: skip


_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["airflow_kafka_bq.jobfile"])


@dataclass
class Child:
    """A started run."""

    process: BaseProcess
    result: Path
    trace: Path

    @classmethod
    def start(
        cls,
        folder: Path,
        path: Path,
        settings: tuple[str, ...] = (),
        blow: Blow | None = None,
        patience: float | None = None,
    ) -> Child:
        """Start; nothing is waited for.

        :param patience: seconds that a request to Kafka may take, instead of the usual ones.
        """
        stamp = f"{time.monotonic_ns()}"
        result, trace = folder / f"result-{stamp}.json", folder / f"trace-{stamp}.txt"
        process = _context.Process(target=child, args=(str(path), settings, blow, str(trace), str(result), patience))
        process.start()
        return cls(process, result, trace)

    def finish(self, seconds: float = 90) -> dict[str, Any]:
        """Wait for a run that ends by itself; its report or failure."""
        self.process.join(seconds)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
            raise TimeoutError("the run did not end")
        assert self.process.exitcode == 0, self.process.exitcode
        found: dict[str, Any] = json.loads(self.result.read_text())
        return found

    def dies(self, seconds: float = 90) -> None:
        """Wait for a run that is killed."""
        self.process.join(seconds)
        assert self.process.exitcode == -signal.SIGKILL, f"not killed: {self.process.exitcode}"

    def effects(self) -> list[tuple[str, int]]:
        """Every call of the run: (effect, which time)."""
        lines = (line.split() for line in self.trace.read_text().splitlines())
        return [(effect, int(nth)) for effect, nth in lines]

    def wait_for(self, effect: str, nth: int = 1, seconds: float = 60) -> None:
        """Until the child reached an effect."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.trace.exists() and (effect, nth) in self.effects():
                return
            time.sleep(0.02)
        raise TimeoutError(f"{effect} was not reached")

    def freezes(self, seconds: float = 60) -> None:
        """Until the child stopped itself."""
        end = time.monotonic() + seconds
        status = Path(f"/proc/{self.process.pid}/stat")
        while time.monotonic() < end:
            if not status.exists():
                raise AssertionError(f"it ended instead: {self.result.read_text() if self.result.exists() else '?'}")
            if status.read_text().rsplit(")", 1)[1].split()[0] == "T":
                return
            time.sleep(0.02)
        raise TimeoutError("the child did not freeze")

    def thaw(self) -> None:
        """Continue a frozen child."""
        assert self.process.pid
        os.kill(self.process.pid, signal.SIGCONT)
