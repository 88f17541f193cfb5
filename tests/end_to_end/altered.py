"""A run in a process that differs from others: shorter time limits, another clock, less memory, no disk."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import resource
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any, Self

from google.cloud.bigquery import client as google

from airflow_kafka_bq.bigquery import jobs
from airflow_kafka_bq.pipeline import job, stage
from tests.end_to_end import child
from tests.end_to_end.child import Blow, Child
from tests.end_to_end.pipe import Pipe

_context = multiprocessing.get_context("forkserver")


@dataclass(frozen=True)
class Altered:
    """What is different.

    :param call_seconds: how long one request to BigQuery may take, instead of 60 s.
    :param deadline_seconds: how long it is repeated, instead of 600 s.
    :param clock_seconds: by how much the time of day is off, at each look in turn, and again from the first one.
    :param spare_mebibytes: address space that is left when the run begins.
    :param file_bytes: length at which writing to a file fails.
    :param variables: of the environment.
    """

    call_seconds: float | None = None
    deadline_seconds: float | None = None
    clock_seconds: tuple[float, ...] = ()
    spare_mebibytes: int | None = None
    file_bytes: int | None = None
    variables: Mapping[str, str] = field(default_factory=dict)

    def start(self, pipe: Pipe, *settings: str, blow: Blow | None = None) -> Child:
        """A run in such a process; nothing is waited for."""
        stamp = f"{time.monotonic_ns()}"
        result, trace = pipe.folder / f"result-{stamp}.json", pipe.folder / f"trace-{stamp}.txt"
        arguments = (self, str(pipe.path), settings, blow, str(trace), str(result))
        process = _context.Process(target=_altered_child, args=arguments)
        process.start()
        return Child(process, result, trace)

    def run(self, pipe: Pipe, *settings: str, blow: Blow | None = None) -> dict[str, Any]:
        """A whole run: report, or failure."""
        return self.start(pipe, *settings, blow=blow).finish()


def _altered_child(altered: Altered, *arguments: Any) -> None:
    os.environ.update(altered.variables)
    if altered.call_seconds is not None:
        jobs.CALL_SECONDS = altered.call_seconds
        google_client: Any = google
        google_client._MIN_GET_QUERY_RESULTS_TIMEOUT = (
            altered.call_seconds
        )  # else two minutes, whatever the caller says
    if altered.deadline_seconds is not None:
        _give_up_after(altered.deadline_seconds)
    if altered.clock_seconds:
        _set_clock(altered.clock_seconds)
    if altered.file_bytes is not None:
        _limit(resource.RLIMIT_FSIZE, altered.file_bytes)
    if altered.spare_mebibytes is not None:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        _limit(resource.RLIMIT_AS, pages * resource.getpagesize() + (altered.spare_mebibytes << 20))
    path, settings, blow, trace, result = arguments
    child.child(path, settings, blow, trace, result, None)


def _limit(what: int, much: int) -> None:
    resource.setrlimit(what, (much, resource.getrlimit(what)[1]))


def _give_up_after(seconds: float) -> None:
    kind: Any = jobs.Jobs
    built = kind.__init__

    def shorter(self: Any, client: Any, stop: Any, _: float) -> None:
        built(self, client, stop, seconds)

    kind.__init__ = shorter


def _set_clock(seconds: tuple[float, ...]) -> None:
    offsets, right = itertools.cycle(seconds), time.time

    class Wrong(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return super().now(tz) + timedelta(seconds=next(offsets))

    time.time = lambda: right() + next(offsets)
    for module in (job, stage):  # they have the name, not the module
        module.datetime = Wrong  # type: ignore[attr-defined]
