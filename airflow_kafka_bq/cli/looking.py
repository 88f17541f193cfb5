"""``plan`` and ``schema``: they look, and change nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from airflow_kafka_bq import assembly, jobfile
from airflow_kafka_bq.bigquery.jobs import DEADLINE_SECONDS
from airflow_kafka_bq.cli.session import Session
from airflow_kafka_bq.cli.tables import count, show, size, span
from airflow_kafka_bq.exceptions import IngestError
from airflow_kafka_bq.jobfile import JobFile
from airflow_kafka_bq.kafka.shared_admins import SharedAdmins
from airflow_kafka_bq.operations.preview import preview
from airflow_kafka_bq.operations.schema import schema_of
from airflow_kafka_bq.pipeline.job import Job

LOOK_SECONDS = 60.0
"""A person waits for the answer, and gives the command again."""
ASK_SECONDS = 20.0
"""The command asks a dozen questions, and says which had no answer."""
READ_SECONDS = DEADLINE_SECONDS
"""The command reads or writes whole tables: it is not to be lost to a minute of trouble."""


@contextmanager
def assembled(
    session: Session, file: JobFile, admins: SharedAdmins | None = None, deadline_seconds: float = LOOK_SECONDS
) -> Iterator[Job]:
    """A job to look with; what it raises names the job's topic and group.

    :param admins: shared with other jobs of the command.
    :param deadline_seconds: how long BigQuery is asked while it does not answer.
    """
    job = jobfile.assemble(file, session.stop, admins=admins, deadline_seconds=deadline_seconds)
    try:
        yield job
    except IngestError as error:
        error.located(topic=job.config.topic, group_id=job.config.group(job.target.table))
        raise
    finally:
        assembly.close(job)


def plan_job(session: Session, path: str, settings: tuple[str, ...]) -> None:
    """Ranges, tables and the MERGE of the next run."""
    plan_file(session, session.read(path, settings))


def plan_file(session: Session, file: JobFile) -> None:
    """The same of a job that may read a window."""
    with assembled(session, file) as job:
        found = preview(job)
    if session.as_json:
        session.print_json(found)
    else:
        _show_plan(session, found)


def _show_plan(session: Session, found: dict[str, Any]) -> None:
    session.say(f"{found['topic']} → {found['table']}")
    names = ("start", "end", "lag", "committed")
    show_partitions(session, names, found["partitions"])
    revision = "no ledger row yet" if found["revision"] is None else f"revision {found['revision']}"
    session.say(f"lag: {count(found['lag'], 'message')}; group {found['group_id']}; {revision}")
    for member in found.get("members", ()):
        session.say(f"in the group: {member}")
    for gap in found["gaps"]:
        session.say(f"lost: partition {gap['partition']}, offsets {gap['start']} to {gap['end'] - 1}")
    note_open_transactions(session, found)
    for name in found["would_create"]:
        session.say(f"would create: {name}")
    for statement in found["would_alter"]:
        session.say(f"would alter: {statement}")
    note_unchecked(session, found)
    if not found["lag"]:
        session.say("nothing to read: no MERGE would run")
        return
    session.say(f"the MERGE would process at most {size(found['estimated_bytes'])}:")
    session.say(found["merge"])


def schema_job(session: Session, path: str, settings: tuple[str, ...], diff: bool) -> None:
    """The table as it would be created, or how it differs from the one that exists."""
    with assembled(session, session.read(path, settings)) as job:
        found = schema_of(job, diff)
    session.exit_code = 1 if diff and found["differs"] else 0
    if session.as_json:
        session.print_json(found)
        return
    for line in found["lines"]:
        session.say(line)


def show_partitions(session: Session, names: list[str] | tuple[str, ...], parts: dict[str, dict[str, Any]]) -> None:
    """One line for each partition."""
    rows = ([number, *(part[name] for name in names)] for number, part in parts.items())
    show(session, ["partition", *names], rows)


def note_open_transactions(session: Session, found: dict[str, Any]) -> None:
    """What lies behind an open transaction, and since when."""
    for number, part in found["partitions"].items():
        if (open_offsets := part["high_watermark"] - part["end"]) > 0 and found.get("kind") != "window":
            since = part.get("open_transaction_seconds")
            held = "" if since is None else f", the first for {span(since)}"
            session.say(
                f"partition {number}: {count(open_offsets, 'offset')} behind the end, in open transactions{held}"
            )


def note_unchecked(session: Session, found: dict[str, Any]) -> None:
    """What the cluster cannot tell."""
    if found["unchecked"]:
        session.say(f"not checked, because the cluster cannot tell: {', '.join(found['unchecked'])}")
