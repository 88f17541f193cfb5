"""A run in slices: one task plans, several read and stage, one merges and commits.

The slices share nothing but the plan. Each reads partitions of its own up to the ends that the plan fixed, stages them
with load jobs of its own, and hands over what it staged. Then one transaction applies it all and moves the ledger once.
So the run is applied as a whole or not at all, whichever slice fails, and whoever reads the topic meanwhile.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import Any

import pyarrow as pa

from airflow_kafka_bq.batch import Kind, Outcome, Portion, RunPlan
from airflow_kafka_bq.config.values import TableId
from airflow_kafka_bq.exceptions import ConfigError, MergeConflictError
from airflow_kafka_bq.pipeline.apply import Work, applied, commit_head, tried
from airflow_kafka_bq.pipeline.documents import Document, plan_document, plan_of, portion_document, portion_of
from airflow_kafka_bq.pipeline.head import Head, Spent
from airflow_kafka_bq.pipeline.identity import name_of
from airflow_kafka_bq.pipeline.job import Job
from airflow_kafka_bq.pipeline.limits import BadMessages
from airflow_kafka_bq.pipeline.memory import memory_named
from airflow_kafka_bq.pipeline.merge import MAX_LOSSES, LedgerMoved
from airflow_kafka_bq.pipeline.portions import Places, grouped, placed
from airflow_kafka_bq.pipeline.reader import Prepared, ahead_by_one
from airflow_kafka_bq.pipeline.report import RunReport
from airflow_kafka_bq.pipeline.runner import copy_dead_letters, located, merger_of, planned, reader_of, report_of
from airflow_kafka_bq.pipeline.slicing import slices, whole
from airflow_kafka_bq.pipeline.stage import Stager, load, written_now
from airflow_kafka_bq.pipeline.target import fit

log = logging.getLogger(__name__)

_NOTE = "slice"
_NOTES = 4  # attempts at which the note of an earlier try is looked for


def plan_slices(job: Job, most: int) -> list[Document]:
    """Plan as a run does, tables and ledger row included, and share the partitions out by outstanding messages.

    :param most: slices at most; fewer where fewer partitions have something to read, but never none.
    :raises IngestError: as a run.
    """
    report = report_of(job)
    with located(job, report):
        for _ in range(MAX_LOSSES):
            try:
                plan, tables = planned(job, report)
            except LedgerMoved:
                continue
            shares = slices(replace(plan, revision=tables.revision), most)
            return [_slice_document(job, share, number, len(shares)) for number, share in enumerate(shares)]
        raise MergeConflictError(f"other writers moved the ledger of {job.target.table} {MAX_LOSSES} times")


def stage_slice(job: Job, document: Mapping[str, Any]) -> Document:
    """Read and stage one slice; one that an earlier try finished is not read again.

    :raises ConfigError: settings or code are not those of the plan.
    :raises MergeConflictError: another writer took the staging away, and moved the position.
    :raises IngestError: as a run.
    """
    plan, report = _checked_plan(job, document), report_of(job)
    with located(job, report):
        name = _name(document)
        if kept := _kept(job, name):
            log.info("slice %s of %s was staged by an earlier try", document["number"] + 1, document["of"])
            return kept
        target = fit(job.target, job.warehouse.table(job.target.table))
        limits, spent = BadMessages(job.config, report.group_id), Spent(job.clock())
        reader = reader_of(job, plan, target, report, spent)
        work = Work(job, report, spent, merger_of(job, plan, target, report), reader.stager, limits)
        try:
            with memory_named(job.config), closing(ahead_by_one(reader, job.stop)) as batches:
                found = list(map(partial(_staged, work), batches))  # keeps no batch while it asks for the next
        except LedgerMoved as error:
            raise _moved(job) from error
        log.info("slice %s of %s: %s batches are staged", document["number"] + 1, document["of"], len(found))
        done = {**document, "portions": found, "seconds": report.seconds}
        return {**done, "note": _note(reader.stager, name, done)}


def _staged(work: Work, prepared: Prepared) -> Document:
    plan = work.merger.plan
    work.limits.check(prepared.decoded, prepared.staged)
    final = tried(work, prepared, Head(dict(plan.positions), plan.revision))
    portion, places = placed(final, prepared, work.merger.target)
    log.info("%s messages are staged as %s rows", portion.staged.messages, portion.staged.rows)
    return {"portion": portion_document(portion), "places": _told(places)}


def merge_slices(job: Job, documents: Sequence[Mapping[str, Any]]) -> RunReport:
    """Apply what all slices staged, move the ledger, commit: the end of a run.

    :raises ConfigError: a slice is missing. :raises MergeConflictError: the position moved since the plan.
    :raises IngestError: as a run; with ``report``.
    """
    plan, report = whole([_checked_plan(job, one) for one in _complete(documents)]), report_of(job)
    with located(job, report):
        target = fit(job.target, job.warehouse.table(job.target.table))
        hours = job.config.staging_expiration_hours
        stager = Stager(job.warehouse, target, plan, job.fingerprint, hours, job.stop.pause)
        limits, spent = BadMessages(job.config, report.group_id), Spent(job.clock())
        work = Work(job, report, spent, merger_of(job, plan, target, report), stager, limits)
        report.planned(plan)
        report.revision = plan.revision
        _add_seconds(report, documents)
        head = Head(dict(plan.positions), plan.revision)
        for portion in grouped(_portions(documents)):
            head = _applied_once(work, portion, head)
            job.progress(report, plan)
        if work.live and (report.batches == 0 or spent.commit_due):
            commit_head(job, report, head)
        report.outcome = Outcome.WINDOW if plan.kind is Kind.WINDOW else Outcome.END
        report.check()
        for one in documents:
            if one["note"]:
                job.warehouse.drop(TableId.parse(one["note"]))
        copy_dead_letters(job, report)
    return report


def _applied_once(work: Work, portion: Portion, head: Head) -> Head:
    """Apply; also where an earlier try of this task got as far, and further.

    :raises MergeConflictError: another writer went on from where this plan began.
    """
    job, staged = work.job, portion.staged
    revision = (head.revision or 0) + 1
    if job.warehouse.applied(work.merger.target, staged.batch_id, revision):
        row = job.warehouse.ledger(work.merger.target, work.merger.plan.pipeline)
        if row is not None and row.revision > revision:
            work.report.found_applied(portion, revision)
            work.spent.commit_due = work.live
            return Head(head.after(staged), revision, staged.batch_id)
    try:
        return applied(work, portion, None, head)
    except LedgerMoved as error:
        raise _moved(job) from error


def _moved(job: Job) -> MergeConflictError:
    message = f"another writer of {job.target.table} moved the position since the slices were planned"
    remedy = "clear the whole task group: it plans anew; and let one task read this topic at a time"
    return MergeConflictError(message, topic=job.config.topic, remedy=remedy)


def _complete(documents: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """:raises ConfigError: slices are missing, or of several plans."""
    plans = {(one["plan_id"], one["of"]) for one in documents}
    numbers = sorted(one["number"] for one in documents)
    if len(plans) != 1 or numbers != list(range(documents[0]["of"])):
        message = (
            f"slices {numbers} of {[of for _, of in sorted(plans)]} plans are there, and all of one plan are needed"
        )
        raise ConfigError(message, remedy="clear the whole task group")
    return sorted(documents, key=lambda one: int(one["number"]))


def _checked_plan(job: Job, document: Mapping[str, Any]) -> RunPlan:
    if document["fingerprint"] != job.fingerprint:
        message = "settings or code changed since the slices were planned: their rows would not fit together"
        raise ConfigError(message, topic=job.config.topic, remedy="clear the whole task group: it plans anew")
    return plan_of(document["plan"])


def _slice_document(job: Job, share: RunPlan, number: int, of: int) -> Document:
    plan = plan_document(share)
    start = [plan["pipeline"], plan["revision"], plan["facts"], plan["positions"], job.fingerprint]
    return {
        "number": number, "of": of, "plan": plan, "fingerprint": job.fingerprint, "lag": share.lag,
        "plan_id": name_of(start),
    }  # fmt: skip


def _name(document: Mapping[str, Any]) -> str:
    """Of the slice's note: 20 hex digits of what it reads, at which revision, with which settings."""
    ranges = [
        (number, part["start_offset"], part["end_offset"]) for number, part in document["plan"]["partitions"].items()
    ]
    return name_of([document["plan_id"], document["plan"]["kind"], sorted(ranges)])


def _note(stager: Stager, name: str, document: Document) -> str:
    """Keep what was staged where the next try of this slice finds it: a retry of a task begins without its XComs."""
    table, _ = load(stager, name, _NOTE, written_now(stager, pa.table({"document": [json.dumps(document)]})))
    return str(table)


def _kept(job: Job, name: str) -> Document | None:
    """The note of an earlier try, if all that it names is still there."""
    for attempt in range(_NOTES):
        table = job.target.staging(f"{name}_{_NOTE}_{attempt}")
        text = job.warehouse.note(table)
        if text is None:
            continue
        document: Document = json.loads(text)
        if all(_is_there(job, portion_of(one["portion"])) for one in document["portions"]):
            return {**document, "note": str(table)}
    return None


def _is_there(job: Job, portion: Portion) -> bool:
    staged = (*portion.staged.rows_tables, *portion.staged.dead_letters_tables)
    return all(job.warehouse.row_count(TableId.parse(one.table)) == one.rows for one in staged)


def _portions(documents: Sequence[Mapping[str, Any]]) -> Iterator[tuple[Portion, Places]]:
    """In the order of reading; slices have no partition in common."""
    for document in sorted(documents, key=lambda one: int(one["number"])):
        for one in document["portions"]:
            yield (
                portion_of(one["portion"]),
                Places(frozenset(one["places"]["rows"]), frozenset(one["places"]["letters"])),
            )


def _told(places: Places) -> Document:
    return {"rows": sorted(map(str, places.rows)), "letters": sorted(map(str, places.letters))}


def _add_seconds(report: RunReport, documents: Sequence[Mapping[str, Any]]) -> None:
    for document in documents:
        for station, spent in document["seconds"].items():
            report.seconds[station] += spent
