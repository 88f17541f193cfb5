"""``seek``: the position is moved on purpose, or a look at what that would do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from airflow_kafka_bq.cli.looking import assembled, note_unchecked
from airflow_kafka_bq.cli.session import Session
from airflow_kafka_bq.cli.tables import count, show
from airflow_kafka_bq.config.destination import Destination
from airflow_kafka_bq.operations import undo as undos
from airflow_kafka_bq.operations.seek import Wish, seek


def seek_job(
    session: Session, path: str, settings: tuple[str, ...], *, to: str | None, partitions: str | None,
    accept_topic: bool, accept_target: bool, dry_run: bool, undo: str | None, undo_file: str | None,
) -> None:  # fmt: skip
    """Move a job's position."""
    wish = Wish(
        Destination.asked(to, partitions), accept_topic, accept_target,
        undos.read(undo) if undo is not None else None,
    )  # fmt: skip
    with assembled(session, session.read(path, settings)) as job:
        session.progress(f"position of {job.config.topic}")
        found = seek(job, wish, dry_run=dry_run, undo_file=Path(undo_file) if undo_file else None)
    if session.as_json:
        session.print_json(found)
    else:
        _show(session, found)


def _show(session: Session, found: dict[str, Any]) -> None:
    names = ("before", "after", "log start", "end", "re-read", "skipped")
    session.say(f"{found['topic']} → {found['table']}")
    rows = (
        [number, *(line[name.replace(" ", "_").replace("-", "_")] for name in names)]
        for number, line in found["partitions"].items()
    )
    show(session, ["partition", *names], rows)
    would = "would be " if found["dry_run"] else ""
    session.say(
        f"{would}read again: {count(found['re_read'], 'message')}; {would}skipped: {found['skipped']:,} at most"
    )
    for number, line in found["partitions"].items():
        if line["gone"]:
            lost = f"{count(line['gone'], 'message')} before offset {line['log_start']}"
            session.say(f"partition {number}: {lost} are gone from Kafka, unread")
    if found["dry_run"]:
        what = "nothing was changed" if found["changed"] else "nothing would change: the position is there already"
        session.say(what)
        return
    _show_done(session, found)
    note_unchecked(session, found)


def _show_done(session: Session, found: dict[str, Any]) -> None:
    revision = "" if found["revision"] is None else f"; revision {found['revision']}"
    session.say(f"{'moved' if found['changed'] else 'the position was there already'}{revision}")
    if found["committed"] is False:
        session.say("the commit to Kafka had no answer: the ledger holds, the next run repairs the group")
    if found["undo_file"]:
        session.say(f"to take it back: --undo {found['undo_file']}")
