"""``migrate-group``: positions of an old group become those of jobs, or a look at what that would do."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

from airflow_kafka_bq.cli.looking import assembled, note_unchecked
from airflow_kafka_bq.cli.session import Session
from airflow_kafka_bq.cli.tables import count, show
from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.operations import undo as undos
from airflow_kafka_bq.operations.migrate import Migration, migrate, take_back

_STATES = {
    "to move": "moved",
    "there": "the position was there already",
    "read on": "it has read on from there already: left alone",
}


def migrate_jobs(
    session: Session, paths: tuple[str, ...], settings: tuple[str, ...], *, from_group: str | None, adopt: bool,
    delete_old: bool, dry_run: bool, undo: str | None, undo_file: str | None,
) -> None:  # fmt: skip
    """Migrate all jobs, or none."""
    if (from_group is None) == (undo is None):
        raise ConfigError("name the old group with --from-group, or a file with --undo", remedy="one of the two")
    if undo is not None and (adopt or delete_old):
        raise ConfigError("--undo takes back what its file tells of: --adopt and --delete-old do not go with it")
    with ExitStack() as stack:
        jobs = [stack.enter_context(assembled(session, session.read(path, settings))) for path in paths]
        session.progress(f"groups of {', '.join(job.config.topic for job in jobs)}")
        if undo is not None:
            found = take_back(jobs, undos.read(undo), dry_run=dry_run)
        else:
            wish = Migration(from_group or "", adopt, delete_old)
            found = migrate(jobs, wish, dry_run=dry_run, undo_file=Path(undo_file) if undo_file else None)
    if session.as_json:
        session.print_json(found)
    elif undo is not None:
        _show_undone(session, found)
    else:
        _show(session, found)


def _show(session: Session, found: dict[str, Any]) -> None:
    session.say(f"from group {found['from_group']}")
    for job in found["jobs"]:
        _show_job(session, job, dry_run=found["dry_run"])
    for rests_on, confidence in sorted(
        {(one["rests_on"], one["confidence"]) for job in found["jobs"] for one in job["partitions"].values()}
    ):
        session.say(f"rests on {rests_on.replace('_', ' ')}: {confidence}")
    session.say(f"old group: {found['old_group']}")
    if found["dry_run"]:
        session.say("nothing was changed")
    elif found["undo_file"]:
        session.say(f"to take it back: --undo {found['undo_file']}")


def _show_job(session: Session, job: dict[str, Any], *, dry_run: bool) -> None:
    names = ("old", "new", "log start", "end", "re-read", "skipped", "unread", "rests on")
    session.say(f"{job['topic']} → {job['table']}")
    rows = (
        [number, *(str(line[name.replace(" ", "_").replace("-", "_")] or 0).replace("_", " ")
                   if line[name.replace(" ", "_").replace("-", "_")] is not None else None for name in names)]
        for number, line in job["partitions"].items()
    )  # fmt: skip
    show(session, ["partition", *names], rows)
    state = "would move" if dry_run and job["state"] == "to move" else _STATES[job["state"]]
    session.say(f"{state}; {count(job['unread'], 'message')} to read; group {job['group_id']}")
    if job["committed"] is False:
        session.say("the commit to Kafka had no answer: the ledger holds, the next run repairs the group")
    note_unchecked(session, job)


def _show_undone(session: Session, found: dict[str, Any]) -> None:
    for one in found["undone"]:
        where = ", ".join(f"{part}:{offset}" for part, offset in one["after"].items()) or "no position is known"
        session.say(f"{one['topic']} → {one['table']}: {'would be ' if found['dry_run'] else ''}back at {where}")
    if found["old_group_id"]:
        session.say(f"group {found['old_group_id']} {'would have' if found['dry_run'] else 'has'} its offsets again")
