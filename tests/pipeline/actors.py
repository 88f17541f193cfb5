"""Runs as processes that are held at every call and let go one at a time, so that any order of calls can be played."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from typing import Any, cast
from unittest import mock

from airflow_kafka_bq.batch import JobResult, Written
from airflow_kafka_bq.config import TableId
from airflow_kafka_bq.pipeline.reader import Prepared, Reader
from airflow_kafka_bq.pipeline.report import RunReport
from airflow_kafka_bq.pipeline.runner import run
from airflow_kafka_bq.pipeline.stopping import Stop
from airflow_kafka_bq.ports import MergeSpec, Warehouse
from airflow_kafka_bq.schema.target import Target
from airflow_kafka_bq.testing.memory import Killed, MemoryBigQuery, MemoryWarehouse
from airflow_kafka_bq.testing.memory.staging_file import rows_in
from tests.pipeline.world import Watched, World

_PATIENCE_SECONDS = 600.0  # a busy machine is no hang: histories are also played behind other work
_JOB_SECONDS = 45.0
_UNGATED = frozenset({"fetch_positions", "connection_error", "finish", "open", "project", "close"})
Hear = Callable[["Actor", str, JobResult], None]


def _deaf(_actor: Actor, _kind: str, _result: JobResult) -> None:
    return


def ahead_in_step(reader: Reader, _stop: Stop) -> Generator[Prepared, None, None]:
    """``ahead_by_one`` in one thread: the next batch is prepared before the caller merges this one."""
    with closing(reader.in_step()) as batches:
        waiting = next(batches, None)
        while waiting is not None:
            prepared, waiting = waiting, next(batches, None)
            yield prepared


@contextmanager
def in_step() -> Iterator[None]:
    """Runs use one thread each, so that their calls have one order."""
    with mock.patch("airflow_kafka_bq.pipeline.runner.ahead_by_one", ahead_in_step):
        yield


class Actor:
    """One run in a thread that only moves while ``step`` waits for it.

    :param hear: told of the result of each load and merge job.
    """

    def __init__(self, world: World, hear: Hear = _deaf, **settings: Any) -> None:
        self.world, self.hear, self.settings = world, hear, settings
        self.at = "start"
        self.calls: list[str] = []
        self.dead = self.asked = False
        self.stop: Stop | None = None
        self.report: RunReport | None = None
        self.error: BaseException | None = None
        self._go, self._back = threading.Lock(), threading.Lock()
        self._go.acquire()
        self._back.acquire()
        self._calls, self._until, self._nth = 0, "", 0
        self._thread = threading.Thread(target=self._live, name="kafka-bq-actor", daemon=True)
        self._thread.start()

    @property
    def ended(self) -> bool:
        """Whether the process is gone, one way or the other."""
        return self.report is not None or self.error is not None

    def step(self, calls: int = 1) -> None:
        """Let it make this many calls."""
        self._go_on(calls)

    def until(self, call: str, nth: int = 1) -> Actor:
        """Let it go on until it is about to make this call for the n-th time."""
        return self._go_on(sys.maxsize, call, nth)

    def finish(self) -> Actor:
        """Let it run to its end."""
        return self._go_on(sys.maxsize)

    def _go_on(self, calls: int, until: str = "", nth: int = 0) -> Actor:
        """Hand over once for all of its calls: that is most of what a call costs."""
        if not self.ended and calls:
            self._calls, self._until, self._nth = calls, until, nth
            self._go.release()
            assert self._back.acquire(timeout=_PATIENCE_SECONDS), f"{self} hangs at {self.at}"
        return self

    def kill(self) -> None:
        """SIGKILL: it makes no call any more. What BigQuery runs for it goes on."""
        self.dead = True
        self.finish()

    def ask_to_stop(self) -> None:
        """SIGTERM."""
        self.asked = True
        if self.stop:
            self.stop.request()

    def gate(self, name: str, phase: str = "before") -> None:
        """Wait for leave to go on."""
        if phase == "after" or name in _UNGATED:
            return
        self.at = name
        self._calls -= 1
        self._nth -= name == self._until
        if not self.dead and (not self._calls or (self._until and not self._nth)):
            self._back.release()
            self._go.acquire()
        if self.dead:
            raise Killed
        self.calls.append(name)

    def _live(self) -> None:
        self._go.acquire()
        try:
            if self.dead:
                raise Killed
            job = self.world.job(self.gate, **self.settings)
            self.stop = job.stop
            if self.asked:
                job.stop.request()
            stepped = cast(Warehouse, SteppedWarehouse(self.world.database, self))
            try:
                self.report = run(type(job)(**{**_fields(job), "warehouse": stepped}))
            finally:
                if job.member is not None and not self.dead:  # who dies stays in the group until its session ends
                    job.member.close()
        except BaseException as error:
            self.error = error
        finally:
            self._back.release()


def _fields(job: Any) -> dict[str, Any]:
    return {name: getattr(job, name) for name in type(job).__dataclass_fields__}


class SteppedWarehouse(Watched):
    """A job begins, executes and commits in steps of its own, beside those of other processes.

    It belongs to BigQuery: when the process that sent it dies, it ends by itself.
    """

    def __init__(self, database: MemoryBigQuery, actor: Actor) -> None:
        super().__init__(MemoryWarehouse(database), actor.gate)
        self._database, self._actor = database, actor

    def merge(self, job_id: str, spec: MergeSpec, max_bytes_billed: int | None) -> JobResult:
        """As the Warehouse's."""
        database, gate = self._database, self._actor.gate
        gate("merge")
        jobs = database.jobs
        if job_id in jobs.by_id:
            for _ in range(3):  # attach: wait a little for the other submission
                with database.lock:
                    jobs.settle()
                    running = jobs.by_id[job_id].result is None
                if running:
                    gate("merge runs")
        if self._is_taken("merge", job_id):
            return self._heard("merge", MemoryWarehouse(database).merge(job_id, spec, max_bytes_billed))
        job = database.begin_merge(job_id, spec, max_bytes_billed)
        job.ready_at = _later(database)
        gate("merge executes")
        with database.lock:
            jobs.settle()
            job.execute()
        gate("merge commits")
        with database.lock:
            jobs.settle()
            return self._heard("merge", job.commit())

    def load(self, job_id: str, table: TableId, written: Written, target: Target, expires_at: datetime) -> JobResult:
        """As the Warehouse's."""
        database = self._database
        self._actor.gate("load")
        if self._is_taken("load", job_id):
            return self._heard("load", MemoryWarehouse(database).load(job_id, table, written, target, expires_at))
        job = database.begin_load(job_id, table, rows_in(written.file), expires_at)
        job.ready_at = _later(database)
        self._actor.gate("load runs")
        with database.lock:
            database.jobs.settle()
            return self._heard("load", job.commit())

    def _is_taken(self, kind: str, job_id: str) -> bool:
        """Whether the id is, or a fate or an error waits for such a job: then it is done in one step."""
        database = self._database
        planned = any(one.times and kind in one.pattern for one in database.jobs._planned)
        return job_id in database.jobs.by_id or planned or bool(database._errors[kind])

    def _heard(self, kind: str, result: JobResult) -> JobResult:
        self._actor.hear(self._actor, kind, result)
        return result


def _later(database: MemoryBigQuery) -> datetime:
    return database.clock() + timedelta(seconds=_JOB_SECONDS)
