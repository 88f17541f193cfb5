"""Compare: read again what Kafka still has of what was applied, and look for each key in the table.

With a dedup key of its own a message may rightly leave no row: a newer one took its place. So counts tell nothing, and
only the keys do. This stages the messages as a replay would, and asks what its MERGE would insert or replace, instead
of merging. Nothing but staging tables is written, and they are dropped.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any

from airflow_kafka_bq.batch import Absence, Absent, Bounds, Kind, PartitionPlan, RunPlan, Staged
from airflow_kafka_bq.config import TableId
from airflow_kafka_bq.config.days import Between
from airflow_kafka_bq.operations.scanned import Scanned
from airflow_kafka_bq.pipeline.head import Spent
from airflow_kafka_bq.pipeline.job import Job
from airflow_kafka_bq.pipeline.markers import oldest_safe
from airflow_kafka_bq.pipeline.runner import reader_of, report_of
from airflow_kafka_bq.pipeline.target import fit
from airflow_kafka_bq.ports import MergeSpec

log = logging.getLogger(__name__)

_EXAMPLES = 10


@dataclass(slots=True)
class Comparison:
    """What Kafka has and the table has not."""

    ranges: Mapping[int, tuple[int, int]]
    messages: int = 0
    dead_lettered: int = 0
    missing: int = 0
    older: int = 0
    examples: list[Absent] = field(default_factory=list)

    def add(self, staged: Staged, found: Absence) -> None:
        """One batch."""
        self.messages += staged.messages
        self.dead_lettered += staged.dead_lettered
        self.missing += found.missing
        self.older += found.older
        self.examples += found.places[: _EXAMPLES - len(self.examples)]

    def to_json(self) -> dict[str, Any]:
        """As in the audit's document; keys are left to the caller to make plain."""
        spans = {str(part): {"start": start, "end": end} for part, (start, end) in sorted(self.ranges.items())}
        return {
            "partitions": spans,
            "messages": self.messages,
            "dead_lettered": self.dead_lettered,
            "missing": self.missing,
            "older": self.older,
        }


def compare(
    job: Job, seen: Scanned, firsts: Mapping[int, int], positions: Mapping[int, int], between: Between
) -> Comparison:
    """Read from where the job began with each partition, or the log begins now, to the position.

    :param firsts: where live reading began. :param positions: of the ledger; half-open ends.
    :param between: only from the first message of that time on, up to the first of its end, as a replay of it would.
    :raises CostLimitError: comparing a batch would bill more than ``max_bytes_billed``.
    :raises IngestError: Kafka or BigQuery do not answer, or a message cannot be staged.
    """
    job = replace(job, fingerprint=f"{job.fingerprint}-compared")  # staging tables of its own, beside a replay's
    plan = _plan(job, seen, firsts, positions, between)
    found = Comparison({part: (one.start_offset, one.end_offset) for part, one in plan.partitions.items()})
    if not plan.lag:
        return found
    target, report = fit(job.target, seen.facts), report_of(job)
    report.planned(plan)
    reader = reader_of(job, plan, target, report, Spent(job.clock()))
    with closing(reader.in_step()) as batches:
        for prepared in batches:
            job.stop.check()
            found.add(prepared.staged, _absent(job, seen, prepared.staged))
            log.info("compared %s of %s messages at most", f"{found.messages:,}", f"{plan.lag:,}")
    return found


def _plan(
    job: Job, seen: Scanned, firsts: Mapping[int, int], positions: Mapping[int, int], between: Between
) -> RunPlan:
    facts, bounds = job.source.describe(), job.source.bounds()
    earliest = max(filter(None, (oldest_safe(job.config, job.now()), between.since)), default=None)
    begins = job.source.offsets_at(earliest) if earliest else {}
    ends = job.source.offsets_at(between.until) if between.until else {}
    partitions = {}
    for part, first in sorted(firsts.items()):
        if part in bounds and part in positions:
            position = positions[part]
            start, end = _span(bounds[part], max(first, begins.get(part, 0)), min(position, ends.get(part, position)))
            partitions[part] = PartitionPlan(part, start, end, None, bounds[part], None)
    return RunPlan(facts, seen.pipeline, Kind.WINDOW, partitions, None, {})


def _span(bounds: Bounds, first: int, position: int) -> tuple[int, int]:
    start = max(first, bounds.log_start)
    return start, max(start, min(position, bounds.last_stable))


def _absent(job: Job, seen: Scanned, staged: Staged) -> Absence:
    target = seen.target
    spec = MergeSpec(target, job.config.topic, seen.pipeline, staged, None, None, job.context, job.now())
    try:
        if staged.rows <= staged.tombstones:
            return Absence()
        return job.warehouse.absent(spec, _EXAMPLES, job.config.max_bytes_billed)
    finally:
        for one in (*staged.rows_tables, *staged.dead_letters_tables):
            job.warehouse.drop(TableId.parse(one.table))
