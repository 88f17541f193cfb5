"""Merge: one transaction per batch, fenced by the ledger's revision."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from airflow_kafka_bq.batch import Applied, Failure, JobResult, Position, RunContext, RunPlan, Staged
from airflow_kafka_bq.exceptions import (
    AccountingError,
    CostLimitError,
    IngestError,
    MergeConflictError,
    TargetChangedError,
)
from airflow_kafka_bq.pipeline import identity
from airflow_kafka_bq.ports import MergeSpec, Warehouse
from airflow_kafka_bq.schema.target import Target

log = logging.getLogger(__name__)

MAX_LOSSES = 5
_ATTEMPTS = 100


class LedgerMoved(Exception):  # a signal to the driver: plan anew
    """Another writer took over what this run was about to apply."""


class MergeRejected(Exception):  # a signal to the driver: look for a row to blame
    """BigQuery refused the transaction for a reason that may lie in a row."""

    def __init__(self, spec: MergeSpec, error: Exception) -> None:
        super().__init__(str(error))
        self.spec = spec
        self.error = error


@dataclass(frozen=True, slots=True)
class Merger:
    """What merging needs besides the batch."""

    warehouse: Warehouse
    target: Target
    plan: RunPlan
    context: RunContext
    started_at: datetime
    max_bytes_billed: int | None
    check: Callable[[], None]  # raises StopRequested when the run is to stop
    pause: Callable[[float], None]


def merge(merger: Merger, staged: Staged, revision: int | None, positions: Mapping[int, Position] | None) -> Applied:
    """Apply a batch exactly once.

    :param revision: the ledger's, as last seen; None without a ledger.
    :param positions: of all partitions after this batch; None for an isolated run.
    :raises LedgerMoved: another writer applied something else; plan anew.
    :raises MergeRejected: refused; perhaps because of a row.
    :raises MergeConflictError: concurrent writers won five times.
    :raises CostLimitError: more bytes than allowed; nothing was spent.
    """
    spec = _spec(merger, staged, revision, positions)
    estimate = _estimate(merger, spec)
    losses = attempt = fresh = 0
    while True:
        merger.check()
        job_id = identity.merge_job(staged.batch_id, spec.revision, attempt)
        result = merger.warehouse.merge(job_id, spec, merger.max_bytes_billed)
        if result.failure is None and (spec.revision is not None or not result.attached):
            return _applied(spec, result, estimate, overtaken=_overtaken(merger, spec, result))
        if result.failure in {Failure.TERMINAL, Failure.BAD_ROWS} and not result.attached:
            raise _final(merger, spec, result)
        # Without a ledger nothing tells a retry from a deliberate replay of the same messages: an older job under our
        # id is waited for and stepped over, and the MERGE, which changes nothing twice, runs again.
        if not result.attached:  # failures of an earlier process under our ids are stepped over, not counted
            fresh += 1
            losses += result.failure is not Failure.AGAIN
            log.warning("merge of batch %s: %s; %s of %s losses", staged.batch_id, result.error, losses, MAX_LOSSES)
            if losses >= MAX_LOSSES or fresh >= 2 * MAX_LOSSES:
                raise _conflict(merger, staged, result)
            merger.pause(random.uniform(0.1, 0.5) * 2 ** min(fresh, 6))  # noqa: S311  # jitter, not a secret
        before = spec.revision
        spec, mine = _reloaded(merger, spec)
        if mine is not None:
            return _applied(spec, mine, estimate, overtaken=False)
        attempt = attempt + 1 if spec.revision == before else 0
        if attempt > _ATTEMPTS:
            raise _conflict(merger, staged, result)


def _spec(merger: Merger, staged: Staged, revision: int | None, positions: Mapping[int, Position] | None) -> MergeSpec:
    plan = merger.plan
    return MergeSpec(
        merger.target, plan.facts.topic, plan.pipeline, staged, revision, positions, merger.context, merger.started_at
    )


def _estimate(merger: Merger, spec: MergeSpec) -> int:
    limit = merger.max_bytes_billed
    if limit is None or spec.staged.rows == 0:
        return 0
    estimate = merger.warehouse.estimate(spec)
    if estimate > limit:
        message = f"the MERGE of batch {spec.staged.batch_id} would process {estimate:,} bytes; allowed are {limit:,}"
        raise CostLimitError(
            message, topic=spec.topic, batch_id=spec.staged.batch_id,
            remedy="let it prune: coordinate keys, a partition column in the dedup key, or partition_immutable=True; "
            "or raise max_bytes_billed",
        )  # fmt: skip
    return estimate


def _reloaded(merger: Merger, spec: MergeSpec) -> tuple[MergeSpec, JobResult | None]:
    """The spec at the ledger's present revision; or, where our batch is in the ledger already, its result."""
    if spec.revision is None:
        return spec, None
    row = merger.warehouse.ledger(merger.target, spec.pipeline)
    if row is None:
        message = f"the ledger row of pipeline {spec.pipeline} is gone"
        raise TargetChangedError(message, topic=spec.topic, remedy="kafka-bq seek writes it again")
    if row.batch_id == spec.staged.batch_id and row.revision > spec.revision and spec.positions is not None:
        log.info("batch %s was applied by an earlier submission (job %s)", row.batch_id, row.job_id)
        return spec, merger.warehouse.merge(str(row.job_id), spec, merger.max_bytes_billed)
    if row.revision == spec.revision:
        return spec, None
    if row.topic_id != merger.plan.facts.topic_id or not _same_starts(spec, row.positions):
        raise LedgerMoved
    return _spec(merger, spec.staged, row.revision, spec.positions), None


def _same_starts(spec: MergeSpec, held: Mapping[int, Position]) -> bool:
    """Whether the positions still are where this batch starts. An isolated run does not depend on them."""
    if spec.positions is None:
        return True
    starts = {one.partition: one.start_offset for one in spec.staged.ranges}
    others = {part: at.next_offset for part, at in spec.positions.items() if part not in starts}
    expected = {**others, **starts}
    return all(expected.get(part) == at.next_offset for part, at in held.items())


def _overtaken(merger: Merger, spec: MergeSpec, result: JobResult) -> bool:
    """Nothing is committed to Kafka before the ledger says that the batch is in. True: somebody went on from there."""
    if spec.revision is None:
        return False
    row = merger.warehouse.ledger(merger.target, spec.pipeline)
    after = spec.revision + 1
    ours = row is not None and (spec.positions is None or row.batch_id == spec.staged.batch_id)
    if ours and row is not None and row.revision == after:
        return False
    if merger.warehouse.applied(merger.target, spec.staged.batch_id, after):
        return not ours  # an isolated run in between moves the revision alone; another batch moves positions too
    message = f"merge job {result.job_id} is done, but neither ledger nor history has batch {spec.staged.batch_id}"
    raise AccountingError(message, topic=spec.topic, batch_id=spec.staged.batch_id)


def _applied(spec: MergeSpec, result: JobResult, estimate: int, *, overtaken: bool) -> Applied:
    after = None if spec.revision is None else spec.revision + 1
    return Applied(
        after, result.job_id, result.inserted, result.updated, result.deleted, estimate, result.bytes_billed, overtaken
    )


def _final(merger: Merger, spec: MergeSpec, result: JobResult) -> Exception:
    if result.failure is Failure.BAD_ROWS:
        return MergeRejected(spec, result.error or AccountingError("no reason given"))
    if merger.warehouse.table(merger.target.table) is None:
        message = f"table {merger.target.table} was dropped while the run was writing to it"
        return TargetChangedError(message, topic=spec.topic, batch_id=spec.staged.batch_id)
    return result.error or AccountingError("no reason given")


def _conflict(merger: Merger, staged: Staged, result: JobResult) -> IngestError:
    message = f"batch {staged.batch_id} lost against other writers of {merger.target.table} {MAX_LOSSES} times"
    error = MergeConflictError(
        message, topic=merger.plan.facts.topic, batch_id=staged.batch_id,
        remedy="let one task write this table at a time (max_active_tis_per_dag=1), then run it again",
    )  # fmt: skip
    error.__cause__ = result.error
    return error
