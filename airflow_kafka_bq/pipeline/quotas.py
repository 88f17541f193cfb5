"""Quotas: what a run counts so that BigQuery need not refuse it.

https://cloud.google.com/bigquery/quotas . Of those on a table, a MERGE can exceed one, the rate of DML statements; a
staging table is loaded once, so no number of batches exceeds what a table takes in a day. Of those on a project, load
jobs count.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from airflow_kafka_bq.batch import Recent, Staged
from airflow_kafka_bq.exceptions import IngestError
from airflow_kafka_bq.ports import Warehouse
from airflow_kafka_bq.schema.target import Target

log = logging.getLogger(__name__)

STATEMENTS, STATEMENTS_SECONDS = 25, 10.0  # DML statements on one table
_RESERVE = 5  # for what a run does to its ledger before the first batch, and for others
LOAD_JOBS_A_DAY = 100_000  # of a project
_NEAR = LOAD_JOBS_A_DAY // 2  # by one table alone; what other tables of the project take, nobody tells
_DAY = timedelta(days=1)  # load jobs are refilled over 24 hours, so the last ones count and not the calendar's


class Pace:
    """Lets DML statements pass no faster than BigQuery takes them on one table.

    :param clock: monotonic seconds. :param pause: waits; may raise ``StopRequested``.
    """

    def __init__(self, clock: Callable[[], float], pause: Callable[[float], None]) -> None:
        self._clock, self._pause = clock, pause
        self._passed: deque[float] = deque()
        self.statements = 0
        self.paused_seconds = 0.0

    def __call__(self, count: int) -> None:
        """Wait until so many more statements may pass, and let them."""
        while (wait := self._wait(count)) > 0:
            log.info("waiting %.1f s: BigQuery takes %s DML statements on a table in 10 s", wait, STATEMENTS)
            self.paused_seconds += wait
            self._pause(wait)
        self._passed.extend([self._clock()] * count)
        self.statements += count

    def _wait(self, count: int) -> float:
        now = self._clock()
        while self._passed and self._passed[0] <= now - STATEMENTS_SECONDS:
            self._passed.popleft()
        over = len(self._passed) + count - (STATEMENTS - _RESERVE)
        return self._passed[over - 1] + STATEMENTS_SECONDS - now if 0 < over <= len(self._passed) else 0.0


def statements(staged: Staged, target: Target) -> int:
    """DML statements of a batch's transaction on the table that has most of them."""
    on_target = (staged.rows > staged.tombstones) + (staged.tombstones > 0)
    on_markers = (bool(target.version) + (staged.tombstones > 0)) if target.delete else 0
    return max(1, on_target, on_markers)  # the ledger has one, and so has the history


@dataclass(slots=True)
class Quotas:
    """What a run has used, and what the last day before it had."""

    pace: Pace = field(default_factory=lambda: Pace(time.monotonic, time.sleep))
    load_jobs: int = 0
    recent: Recent = field(default_factory=Recent)
    near: str | None = None

    def look(self, warehouse: Warehouse, target: Target, now: datetime) -> None:
        """Count the batches of the last 24 hours, by all writers of the table. A count that fails fails no run."""
        try:
            self.recent = warehouse.recent(target, now - _DAY)
        except IngestError as error:
            log.warning("batches of the last day were not counted: %s", error)
        if self.recent.load_jobs >= _NEAR:
            self.near = (
                f"{self.recent.batches:,} batches of {target.table} took {self.recent.load_jobs:,} load jobs in the "
                f"last 24 hours, and BigQuery takes {LOAD_JOBS_A_DAY:,} of a project: make batches larger "
                "(batch_messages, batch_bytes), or run less often"
            )
            log.warning("%s", self.near)

    def to_json(self) -> dict[str, Any]:
        """As the report shows it."""
        return {
            "load_jobs": self.load_jobs,
            "load_jobs_last_day": self.recent.load_jobs,
            "batches_last_day": self.recent.batches,
            "dml_statements": self.pace.statements,
            "paused_seconds": round(self.pace.paused_seconds, 3),
            "near": self.near,
        }
