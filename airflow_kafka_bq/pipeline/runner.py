"""The driver: one function tells the story of a run, the others are small."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime

from airflow_kafka_bq.batch import Applied, Decoded, Kind, Outcome, Position, RawBatch, RunContext, RunPlan, Staged
from airflow_kafka_bq.config import JobConfig, TableId
from airflow_kafka_bq.exceptions import IngestError, MergeConflictError, StopRequested
from airflow_kafka_bq.pipeline.commit import commit
from airflow_kafka_bq.pipeline.consume import Drain
from airflow_kafka_bq.pipeline.decode import DecodeRules, decode
from airflow_kafka_bq.pipeline.isolate import find_bad, without
from airflow_kafka_bq.pipeline.limits import BadMessages
from airflow_kafka_bq.pipeline.merge import MAX_LOSSES, LedgerMoved, Merger, MergeRejected, merge
from airflow_kafka_bq.pipeline.plan import look, plan
from airflow_kafka_bq.pipeline.report import RunReport
from airflow_kafka_bq.pipeline.split import split
from airflow_kafka_bq.pipeline.stage import RowsRejected, Stager, rejects, stage, unexplained
from airflow_kafka_bq.pipeline.stopping import Stop
from airflow_kafka_bq.pipeline.target import ready
from airflow_kafka_bq.ports import Source, Warehouse
from airflow_kafka_bq.schema.target import Target

log = logging.getLogger(__name__)

Progress = Callable[[RunReport, RunPlan], None]


@dataclass(frozen=True, slots=True)
class Job:
    """All that a run works with. ``target`` is the table as the job wants it."""

    config: JobConfig
    source: Source
    warehouse: Warehouse
    target: Target
    rules: DecodeRules
    fingerprint: str
    context: RunContext = field(default_factory=RunContext)
    stop: Stop = field(default_factory=Stop)
    progress: Progress = lambda report, plan: None


@dataclass(frozen=True, slots=True)
class Prepared:
    """A staged batch, with what is needed to find a row that only the MERGE rejects."""

    raw: RawBatch
    decoded: Decoded
    staged: Staged


def run(job: Job) -> RunReport:
    """Move a topic's messages up to an end that is fixed now.

    1. Plan: positions, ends, checks. 2. Consume a bounded batch. 3. Decode it; what fails becomes dead letters.
    4. Stage it by load jobs. 5. Merge it in one transaction that also moves the ledger. 6. Commit to Kafka what the
    ledger says. 7. Report. Steps 2-4 of the next batch overlap with 5 and 6 of this one.

    A crash before 5 leaves nothing, a crash after 5 leaves the ledger ahead of Kafka; the next run starts from the ledger.

    :raises IngestError: with ``report`` set to what was done so far.
    """
    table, config = job.target.table, job.config
    report = RunReport(config.topic, str(table), config.group(table))
    try:
        for _ in range(MAX_LOSSES):
            try:
                _pass(job, report)
            except LedgerMoved:
                log.warning("another writer of %s moved the ledger; planning anew", table)
                continue
            report.check()
            return report
        message = f"other writers moved the ledger of {table} {MAX_LOSSES} times while this run was reading"
        raise MergeConflictError(message, remedy="let one task read this topic at a time, then run it again")
    except StopRequested:
        report.outcome = Outcome.STOPPED
        return report
    except IngestError as error:
        error.located(topic=config.topic, group_id=report.group_id)
        error.report = report.to_json()
        raise


def _pass(job: Job, report: RunReport) -> None:
    """From plan to last commit, or until another writer is found to have gone on."""
    config, stop = job.config, job.stop
    with report.timed("plan"):
        seen = look(config, job.source, job.warehouse, job.target)
        planned = plan(config, job.source, job.target, seen)
        report.planned(planned)
        stop.check()
        tables = ready(config, job.warehouse, job.target, seen, planned, job.context)
    if tables.moved:
        raise LedgerMoved
    report.revision = tables.revision
    job.progress(report, planned)
    live = planned.kind is Kind.LIVE
    positions, revision, batch_id = dict(planned.positions), tables.revision, None
    drain = Drain(job.source, planned, config, report.group_id, stop.event.is_set, read_before=report.messages)
    limits = BadMessages(config)
    merger = Merger(job.warehouse, tables.target, planned, job.context, datetime.now(UTC),
                    config.max_bytes_billed, stop.check, stop.pause)  # fmt: skip
    stager = Stager(job.warehouse, tables.target, planned, job.fingerprint, config.staging_expiration_hours, stop.pause)
    for prepared in _ahead_by_one(_batches(job, drain, stager, report), stop):
        limits.check(prepared.decoded, prepared.staged.messages, report.group_id, prepared.staged.batch_id)
        after = positions | {one.partition: one.position for one in prepared.staged.ranges}
        with report.timed("merge"):
            prepared, done = _merged(merger, stager, prepared, revision, after if live else None)
        report.applied(prepared.staged, prepared.decoded, prepared.raw.gaps, done)
        if done.overtaken:
            raise LedgerMoved
        positions, revision, batch_id = after, done.revision, prepared.staged.batch_id
        stop.check()
        if live:
            _commit(job, report, positions, revision, batch_id)
        _drop(job.warehouse, prepared.staged)
        job.progress(report, planned)
    if live and report.batches == 0:
        _commit(job, report, positions, revision, batch_id)
    report.outcome = Outcome.LIMIT if drain.limited else (Outcome.END if live else Outcome.WINDOW)


def _commit(
    job: Job, report: RunReport, positions: Mapping[int, Position], revision: int | None, batch_id: str | None
) -> None:
    with report.timed("commit"):
        confirmed = commit(job.source, positions, report.table, revision, batch_id)
    report.committed_to(positions, confirmed)


def _batches(job: Job, drain: Drain, stager: Stager, report: RunReport) -> Iterator[Prepared]:
    """Consume, decode and stage, one batch at a time. Runs in the reader's thread."""
    while True:
        with report.timed("consume"):
            raw = drain.next_batch()
        if raw is None:
            return
        with report.timed("decode"):
            parts = split(raw, decode(raw.messages, job.target, job.rules), stager.target)
        for part, decoded in parts:
            with report.timed("stage"):
                prepared = _staged(stager, part, decoded)
            yield prepared


def _staged(stager: Stager, raw: RawBatch, decoded: Decoded) -> Prepared:
    """Stage; where BigQuery rejects rows that our checks let through, they become dead letters."""
    try:
        return Prepared(raw, decoded, stage(stager, raw, decoded))
    except RowsRejected as signal:
        bad = find_bad(decoded.rows.num_rows, rejects(stager, decoded.rows))
        if not bad:
            raise unexplained(signal.error) from signal
        decoded = without(raw, decoded, bad)
        return Prepared(raw, decoded, stage(stager, raw, decoded))


def _merged(
    merger: Merger,
    stager: Stager,
    prepared: Prepared,
    revision: int | None,
    positions: Mapping[int, Position] | None,
) -> tuple[Prepared, Applied]:
    """Merge; where only the MERGE finds a row that BigQuery rejects, stage again without it."""
    try:
        return prepared, merge(merger, prepared.staged, revision, positions)
    except MergeRejected as signal:
        rows = prepared.staged.rows
        bad = find_bad(rows, lambda first, last: merger.warehouse.probe(signal.spec, first, last)) if rows else {}
        if not bad:
            raise unexplained(signal.error) from signal
        decoded = without(prepared.raw, prepared.decoded, bad)
        again = Prepared(prepared.raw, decoded, stage(stager, prepared.raw, decoded))
        return again, merge(merger, again.staged, revision, positions)


def _drop(warehouse: Warehouse, staged: Staged) -> None:
    for name in (staged.rows_table, staged.dead_letters_table):
        if name:
            warehouse.drop(TableId(*name.rsplit(".", 2)))


def _ahead_by_one(batches: Iterator[Prepared], stop: Stop) -> Iterator[Prepared]:
    """The same batches, each prepared while the one before is merged: at most two are in memory.

    When the consumer fails, the reader is halted and what it prepared is dropped.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="kafka-bq-reader") as reader:
        waiting: Future[Prepared | None] = reader.submit(next, batches, None)
        try:
            while (prepared := waiting.result()) is not None:
                waiting = reader.submit(next, batches, None)
                yield prepared
        finally:
            stop.halt()
            waiting.exception()
            stop.resume()
