"""Faults by rule: which call fails, how, and how often."""

from __future__ import annotations

import re
import threading
import time
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Action = Literal[
    "fail_before",
    "fail_after",
    "drop_before",
    "drop_after",
    "never_answer",
    "slow",
    "hold",
    "job_error",
    "404_after_409",
    "deny",
    "kill_front",
]
#: Actions that belong to the life of a job; all others belong to the call.
_JOB_ACTIONS = frozenset({"slow", "hold", "job_error"})


class Fault(BaseModel):
    """One rule.

    Attributes:
        action: What happens. `fail_before`/`fail_after`: the call is refused with `status` and `reason`, nothing or
            everything applied. `drop_before`/`drop_after`: the connection is reset without an answer. `never_answer`:
            nothing is sent until the client gives up (`applied` says whether the call was carried out). `slow`: the job
            stays RUNNING for `seconds`. `hold`: until released by name. `job_error`: the job ends with `reason`, and
            nothing is applied. `404_after_409`: after a 409 on a job id, `jobs.get` of it finds nothing, once.
            `deny`: of `tables.testIamPermissions` the answer is without the permissions that `message` matches.
            `kill_front`: the front's process exits, as if killed.
        call: Regular expression on the API's name of the call, such as `jobs.insert`, `jobs.get`, `tables.insert`.
            `jobs.insert` is the call that creates a job: also a multipart upload and the last chunk of a resumable one.
        method: Regular expression on the HTTP method.
        path: Regular expression, found anywhere in the path.
        kind: Kind of job: `load`, `query`, `dml`, `merge`, `script`, `ddl`.
        job_id: Regular expression, found anywhere in the job's id.
        nth: The first matching call it strikes, from 1.
        times: How often it strikes; 0 for always.
        status: HTTP status of `fail_before` and `fail_after`.
        reason: BigQuery's word for the error.
        message: The error's text; of `deny`, a regular expression on the whole name of a permission.
        seconds: Of `slow`.
        at: Where a job waits: `start` (it has its snapshot, nothing is done) or `commit` (all is done, nothing is
            visible). Where `kill_front` strikes: `before`, `started` (the job is registered), `commit`, `applied` (the
            effect is durable, the job still RUNNING) or `after` (before the answer).
        applied: For `never_answer`.
        name: To release a `hold`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    action: Action
    call: str = ".*"
    method: str = ".*"
    path: str = ""
    kind: str | None = None
    job_id: str = ""
    nth: int = Field(default=1, ge=1)
    times: int = Field(default=1, ge=0)
    status: int = 503
    reason: str = "backendError"
    message: str = "a fault on purpose"
    seconds: float = 0.0
    at: Literal["before", "start", "started", "commit", "applied", "after"] = "commit"
    applied: bool = True
    name: str = "hold"

    @property
    def is_about_jobs(self) -> bool:
        """True if it strikes in the life of a job, False if it strikes a call."""
        return self.action in _JOB_ACTIONS or (self.action == "kill_front" and self.at not in {"before", "after"})

    def matches(self, call: str, method: str, path: str, kind: str | None, job_id: str | None) -> bool:
        """True if it is about this call."""
        if self.is_about_jobs != (call == "job"):
            return False
        return (
            (call == "job" or re.fullmatch(self.call, call) is not None)
            and re.fullmatch(self.method, method) is not None
            and re.search(self.path, path) is not None
            and (self.kind is None or self.kind == kind)
            and (not self.job_id or re.search(self.job_id, job_id or "") is not None)
        )


class Faults:
    """The rules in force, and the log of calls."""

    def __init__(self) -> None:
        self._lock = threading.Condition()
        self._rules: list[tuple[Fault, list[int]]] = []
        self._calls: list[dict[str, Any]] = []
        self._released: set[str] = set()
        self._hidden: set[str] = set()

    def add(self, fault: Fault) -> None:
        """Put a rule in force."""
        with self._lock:
            self._released.discard(fault.name)
            self._rules.append((fault, [0]))

    def clear(self) -> None:
        """Take all rules back; jobs that are held go on."""
        with self._lock:
            self._released.update(fault.name for fault, _ in self._rules)
            self._rules.clear()
            self._hidden.clear()
            self._lock.notify_all()

    def release(self, name: str) -> None:
        """Let held jobs go on."""
        with self._lock:
            self._released.add(name)
            self._lock.notify_all()

    def wake(self) -> None:
        """Make waiting jobs look whether they were cancelled."""
        with self._lock:
            self._lock.notify_all()

    def strike(
        self, call: str, method: str = "", path: str = "", kind: str | None = None, job_id: str | None = None
    ) -> list[Fault]:
        """The rules that strike this call, or this job (`call` = `job`); each such look counts."""
        struck = []
        with self._lock:
            for fault, seen in self._rules:
                if fault.matches(call, method, path, kind, job_id):
                    seen[0] += 1
                    if seen[0] >= fault.nth and (fault.times == 0 or seen[0] < fault.nth + fault.times):
                        struck.append(fault)
        return struck

    def wait(self, fault: Fault, cancelled: threading.Event) -> None:
        """Hold a job: for its seconds, or until released, or until it is cancelled."""
        deadline = time.monotonic() + fault.seconds
        with self._lock:
            while not cancelled.is_set():
                if fault.action == "slow":
                    left = deadline - time.monotonic()
                    if left <= 0:
                        return
                    self._lock.wait(left)
                elif fault.name in self._released:
                    return
                else:
                    self._lock.wait()

    def hide(self, job_id: str) -> None:
        """The next `jobs.get` of this id finds nothing."""
        with self._lock:
            self._hidden.add(job_id)

    def is_hidden(self, job_id: str) -> bool:
        """True once after `hide`."""
        with self._lock:
            found = job_id in self._hidden
            self._hidden.discard(job_id)
            return found

    def log(self, entry: dict[str, Any]) -> None:
        """Note a call."""
        with self._lock:
            self._calls.append(entry)

    def calls(self) -> list[dict[str, Any]]:
        """The calls since the start, or since `forget_calls`."""
        with self._lock:
            return list(self._calls)

    def forget_calls(self) -> None:
        """Empty the log."""
        with self._lock:
            self._calls.clear()
