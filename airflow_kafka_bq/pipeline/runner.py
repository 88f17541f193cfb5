"""The driver: one function tells the story of a run, the others are small."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace

from airflow_kafka_bq.batch import Kind, Outcome, RunPlan
from airflow_kafka_bq.exceptions import (
    IngestError,
    KafkaUnavailableError,
    MergeConflictError,
    StopRequested,
)
from airflow_kafka_bq.pipeline.apply import Work, applied, commit_head, portions
from airflow_kafka_bq.pipeline.consume import Drain
from airflow_kafka_bq.pipeline.copied import LetterCopies
from airflow_kafka_bq.pipeline.copies import copy_letters
from airflow_kafka_bq.pipeline.head import Head, Spent
from airflow_kafka_bq.pipeline.job import Job
from airflow_kafka_bq.pipeline.letters import LetterDrain
from airflow_kafka_bq.pipeline.limits import BadMessages
from airflow_kafka_bq.pipeline.markers import check_reach, oldest_safe
from airflow_kafka_bq.pipeline.membership import SETTLE_SECONDS, Turns
from airflow_kafka_bq.pipeline.memory import memory_named
from airflow_kafka_bq.pipeline.merge import MAX_LOSSES, LedgerMoved, Merger
from airflow_kafka_bq.pipeline.plan import look, plan, redrive_plan
from airflow_kafka_bq.pipeline.quotas import Pace
from airflow_kafka_bq.pipeline.reader import Reader, ahead_by_one
from airflow_kafka_bq.pipeline.report import RunReport
from airflow_kafka_bq.pipeline.stage import Stager
from airflow_kafka_bq.pipeline.target import Ready, fit, ready
from airflow_kafka_bq.pipeline.window import check_window
from airflow_kafka_bq.ports.source import MemberSource, ShareChanged
from airflow_kafka_bq.schema.target import Target

log = logging.getLogger(__name__)


def run(job: Job) -> RunReport:
    """Move a topic's messages up to an end that is fixed now.

    1. Plan: positions, ends, checks. 2. Consume a bounded batch. 3. Decode it; what fails becomes dead letters.
    4. Stage it by load jobs. 5. Merge it in one transaction that also moves the ledger. 6. Commit to Kafka what the
    ledger says. 7. Copy dead letters, if asked; report. Steps 2 and 3 of the next batch overlap with 4 of this one, and
    its 4 with 5 and 6.

    A crash before 5 leaves nothing; a crash after 5 leaves the ledger ahead of Kafka, and the next run starts there.

    :raises IngestError: with ``report`` set to what was done so far.
    """
    table, report, spent = job.target.table, report_of(job), Spent(job.clock())
    try:
        with located(job, report):
            if job.member is not None and job.letters is None:
                _as_member(replace(job, source=job.member), job.member, report, spent)
                return finished(job, report)
            for _ in range(MAX_LOSSES):
                try:
                    with memory_named(job.config):
                        _pass(job, report, spent)
                except LedgerMoved:
                    log.warning("another writer of %s moved the ledger; planning anew", table)
                    continue
                return finished(job, report)
            message = f"other writers moved the ledger of {table} {MAX_LOSSES} times while this run was reading"
            raise MergeConflictError(message, remedy="let one task read this topic at a time, then run it again")
    except StopRequested:
        report.outcome = Outcome.STOPPED
        return report


def finished(job: Job, report: RunReport) -> RunReport:
    """Accounts are closed, and copies of dead letters are sent."""
    report.check()
    copy_dead_letters(job, report)
    return report


def copy_dead_letters(job: Job, report: RunReport) -> None:
    """Behind the last commit, where the job asks for copies. :raises TerminalError: see ``pipeline.copies``."""
    if job.copies is not None:
        report.copies = LetterCopies(str(job.config.dead_letter_topic))
        copy_letters(job.config, job.copies, job.warehouse, job.target, report.copies, job.stop.check)


def report_of(job: Job) -> RunReport:
    """An empty one."""
    table, config = job.target.table, job.config
    renamed = {name: source for column in job.target.columns for name, source in column.renamed.items()}
    report = RunReport(config.topic, str(table), config.group(table), renamed)
    report.quotas.pace = Pace(job.clock, job.stop.pause)
    return report


@contextmanager
def located(job: Job, report: RunReport) -> Iterator[None]:
    """Errors that leave say where they happened, and what was done so far."""
    try:
        yield
    except IngestError as error:
        error.located(topic=job.config.topic, group_id=report.group_id)
        error.report = report.to_json()
        raise


def _as_member(job: Job, member: MemberSource, report: RunReport, spent: Spent) -> None:
    """Shares of the topic, one after the other, until the ledger has all of it up to ends that are fixed now.

    What was not merged when a rebalance took it away is dropped; the next plan begins where the ledger stands.
    """
    turns = Turns(job, member, spent)
    planned(job, report, turns.narrowing(frozenset()))
    member.join(turns.positions)
    outcome: Outcome | None = None
    while outcome is None:
        share = member.share(SETTLE_SECONDS)
        try:
            with memory_named(job.config):
                found, tables = planned(job, report, turns.narrowing(share))
                _read(job, report, spent, found, tables)
            outcome = Outcome.LIMIT if report.outcome is Outcome.LIMIT else turns.wait(found.pipeline, share)
        except (LedgerMoved, ShareChanged):
            log.warning("a rebalance or another member moved partitions of %s; planning anew", job.target.table)
            turns.interrupted(report.batches)
    report.outcome = outcome


def _pass(job: Job, report: RunReport, spent: Spent) -> None:
    """From plan to last commit, or until another writer is found to have gone on."""
    _read(job, report, spent, *planned(job, report))


def _read(job: Job, report: RunReport, spent: Spent, found: RunPlan, tables: Ready) -> None:
    before, head = report.batches, Head(dict(found.positions), tables.revision)
    reader = reader_of(job, found, tables.target, report, spent)
    limits = BadMessages(job.config, report.group_id)
    work = Work(job, report, spent, merger_of(job, found, tables.target, report), reader.stager, limits)
    with closing(ahead_by_one(reader, job.stop)) as batches:
        for portion, prepared in portions(work, batches, head):
            head = applied(work, portion, prepared, head)
            job.progress(report, found)
            del portion, prepared  # kept while the next is asked for, it would be a third batch in memory
    if work.live and (report.batches == before or spent.commit_due):
        commit_head(job, report, head)  # offsets of a group without members expire unless they are committed again
    whole = Outcome.WINDOW if found.kind is Kind.WINDOW else Outcome.END
    report.outcome = Outcome.LIMIT if reader.drain.limited else whole


def planned(job: Job, report: RunReport, mine: Callable[[RunPlan], RunPlan] | None = None) -> tuple[RunPlan, Ready]:
    """What to read, with all tables there and the start written down.

    :param mine: narrows the plan to what this run reads of it.
    :raises LedgerMoved: another run was faster.
    """
    with report.timed("plan"):
        if job.letters:
            seen, found = redrive_plan(job.config, job.source, job.warehouse, job.target)
        else:
            seen = look(job.config, job.source, job.warehouse, job.target)
            found = plan(job.config, job.source, job.target, seen)
            check_reach(job.config, job.source, found, job.now())
            check_window(job.config, found, job.now())
        fitted, whole = fit(job.target, seen.table), found
        found = mine(whole) if mine else whole
        report.planned(found, fitted.dedup_window if fitted.looks_nearby else None)
        job.stop.check()
        tables = ready(job.config, job.warehouse, job.target, seen, whole, job.context)
    if tables.moved:
        raise LedgerMoved
    if found.revision is not None and seen.ledger is not None and found.lag:
        report.quotas.look(job.warehouse, job.target, job.now())
    report.revision = tables.revision
    if found.revision is None and any(part.committed is None for part in found.partitions.values()):
        # Without a ledger the group is the only place that can keep the start: a crash behind the first MERGE would
        # find rows, and no position.
        commit_head(job, report, Head(dict(found.positions), None))
        if not report.committed:
            message = "the group did not take the start in time, and without a ledger nothing else keeps it"
            raise KafkaUnavailableError(message, remedy="run it again")
    job.progress(report, found)
    return found, tables


def merger_of(job: Job, found: RunPlan, target: Target, report: RunReport) -> Merger:
    """What applies batches of this plan."""
    return Merger(
        warehouse=job.warehouse,
        target=target,
        plan=found,
        context=job.context,
        started_at=job.now(),
        max_bytes_billed=job.config.max_bytes_billed,
        check=job.stop.check,
        pause=job.stop.pause,
        pace=report.quotas.pace,
    )


def reader_of(job: Job, found: RunPlan, target: Target, report: RunReport, spent: Spent) -> Reader:
    """What consumes, decodes and stages this plan."""
    hours = job.config.staging_expiration_hours
    stager = Stager(job.warehouse, target, found, job.fingerprint, hours, job.stop.pause, job.now)
    drain: Drain | LetterDrain
    if job.letters:
        drain = LetterDrain(
            job.warehouse, target, job.config, job.letters, job.stop.event.is_set, job.clock,
            messages_before=report.messages, bytes_before=spent.size_bytes, began=spent.began, after=spent.letter,
            oldest=oldest_safe(job.config, job.now()),
        )  # fmt: skip
    else:
        drain = Drain(
            job.source, found, job.config, report.group_id, job.stop.event.is_set, job.clock,
            messages_before=report.messages, bytes_before=spent.size_bytes, began=spent.began,
        )  # fmt: skip
    return Reader(drain, job.target, job.rules, stager, report)
