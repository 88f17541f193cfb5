"""The driver: one function tells the story of a run, the others are small."""

from __future__ import annotations

import logging
from contextlib import closing

from airflow_kafka_bq.batch import Kind, Outcome, RunPlan
from airflow_kafka_bq.exceptions import (
    IngestError,
    KafkaUnavailableError,
    MergeConflictError,
    StopRequested,
)
from airflow_kafka_bq.pipeline.apply import Work, applied, commit_head, portions
from airflow_kafka_bq.pipeline.consume import Drain
from airflow_kafka_bq.pipeline.head import Head, Spent
from airflow_kafka_bq.pipeline.job import Job
from airflow_kafka_bq.pipeline.letters import LetterDrain
from airflow_kafka_bq.pipeline.limits import BadMessages
from airflow_kafka_bq.pipeline.markers import check_reach, oldest_safe
from airflow_kafka_bq.pipeline.memory import memory_named
from airflow_kafka_bq.pipeline.merge import MAX_LOSSES, LedgerMoved, Merger
from airflow_kafka_bq.pipeline.plan import look, plan, redrive_plan
from airflow_kafka_bq.pipeline.reader import Reader, ahead_by_one
from airflow_kafka_bq.pipeline.report import RunReport
from airflow_kafka_bq.pipeline.stage import Stager
from airflow_kafka_bq.pipeline.target import Ready, fit, ready

log = logging.getLogger(__name__)


def run(job: Job) -> RunReport:
    """Move a topic's messages up to an end that is fixed now.

    1. Plan: positions, ends, checks. 2. Consume a bounded batch. 3. Decode it; what fails becomes dead letters.
    4. Stage it by load jobs. 5. Merge it in one transaction that also moves the ledger. 6. Commit to Kafka what the
    ledger says. 7. Report. Steps 2-4 of the next batch overlap with 5 and 6 of this one.

    A crash before 5 leaves nothing; a crash after 5 leaves the ledger ahead of Kafka, and the next run starts there.

    :raises IngestError: with ``report`` set to what was done so far.
    """
    table, config = job.target.table, job.config
    renamed = {name: source for column in job.target.columns for name, source in column.renamed.items()}
    report, spent = RunReport(config.topic, str(table), config.group(table), renamed), Spent(job.clock())
    try:
        for _ in range(MAX_LOSSES):
            try:
                with memory_named(config):
                    _pass(job, report, spent)
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


def _pass(job: Job, report: RunReport, spent: Spent) -> None:
    """From plan to last commit, or until another writer is found to have gone on."""
    planned, tables = _planned(job, report)
    before, head = report.batches, Head(dict(planned.positions), tables.revision)
    reader = _reader(job, planned, tables, report, spent)
    limits = BadMessages(job.config, report.group_id)
    work = Work(job, report, spent, _merger(job, planned, tables), reader.stager, limits)
    with closing(ahead_by_one(reader.batches(), job.stop)) as batches:
        for portion, prepared in portions(work, batches, head):
            head = applied(work, portion, prepared, head)
            job.progress(report, planned)
    if work.live and (report.batches == before or spent.commit_due):
        commit_head(job, report, head)  # offsets of a group without members expire unless they are committed again
    whole = Outcome.WINDOW if planned.kind is Kind.WINDOW else Outcome.END
    report.outcome = Outcome.LIMIT if reader.drain.limited else whole


def _planned(job: Job, report: RunReport) -> tuple[RunPlan, Ready]:
    with report.timed("plan"):
        if job.letters:
            seen, planned = redrive_plan(job.config, job.source, job.warehouse, job.target)
        else:
            seen = look(job.config, job.source, job.warehouse, job.target)
            planned = plan(job.config, job.source, job.target, seen)
            check_reach(job.config, job.source, planned, job.now())
        fitted = fit(job.target, seen.table)
        report.planned(planned, fitted.dedup_window if fitted.looks_nearby else None)
        job.stop.check()
        tables = ready(job.config, job.warehouse, job.target, seen, planned, job.context)
    if tables.moved:
        raise LedgerMoved
    report.revision = tables.revision
    if planned.revision is None and any(part.committed is None for part in planned.partitions.values()):
        # Without a ledger the group is the only place that can keep the start: a crash behind the first MERGE would
        # find rows, and no position.
        commit_head(job, report, Head(dict(planned.positions), None))
        if not report.committed:
            message = "the group did not take the start in time, and without a ledger nothing else keeps it"
            raise KafkaUnavailableError(message, remedy="run it again")
    job.progress(report, planned)
    return planned, tables


def _merger(job: Job, planned: RunPlan, tables: Ready) -> Merger:
    return Merger(
        warehouse=job.warehouse,
        target=tables.target,
        plan=planned,
        context=job.context,
        started_at=job.now(),
        max_bytes_billed=job.config.max_bytes_billed,
        check=job.stop.check,
        pause=job.stop.pause,
    )


def _reader(job: Job, planned: RunPlan, tables: Ready, report: RunReport, spent: Spent) -> Reader:
    hours = job.config.staging_expiration_hours
    stager = Stager(job.warehouse, tables.target, planned, job.fingerprint, hours, job.stop.pause, job.now)
    drain: Drain | LetterDrain
    if job.letters:
        drain = LetterDrain(
            job.warehouse, tables.target, job.config, job.letters, job.stop.event.is_set, job.clock,
            messages_before=report.messages, bytes_before=spent.size_bytes, began=spent.began, after=spent.letter,
            oldest=oldest_safe(job.config, job.now()),
        )  # fmt: skip
    else:
        drain = Drain(
            job.source, planned, job.config, report.group_id, job.stop.event.is_set, job.clock,
            messages_before=report.messages, bytes_before=spent.size_bytes, began=spent.began,
        )  # fmt: skip
    return Reader(drain, job.target, job.rules, stager, report)
