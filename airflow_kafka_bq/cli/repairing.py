"""``repair``: duplicates removed, or shown, or put back."""

from __future__ import annotations

from typing import Any

from airflow_kafka_bq.cli.auditing import between_of
from airflow_kafka_bq.cli.looking import READ_SECONDS, assembled
from airflow_kafka_bq.cli.session import Session
from airflow_kafka_bq.cli.tables import count, show, size
from airflow_kafka_bq.config.days import days_kept
from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.operations.repair import rehearse, repair, undo


def repair_job(
    session: Session, path: str, settings: tuple[str, ...], since: str | None, until: str | None, dry_run: bool,
    backup_days: float,
) -> None:  # fmt: skip
    """Remove duplicates, or show what would be removed; exit code 1 where some are left."""
    kept = days_kept("--backup-days", backup_days)
    between = between_of(since, until)
    with assembled(session, session.read(path, settings), deadline_seconds=READ_SECONDS) as job:
        session.progress(f"reading {job.target.table}")
        found = rehearse(job, between) if dry_run else repair(job, between, kept)
    session.exit_code = 1 if found["left"]["by_key"] or found["left"]["by_coordinates"] else 0
    if session.as_json:
        session.print_json(found)
    else:
        _show(session, found)


def _show(session: Session, found: dict[str, Any]) -> None:
    session.say(f"{found['topic']} → {found['table']}")
    names = ["part", "keys", "rows", "surplus", "bytes"]
    if found["parts"]:
        show(session, names, ([one[name] for name in names] for one in found["parts"]))
    session.say(f"keeps {found['keeps']}")
    surplus = sum(one["surplus"] for one in found["parts"])
    if found["dry_run"]:
        session.say(f"would remove {count(surplus, 'row')}, and process at most {size(found['estimated_bytes'])}")
        undecided = found["left"]["by_key"] - surplus
        if undecided:
            session.say(f"would leave {count(undecided, 'row')} too many, which the job's rule cannot tell apart")
        return
    if found["backup"] is None:
        session.say("nothing to repair")
    else:
        session.say(f"removed {count(found['removed'], 'row')}; they are in {found['backup']}")
        session.say(f"undo: --undo {found['backup'].rpartition('.')[2]}")
    for kind, rows in found["left"].items():
        if rows:
            session.say(f"left: {count(rows, 'row')} too many {kind.replace('_', ' ')}")


def undo_job(session: Session, path: str, settings: tuple[str, ...], name: str, mixed: bool) -> None:
    """Put a backup's rows back."""
    if mixed:
        raise ConfigError("--undo takes a whole backup: leave --dry-run, --from and --to out")
    with assembled(session, session.read(path, settings), deadline_seconds=READ_SECONDS) as job:
        found = undo(job, name)
    if session.as_json:
        session.print_json(found)
    else:
        rows = count(found["restored"], "row")
        session.say(f"put {rows} back into {found['table']}; the backup {found['backup']} has none left")
