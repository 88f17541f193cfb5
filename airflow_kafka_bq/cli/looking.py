"""``plan``, ``lag`` and ``schema``: they look, and change nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from airflow_kafka_bq import assembly, jobfile
from airflow_kafka_bq.cli.session import Session
from airflow_kafka_bq.cli.tables import count, show, size, span
from airflow_kafka_bq.exceptions import IngestError
from airflow_kafka_bq.jobfile import JobFile
from airflow_kafka_bq.operations.lag import lag_of
from airflow_kafka_bq.operations.preview import preview
from airflow_kafka_bq.operations.schema import schema_of
from airflow_kafka_bq.pipeline.job import Job


@contextmanager
def assembled(session: Session, file: JobFile) -> Iterator[Job]:
    """A job to look with; what it raises names the job's topic and group."""
    job = jobfile.assemble(file, session.stop)
    try:
        yield job
    except IngestError as error:
        error.located(topic=job.config.topic, group_id=job.config.group(job.target.table))
        raise
    finally:
        assembly.close(job)


def plan_job(session: Session, path: str, settings: tuple[str, ...]) -> None:
    """Ranges, tables and the MERGE of the next run."""
    with assembled(session, session.read(path, settings)) as job:
        found = preview(job)
    if session.as_json:
        session.print_json(found)
    else:
        _show_plan(session, found)


def _show_plan(session: Session, found: dict[str, Any]) -> None:
    session.say(f"{found['topic']} → {found['table']}")
    names = ("start", "end", "lag", "committed")
    _show_partitions(session, names, found["partitions"])
    revision = "no ledger row yet" if found["revision"] is None else f"revision {found['revision']}"
    session.say(f"lag: {count(found['lag'], 'message')}; group {found['group_id']}; {revision}")
    for gap in found["gaps"]:
        session.say(f"lost: partition {gap['partition']}, offsets {gap['start']} to {gap['end'] - 1}")
    _note_open_transactions(session, found)
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


def lag_jobs(session: Session, paths: tuple[str, ...], settings: tuple[str, ...]) -> None:
    """Lag of several jobs; the trouble of one does not hide the others."""
    files = [session.read(path, settings) for path in paths]
    documents: list[dict[str, Any]] = []
    codes: set[int] = set()
    for file in files:
        try:
            with assembled(session, file) as job:
                found = lag_of(job)
        except IngestError as error:
            if len(files) == 1:
                raise
            documents.append(error.to_json())
            codes.add(error.exit_code)
            if not session.as_json:
                session.complain(error)
        else:
            documents.append(found)
            if not session.as_json:
                _show_lag(session, found)
    if session.as_json:
        session.print_json(documents)
    session.exit_code = min(codes, default=0)  # what needs a person (2, 3) before what only needs time (4)


def _show_lag(session: Session, found: dict[str, Any]) -> None:
    parts: dict[str, dict[str, Any]] = found["partitions"]
    session.say(f"{found['topic']} → {found['table']}")
    names = ["position", "end", "lag", "oldest unread", "retention in"]
    if any(part["committed"] != part["position"] for part in parts.values()):
        names.insert(1, "committed")
    _show_partitions(session, names, {number: _for_people(part) for number, part in parts.items()})
    rate = found["messages_per_second"]
    arriving = "" if rate is None else f"; {rate:,.1f} messages/s arrive"
    session.say(f"lag: {count(found['lag'], 'message')}{arriving}; group {found['group_id']}")
    if any(part["position"] is None for part in parts.values()):
        session.say("no position yet: lag counts from the start of the log")
    left = {number: part["retention_takes_it_in_seconds"] for number, part in parts.items()}
    left = {number: seconds for number, seconds in left.items() if seconds is not None}
    if left:
        first = min(left, key=left.__getitem__)
        when = f"in {span(left[first])}" if left[first] > 0 else "any moment now"
        session.say(f"retention takes the oldest unread message of partition {first} {when}")
    for number, part in parts.items():
        if part["position"] is not None and part["position"] < part["log_start"]:
            session.say(f"lost: partition {number}, offsets {part['position']} to {part['log_start'] - 1}")
    _note_open_transactions(session, found)
    note_unchecked(session, found)


def _for_people(part: dict[str, Any]) -> dict[str, Any]:
    """Ages and times left instead of times of day: they need no arithmetic at night."""
    oldest, left = part["oldest_unread"], part["retention_takes_it_in_seconds"]
    age = None if oldest is None else (datetime.now(UTC) - datetime.fromisoformat(oldest)).total_seconds()
    shown = {
        "oldest unread": None if age is None else f"{span(max(0.0, age))} ago",
        "retention in": None if left is None else (span(left) if left > 0 else "now"),
    }
    return part | shown


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


def _show_partitions(session: Session, names: list[str] | tuple[str, ...], parts: dict[str, dict[str, Any]]) -> None:
    rows = ([number, *(part[name] for name in names)] for number, part in parts.items())
    show(session, ["partition", *names], rows)


def _note_open_transactions(session: Session, found: dict[str, Any]) -> None:
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
