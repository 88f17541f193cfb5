"""A run in a process of its own that dies, stops or sleeps at a named effect.

The effects are the calls of the two ports: before ``warehouse.table`` lies the end of plan, before ``warehouse.load``
the end of decode, around ``warehouse.merge`` and ``source.commit`` the two that matter most. Four lie deeper:
``source.read`` (a poll that brought messages), ``client.load`` and ``client.merge`` (BigQuery has accepted the job,
nobody has seen its outcome) and ``admin.commit`` (the commit is on its way, nobody has seen the answer).
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
from dataclasses import dataclass, field, replace
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from confluent_kafka.admin import AdminClient

from airflow_kafka_bq import jobfile
from airflow_kafka_bq.config.destination import Destination
from airflow_kafka_bq.config.letters import LetterSelection
from airflow_kafka_bq.exceptions import IngestError
from airflow_kafka_bq.operations.redrive import redrive
from airflow_kafka_bq.operations.seek import Wish, seek
from airflow_kafka_bq.pipeline.job import Job
from airflow_kafka_bq.pipeline.runner import run
from airflow_kafka_bq.pipeline.stopping import Stop

STRUCK = "struck"


@dataclass(frozen=True)
class Blow:
    """What happens at the n-th call (from 1) of an effect: ``kill``, ``freeze`` (SIGSTOP) or ``term``.

    :param phase: ``before``, ``during`` (the call is under way) or ``after``.
    :param delay_seconds: how long after that moment.
    """

    effect: str
    phase: str = "before"
    nth: int = 1
    action: str = "kill"
    delay_seconds: float = 0.0

    def __str__(self) -> str:
        return f"{self.phase}-{self.effect}-{self.nth}"


@dataclass
class Striker:
    """Counts effects, writes them down, and strikes at one of them."""

    blow: Blow | None
    trace: Path
    _counts: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def wrapped(self, effect: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """The call, as an effect."""

        def struck(*arguments: Any, **named: Any) -> Any:
            nth = self.reached(effect)
            self.strike(effect, "before", nth)
            if self.blow and self.blow.phase == "during":
                threading.Thread(target=self.strike, args=(effect, "during", nth), daemon=True).start()
            result = call(*arguments, **named)
            self.strike(effect, "after", nth)
            return result

        return struck

    def reached(self, effect: str) -> int:
        """Which time it is."""
        with self._lock:
            self._counts[effect] += 1
            nth = self._counts[effect]
            with self.trace.open("a") as file:
                file.write(f"{effect} {nth}\n")
        return nth

    def strike(self, effect: str, phase: str, nth: int) -> None:
        """Strike, if this is the place."""
        blow = self.blow
        if blow is None or (blow.effect, blow.phase, blow.nth) != (effect, phase, nth):
            return
        time.sleep(blow.delay_seconds)
        with self.trace.open("a") as file:
            file.write(f"{STRUCK} 1\n")
        signals = {"kill": signal.SIGKILL, "freeze": signal.SIGSTOP, "term": signal.SIGTERM}
        os.kill(os.getpid(), signals[blow.action])
        if blow.action == "term":
            time.sleep(0.2)  # the handler runs between two bytecodes


@dataclass
class Struck:
    """A port whose calls are effects."""

    port: Any
    name: str
    striker: Striker

    def __getattr__(self, method: str) -> Any:
        found = getattr(self.port, method)
        if (self.name, method) == ("source", "poll"):
            found = self._telling_of_messages(found)
        return self.striker.wrapped(f"{self.name}.{method}", found) if callable(found) else found

    def _telling_of_messages(self, poll: Callable[..., Any]) -> Callable[..., Any]:
        def polled(*arguments: Any) -> Any:
            found = poll(*arguments)
            if found.messages.num_rows:
                self.striker.strike("source.read", "after", self.striker.reached("source.read"))
            return found

        return polled


def _strike_clients(job: Job, striker: Striker) -> None:
    """Inside of the ports: where something was sent, and nobody has seen what became of it."""
    client: Any = getattr(job.warehouse, "_client")  # noqa: B009  # of BigQueryWarehouse, which the port does not have
    client.load_table_from_file = striker.wrapped("client.load", client.load_table_from_file)
    query = client.query
    merge = striker.wrapped("client.merge", query)
    client.query = lambda *arguments, **named: (
        merge if str(named.get("job_id")).startswith("kafka-bq-merge") else query
    )(*arguments, **named)
    admin: Any = AdminClient
    alter = striker.wrapped("admin.commit", admin.alter_consumer_group_offsets)
    admin.alter_consumer_group_offsets = lambda *arguments, **named: alter(*arguments, **named)


def child(
    path: str, settings: tuple[str, ...], blow: Blow | None, trace: str, result: str, patience: float | None,
    redrives: bool = False, seeks: str | None = None,
) -> None:  # fmt: skip
    """Body of the child process: a run, a redrive or a seek; report or failure as JSON into ``result``."""
    stop = Stop()
    signal.signal(signal.SIGTERM, lambda *_: stop.request())
    job = jobfile.assemble(jobfile.read(path, settings), stop)
    if patience is not None:
        requests: Any = getattr(job.source, "_requests")  # noqa: B009  # of KafkaSource, which the port does not have
        requests.timeout_seconds = patience
    striker = Striker(blow, Path(trace))
    _strike_clients(job, striker)
    ports = [name for name in ("source", "warehouse", "copies") if getattr(job, name) is not None]
    struck: dict[str, Any] = {name: Struck(getattr(job, name), name, striker) for name in ports}
    if job.member is not None:
        struck["member"] = Struck(job.member, "source", striker)
    document: dict[str, Any]
    try:
        made = replace(job, **struck)
        if seeks is not None:
            document = seek(made, Wish(Destination.of(seeks)), undo_file=Path(path).with_suffix(".undo.json"))
        else:
            document = (redrive(made, LetterSelection()) if redrives else run(made)).to_json()
    except IngestError as error:
        document = error.to_json()
    finally:
        for port in struck.values():
            port.close()
    Path(result).write_text(json.dumps(document))


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
        cls, folder: Path, path: Path, settings: tuple[str, ...] = (), blow: Blow | None = None,
        patience: float | None = None, redrives: bool = False, seeks: str | None = None,
    ) -> Child:  # fmt: skip
        """Start; nothing is waited for.

        :param patience: seconds that a request to Kafka may take, instead of the usual ones.
        """
        stamp = f"{time.monotonic_ns()}"
        result, trace = folder / f"result-{stamp}.json", folder / f"trace-{stamp}.txt"
        arguments = (str(path), settings, blow, str(trace), str(result), patience, redrives, seeks)
        process = _context.Process(target=child, args=arguments)
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
        lines = (line.split() for line in self.trace.read_text().splitlines()) if self.trace.exists() else ()
        return [(effect, int(nth)) for effect, nth in lines]

    @property
    def was_struck(self) -> bool:
        """Whether it came to the blow."""
        return (STRUCK, 1) in self.effects()

    def wait_for(self, effect: str, nth: int = 1, seconds: float = 60) -> None:
        """Until the child reached an effect."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if (effect, nth) in self.effects():
                return
            time.sleep(0.02)
        raise TimeoutError(f"{effect} was not reached")

    def freezes(self, seconds: float = 60) -> None:
        """Until the child stopped itself."""
        if not self.stops(seconds):
            raise AssertionError(f"it ended instead: {self.result.read_text() if self.result.exists() else '?'}")

    def stops(self, seconds: float = 60) -> bool:
        """Until the child stopped itself, or ended: False."""
        end = time.monotonic() + seconds
        status = Path(f"/proc/{self.process.pid}/stat")
        while time.monotonic() < end:
            if not self.process.is_alive():
                return False
            if status.read_text().rsplit(")", 1)[1].split()[0] == "T":
                return True
            time.sleep(0.02)
        raise TimeoutError("the child did not freeze")

    def thaw(self) -> None:
        """Continue a frozen child."""
        assert self.process.pid
        os.kill(self.process.pid, signal.SIGCONT)
