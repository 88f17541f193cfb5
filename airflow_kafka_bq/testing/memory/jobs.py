"""Jobs: an id is taken once and for all; a second use attaches, whatever became of the first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Literal, Protocol

from airflow_kafka_bq.batch import Failure, JobResult
from airflow_kafka_bq.exceptions import IngestError, MergeConflictError, MergeRejectedError, WarehouseUnavailableError
from airflow_kafka_bq.testing.memory.clock import Clock
from airflow_kafka_bq.testing.memory.faults import Faults

Kind = Literal["load", "merge"]


class Fate(StrEnum):
    """What becomes of a job, as planted by a test."""

    REJECTED = "rejected"  # ends with an error that running again does not cure; the id is burnt
    AGAIN = "again"  # ends with an internal error; the id is burnt
    CONFLICT = "conflict"  # cancelled by a concurrent transaction; the id is burnt
    BAD_ROWS = "bad_rows"  # a row does not convert; the id is burnt
    QUOTA = "quota"  # refused before it became a job; the id is free
    UNANSWERED = "unanswered"  # the request never arrived; the id is free
    APPLIED_UNANSWERED = "applied_unanswered"  # done, and nobody was told
    SLOW = "slow"  # still running when the caller's deadline ends


_FAILURES: dict[Fate, tuple[Failure, type[IngestError], str]] = {
    Fate.REJECTED: (Failure.TERMINAL, MergeRejectedError, "refused (notImplemented)"),
    Fate.AGAIN: (Failure.AGAIN, WarehouseUnavailableError, "internal error (jobInternalError)"),
    Fate.CONFLICT: (Failure.CONFLICT, MergeConflictError, "Transaction is aborted due to concurrent update"),
    Fate.BAD_ROWS: (Failure.BAD_ROWS, MergeRejectedError, "Could not cast literal (invalidQuery)"),
}
_NO_JOB = {Fate.QUOTA: "quota exceeded", Fate.UNANSWERED: "BigQuery did not answer"}


class Work(Protocol):
    """What a job does."""

    def execute(self) -> None:
        """Run the statements; a transaction then holds what it changes until it ends."""

    def commit(self) -> JobResult:
        """Apply, all or nothing."""

    def cancel(self) -> None:
        """Give up what is held."""


@dataclass(slots=True)
class Job:
    """A job that BigQuery knows. ``result`` is set when it is done."""

    job_id: str
    kind: Kind
    destination: str | None
    work: Work | None = None
    result: JobResult | None = None
    ready_at: datetime | None = None  # of a running job: when it ends by itself

    def failed(self, fate: Fate) -> JobResult:
        """End with an error."""
        failure, kind, message = _FAILURES[fate]
        if self.work:
            self.work.cancel()
        error = kind(f"{self.kind} job {self.job_id}: {message}")
        self.result = JobResult(self.job_id, failure=failure, error=error, destination=self.destination)
        return self.result

    def execute(self) -> None:
        """Run the statements, and stay open."""
        if self.work and not self.result:
            self.work.execute()

    def commit(self) -> JobResult:
        """Finish."""
        if self.result is None:
            assert self.work  # noqa: S101 - a job without result has work to do
            self.result = self.work.commit()
        return self.result


@dataclass(slots=True)
class _Planned:
    pattern: str
    fate: Fate
    times: int
    seconds: float | None
    holding: bool


class Jobs:
    """All jobs of a project."""

    def __init__(self, clock: Clock, faults: Faults) -> None:
        self._clock = clock
        self._faults = faults
        self._planned: list[_Planned] = []
        self.by_id: dict[str, Job] = {}

    def script(
        self, pattern: str, fate: Fate, *, times: int = 1, seconds: float | None = None, holding: bool = False
    ) -> None:
        """The next jobs whose id matches the glob meet this fate.

        :param seconds: of a slow job: it ends by itself after that long on the clock; None: when ``finish`` is called.
        :param holding: of a slow job: its statements ran already, so other writers of its tables are cancelled; else
            they run when it ends, and it is cancelled itself if others were faster.
        """
        self._planned.append(_Planned(pattern, fate, times, seconds, holding))

    def submit(self, kind: Kind, job_id: str, destination: str | None, work: Callable[[], Work]) -> JobResult:
        """Insert a job and wait for it.

        :raises WarehouseUnavailableError: planted, or the job that has this id is still running.
        """
        self.settle()
        if job_id not in self.by_id:
            self._faults.on_effect(kind, "before")
        if job_id in self.by_id:
            return self._attach(self.by_id[job_id])
        planned = self._take(job_id)
        fate = planned.fate if planned else None
        if fate in _NO_JOB:
            raise WarehouseUnavailableError(f"{kind} job {job_id}: {_NO_JOB[fate]}")
        job = self.begin(kind, job_id, destination, work)
        if planned and fate is Fate.SLOW:
            self._start_slowly(job, planned)
        elif fate in _FAILURES:
            job.failed(fate)
        else:
            job.commit()
        self._faults.on_effect(kind, "after")
        if fate in {Fate.SLOW, Fate.APPLIED_UNANSWERED} or job.result is None:
            raise WarehouseUnavailableError(f"{kind} job {job_id}: no answer until the deadline")
        return job.result

    def begin(self, kind: Kind, job_id: str, destination: str | None, work: Callable[[], Work]) -> Job:
        """Insert a job that runs until it is told to go on. :raises ValueError: the id is taken."""
        if job_id in self.by_id:
            msg = f"job id {job_id} is taken"
            raise ValueError(msg)
        self.by_id[job_id] = job = Job(job_id, kind, destination)
        job.work = work()
        return job

    def finish(self, job_id: str, fate: Fate | None = None) -> JobResult:
        """End a running job: as it ends by itself, or with an error."""
        job = self.by_id[job_id]
        return job.failed(fate) if fate and job.result is None else job.commit()

    def settle(self) -> None:
        """End the running jobs whose time has come, in its order."""
        now = self._clock()
        due = [(job.ready_at, job) for job in self.by_id.values() if job.result is None and job.ready_at]
        for ready_at, job in sorted(due, key=lambda pair: pair[0]):
            if ready_at <= now:
                job.commit()

    def _start_slowly(self, job: Job, planned: _Planned) -> None:
        if planned.seconds is not None:
            job.ready_at = self._clock() + timedelta(seconds=planned.seconds)
        if planned.holding:
            job.execute()

    def _attach(self, job: Job) -> JobResult:
        if job.result is None:
            raise WarehouseUnavailableError(f"job {job.job_id} is still running")
        return replace(job.result, attached=True)

    def _take(self, job_id: str) -> _Planned | None:
        for planned in self._planned:
            if planned.times and fnmatchcase(job_id, planned.pattern):
                planned.times -= 1
                return planned
        return None
