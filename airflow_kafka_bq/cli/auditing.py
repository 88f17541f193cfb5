"""``audit``: what is in a table twice, what is missing, and a picture of its days."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow_kafka_bq.cli.looking import READ_SECONDS, assembled
from airflow_kafka_bq.cli.session import Session
from airflow_kafka_bq.cli.tables import count, show, size
from airflow_kafka_bq.config.days import Between
from airflow_kafka_bq.config.rules import COORDINATES
from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.operations.audit import audit

_BAR_CHARACTERS = 40
_MOST_DAYS = 62  # more are shown as months


def between_of(since: str | None, until: str | None) -> Between:
    """``--from`` and ``--to``. :raises ConfigError: one of them is no time."""
    try:
        return Between.of(since, until)
    except ConfigError as error:
        message = error.message.replace("since", "--from").replace("until", "--to")
        raise ConfigError(message, remedy=error.remedy) from error


def audit_job(
    session: Session, path: str, settings: tuple[str, ...], since: str | None, until: str | None,
    against_kafka: bool = False,
) -> None:  # fmt: skip
    """Audit a job's table; exit code 1 where it is not clean."""
    between = between_of(since, until)
    with assembled(session, session.read(path, settings), deadline_seconds=READ_SECONDS) as job:
        session.progress(f"reading {job.target.table}")
        found = audit(job, between, against_kafka=against_kafka)
    session.exit_code = 0 if found["clean"] else 1
    if session.as_json:
        session.print_json(found)
    else:
        show_audit(session, found)


def show_audit(session: Session, found: dict[str, Any]) -> None:
    """The result for people."""
    session.say(f"{found['topic']} → {found['table']}")
    counts = found["duplicates"]
    named = {"by_key": f"dedup key ({', '.join(found['dedup_key'])})", "by_coordinates": "coordinates"}
    named["copies"] = "both"
    if found["dedup_key"] == list(COORDINATES):
        named = {"by_coordinates": "coordinates"}
    rows = [(name, one["groups"], one["rows"]) for kind, name in named.items() if (one := counts[kind]) is not None]
    show(session, ["equal in", "groups", "rows too many"], rows)
    if found["examples"]:
        keys = found["dedup_key"]
        show(
            session,
            [*keys, "rows"],
            ([*(_cell(one["key"][key]) for key in keys), one["rows"]] for one in found["examples"]),
        )
    _show_days(session, found["days"])
    _show_history(session, found)
    if (compared := found["against_kafka"]) is not None:
        read = ", ".join(f"{part}: {one['start']} to {one['end']}" for part, one in compared["partitions"].items())
        session.say(f"{count(compared['messages'], 'message')} of Kafka compared, offsets {read}")
        for one in compared["examples"]:
            key = ", ".join(f"{name} {_cell(value)}" for name, value in one["key"].items())
            what = "missing" if one["missing"] else "older than its message"
            session.say(f"{what}: {key} (partition {one['partition']}, offset {one['offset']})")
    for one in found["unchecked"]:
        session.say(f"not checked: {one}")
    session.say(f"{count(found['rows'], 'row')} looked at; read at most {size(found['estimated_bytes'])}")
    for line in found["findings"]:
        session.say(f"found: {line}")
    if found["clean"]:
        session.say("clean")


def _cell(value: Any) -> str | int | None:
    return value if isinstance(value, int | str) or value is None else str(value)


def _show_days(session: Session, days: Sequence[dict[str, Any]]) -> None:
    """One bar for each day; of many days one for each month."""
    bars: dict[str, list[int]] = {}
    letters = 10 if len(days) <= _MOST_DAYS else 7
    for one in days:
        counts = bars.setdefault((one["day"] or "no day")[:letters], [0, 0])
        counts[0] += one["rows"]
        counts[1] += one["duplicates"]
    most = max((rows for rows, _ in bars.values()), default=0)
    for name, (rows, duplicates) in bars.items():
        bar = "█" * max(1, round(rows / most * _BAR_CHARACTERS))
        many = f", {duplicates:,} too many" if duplicates else ""
        session.say(f"{name:<10} {bar} {count(rows, 'row')}{many}")


def _show_history(session: Session, found: dict[str, Any]) -> None:
    for one in found["unread"]:
        session.say(f"read by no batch: partition {one['partition']}, offsets {one['start']} to {one['end'] - 1}")
    for one in found["skipped"]:
        session.say(f"skipped by a seek: partition {one['partition']}, offsets {one['start']} to {one['end'] - 1}")
    for one in found["missing"]["batches"]:
        session.say(
            f"missing: {one['messages'] - one['found']:,} of the {one['messages']:,} messages of batch "
            f"{one['batch_id']} ({one['kind']}, applied {one['applied_at']})"
        )
    for one in found["without_history"]:
        place = f"partition {one['partition']}, offsets {one['first_offset']} to {one['last_offset']}"
        why = "from before the job began" if one["before_the_job"] else "came with no batch"
        session.say(f"without history: {count(one['rows'], 'row')} of {place}: {why}")
