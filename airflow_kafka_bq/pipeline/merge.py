"""Merge: one transaction per batch, fenced by the ledger's revision."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from airflow_kafka_bq.batch import Applied, Failure, JobResult, Kind, LedgerRow, Position, RunContext, RunPlan, Staged
from airflow_kafka_bq.exceptions import (
    AccountingError,
    CostLimitError,
    MergeConflictError,
    NotFoundError,
    TargetChangedError,
    WarehouseUnavailableError,
)
from airflow_kafka_bq.pipeline import identity
from airflow_kafka_bq.pipeline.quotas import statements
from airflow_kafka_bq.ports import MergeSpec, Warehouse
from airflow_kafka_bq.schema.target import Target

log = logging.getLogger(__name__)

MAX_LOSSES = 5


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
    pace: Callable[[int], None] = lambda _count: None  # waits until BigQuery takes so many DML statements more


def merge(merger: Merger, staged: Staged, revision: int | None, positions: Mapping[int, Position] | None) -> Applied:
    """Apply a batch exactly once.

    :param revision: the ledger's, as last seen; None without a ledger.
    :param positions: of all partitions after this batch; None for an isolated run.
    :raises LedgerMoved: another writer applied something else; plan anew.
    :raises MergeRejected: refused; perhaps because of a row.
    :raises MergeConflictError: concurrent writers won five times.
    :raises CostLimitError: more bytes than allowed; nothing was spent.
    """
    spec = spec_of(merger, staged, revision, positions)
    if merger.plan.shared:  # members move the other partitions of the row: theirs are taken as they stand now
        spec, mine = _reloaded(merger, spec)
        if mine is not None:
            return mine
    return _submitted(merger, spec)


def _submitted(merger: Merger, spec: MergeSpec) -> Applied:
    staged = spec.staged
    try:
        estimate = _estimate(merger, spec)
    except NotFoundError as error:
        return vanished(merger, spec, error)
    losses = attempt = fresh = 0
    while True:
        merger.check()
        merger.pace(statements(staged, merger.target))
        job_id = identity.merge_job(staged.batch_id, spec.revision, attempt)
        result = merger.warehouse.merge(job_id, spec, merger.max_bytes_billed)
        if result.failure is None and (shown := _shown(merger, spec, result, estimate)):
            return shown
        if result.failure is Failure.LETTERS_MOVED and not result.attached:
            raise LedgerMoved
        if result.failure in {Failure.TERMINAL, Failure.BAD_ROWS} and not result.attached:
            return _refused(merger, spec, result)
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
            return mine
        # Without a limit: ids that an outage of hours has burnt must not block a batch whose name stays the same.
        attempt = attempt + 1 if spec.revision == before else 0


def spec_of(
    merger: Merger, staged: Staged, revision: int | None, positions: Mapping[int, Position] | None
) -> MergeSpec:
    """The transaction of what is staged."""
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
            "or look for duplicates nearby only, with dedup_window; or raise max_bytes_billed",
        )  # fmt: skip
    return estimate


def _reloaded(merger: Merger, spec: MergeSpec) -> tuple[MergeSpec, Applied | None]:
    """The spec at the ledger's present revision; or, where our batch is in the ledger already, what it did."""
    if spec.revision is None:
        return spec, None
    row = merger.warehouse.ledger(merger.target, spec.pipeline)
    if row is None:
        message = f"the ledger row of pipeline {spec.pipeline} is gone"
        raise TargetChangedError(message, topic=spec.topic, remedy="kafka-bq seek writes it again")
    shared = merger.plan.shared
    if row.revision == spec.revision and not shared:
        return spec, None
    if _holds(row, spec, shared=shared):
        log.info("batch %s was applied by an earlier submission (job %s)", row.batch_id, row.job_id)
        done = merger.warehouse.merge(str(row.job_id), spec, merger.max_bytes_billed)
        return spec, _applied(done, 0, row.revision)
    if not row.is_of(merger.plan.facts) or not _same_starts(spec, row.positions, shared=shared):
        raise LedgerMoved
    positions = {**row.positions, **_ends(spec)} if shared else spec.positions
    return spec_of(merger, spec.staged, row.revision, positions), None


def _ends(spec: MergeSpec) -> dict[int, Position]:
    """Of the partitions that the batch itself moves."""
    return {one.partition: one.position for one in spec.staged.ranges}


def _holds(row: LedgerRow, spec: MergeSpec, *, shared: bool) -> bool:
    """Whether the ledger stands right behind this batch.

    The batch id alone does not say so: ``seek`` moves positions back and leaves the id of the last batch.
    """
    if spec.positions is None or row.batch_id != spec.staged.batch_id:
        return False
    wanted = {part: at.next_offset for part, at in (_ends(spec) if shared else spec.positions).items()}
    there = {part: at.next_offset for part, at in row.positions.items() if part in wanted or not shared}
    return there.items() <= wanted.items() and {one.partition for one in spec.staged.ranges} <= set(there)


def _same_starts(spec: MergeSpec, held: Mapping[int, Position], *, shared: bool) -> bool:
    """Whether the positions still are where this batch starts. An isolated run does not depend on them.

    A row without positions is one that somebody emptied, to start over: a run that was overlooked must not fill it.
    """
    if spec.positions is None:
        return True
    starts = {one.partition: one.start_offset for one in spec.staged.ranges}
    if shared:  # a partition that was added since the row was written is not in it, and begins at 0
        return bool(held) and all(held.get(part, Position(0)).next_offset == start for part, start in starts.items())
    others = {part: at.next_offset for part, at in spec.positions.items() if part not in starts}
    expected = {**others, **starts}
    return bool(held) and all(expected.get(part) == at.next_offset for part, at in held.items())


def _shown(merger: Merger, spec: MergeSpec, result: JobResult, estimate: int) -> Applied | None:
    """What a finished job did, once the ledger says so: nothing is committed to Kafka before.

    None: an older job under our id, of which this ledger knows nothing; the batch is still to be applied. Without a
    ledger nothing tells a retry from a deliberate replay of the same messages, so an older job never counts: it is
    stepped over, and the MERGE, which changes nothing twice, runs again. With one, an older job may belong to an
    earlier life of the tables: all of them dropped, and the same messages read again from the start.
    """
    if spec.revision is None:
        return None if result.attached else _applied(result, estimate, None)
    after = spec.revision + 1
    row = merger.warehouse.ledger(merger.target, spec.pipeline)
    if row is not None and row.revision == spec.revision and result.attached:
        return None
    if row is not None and row.is_of(merger.plan.facts) and _holds(row, spec, shared=merger.plan.shared):
        return _applied(result, estimate, row.revision)  # beyond ours where isolated runs moved it since
    if merger.warehouse.applied(merger.target, spec.staged.batch_id, after):
        return _applied(result, estimate, after, overtaken=spec.positions is not None and not merger.plan.shared)
    if result.attached:
        return None
    message = f"merge job {result.job_id} is done, but neither ledger nor history has batch {spec.staged.batch_id}"
    raise AccountingError(message, topic=spec.topic, batch_id=spec.staged.batch_id)


def _applied(result: JobResult, estimate: int, revision: int | None, *, overtaken: bool = False) -> Applied:
    return Applied(
        revision, result.job_id, result.inserted, result.updated, result.deleted, estimate, result.bytes_billed,
        overtaken,
    )  # fmt: skip


def _refused(merger: Merger, spec: MergeSpec, result: JobResult) -> Applied:
    error = result.error or AccountingError("no reason given")
    if isinstance(error, NotFoundError):
        return vanished(merger, spec, error)
    if result.failure is Failure.BAD_ROWS:
        raise MergeRejected(spec, error)
    if merger.warehouse.table(merger.target.table) is None:
        raise _dropped(merger, spec) from error
    raise error


def vanished(merger: Merger, spec: MergeSpec, error: NotFoundError) -> Applied:
    """A table is gone. The staging table is dropped by whoever applied the same batch; else it expired."""
    if merger.warehouse.table(merger.target.table) is None:
        raise _dropped(merger, spec) from error
    there, mine = _reloaded(merger, spec)
    if mine is not None:
        return mine
    if spec.staged.kind is Kind.REDRIVE and there.revision != spec.revision:
        raise LedgerMoved  # the letters are read anew, those that another redrive took are left out
    batch = spec.staged.batch_id
    message = f"staging tables of batch {batch} are gone: they expired, or somebody dropped them"
    raise WarehouseUnavailableError(message, topic=spec.topic, batch_id=batch, remedy="run it again") from error


def _dropped(merger: Merger, spec: MergeSpec) -> TargetChangedError:
    message = f"table {merger.target.table} was dropped while the run was writing to it"
    return TargetChangedError(message, topic=spec.topic, batch_id=spec.staged.batch_id)


def _conflict(merger: Merger, staged: Staged, result: JobResult) -> Exception:
    if result.failure is Failure.AGAIN and result.error:
        return result.error  # BigQuery's own trouble, no other writer
    message = f"batch {staged.batch_id} lost against other writers of {merger.target.table} {MAX_LOSSES} times"
    error = MergeConflictError(
        message, topic=merger.plan.facts.topic, batch_id=staged.batch_id,
        remedy="let one task write this table at a time (max_active_tis_per_dag=1), then run it again",
    )  # fmt: skip
    error.__cause__ = result.error
    return error
