"""``lag`` of many jobs at once: one admin client for each cluster, a few jobs at a time, findings above a limit."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from typing import Any

from airflow_kafka_bq.cli.looking import assembled, note_open_transactions, note_unchecked, show_partitions
from airflow_kafka_bq.cli.session import Session
from airflow_kafka_bq.cli.tables import count, span
from airflow_kafka_bq.config.scalars import age
from airflow_kafka_bq.exceptions import ConfigError, IngestError
from airflow_kafka_bq.jobfile import JobFile
from airflow_kafka_bq.kafka.shared_admins import SharedAdmins
from airflow_kafka_bq.operations.lag import Most, lag_of

_AT_A_TIME = 8


def most_of(lag: int | None, oldest: str | None) -> Most:
    """``--max-lag`` and ``--max-age``. :raises ConfigError: one of them is no limit."""
    try:
        return Most(lag, None if oldest is None else age(oldest).total_seconds())
    except ValueError as error:
        raise ConfigError(f"--max-age: {oldest!r} {error}") from error


def lag_jobs(session: Session, paths: tuple[str, ...], settings: tuple[str, ...], most: Most) -> None:
    """Lag of several jobs; the trouble of one does not hide the others. Exit code 1 where a limit is passed."""
    files = [session.read(path, settings) for path in paths]
    documents: list[dict[str, Any]] = []
    codes: set[int] = set()
    found_any = False
    session.progress(f"lag of {count(len(files), 'job')}")
    for found in looked_at(session, files, most):
        if isinstance(found, IngestError):
            if len(files) == 1:
                raise found
            documents.append(found.to_json())
            codes.add(found.exit_code)
            if not session.as_json:
                session.complain(found)
            continue
        documents.append(found)
        found_any = found_any or bool(found["findings"])
        if not session.as_json:
            _show_lag(session, found)
    if session.as_json:
        session.print_json(documents)
    # What needs a person (2, 3) comes before what only needs time (4), and both before what is too late already.
    session.exit_code = min(codes, default=1 if found_any else 0)


def looked_at(session: Session, files: list[JobFile], most: Most) -> Iterator[dict[str, Any] | IngestError]:
    """The documents in the order of the files, each as soon as it and all before it are there."""
    admins = SharedAdmins()
    try:
        with ThreadPoolExecutor(min(_AT_A_TIME, len(files)), thread_name_prefix="kafka-bq-lag") as threads:
            yield from threads.map(partial(_look, session, most, admins), files)
    finally:
        admins.close()


def _look(session: Session, most: Most, admins: SharedAdmins, file: JobFile) -> dict[str, Any] | IngestError:
    try:
        with assembled(session, file, admins) as job:
            return lag_of(job, most)
    except IngestError as error:
        return error


def _show_lag(session: Session, found: dict[str, Any]) -> None:
    parts: dict[str, dict[str, Any]] = found["partitions"]
    session.say(f"{found['topic']} → {found['table']}")
    names = ["position", "end", "lag", "oldest unread", "retention in"]
    if any(part["committed"] != part["position"] for part in parts.values()):
        names.insert(1, "committed")
    show_partitions(session, names, {number: _for_people(part) for number, part in parts.items()})
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
    note_open_transactions(session, found)
    note_unchecked(session, found)
    for line in found["findings"]:
        session.say(f"found: {line}")


def _for_people(part: dict[str, Any]) -> dict[str, Any]:
    """Ages and times left instead of times of day: they need no arithmetic at night."""
    oldest, left = part["oldest_unread"], part["retention_takes_it_in_seconds"]
    age = None if oldest is None else (datetime.now(UTC) - datetime.fromisoformat(oldest)).total_seconds()
    shown = {
        "oldest unread": None if age is None else f"{span(max(0.0, age))} ago",
        "retention in": None if left is None else (span(left) if left > 0 else "now"),
    }
    return part | shown
