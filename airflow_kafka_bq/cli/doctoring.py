"""``doctor``: findings of several jobs, the worst first."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow_kafka_bq.cli.looking import assembled
from airflow_kafka_bq.cli.session import Session
from airflow_kafka_bq.config import JobConfig
from airflow_kafka_bq.config.scalars import span
from airflow_kafka_bq.exceptions import ConfigError, IngestError
from airflow_kafka_bq.operations.doctor import Finding, Visit, examine, report, side_by_side


def doctor_jobs(session: Session, paths: tuple[str, ...], settings: tuple[str, ...], every: str | None) -> None:
    """Look at each job and at all of them side by side; exit code 1 where something is found."""
    often = _span(every)
    visits: list[Visit] = []
    broken: list[Finding] = []
    jobs: list[tuple[str, JobConfig, str]] = []
    for path in paths:
        try:
            file = session.read(path, settings)
            with assembled(session, file) as job:
                servers = file.kafka.get("bootstrap.servers", "")
                jobs.append((path, job.config, f"{servers}\n{job.config.group(job.target.table)}"))
                visits.append(examine(path, job, often))
        except IngestError as error:
            what = f"{type(error).__name__}: {error.message}"
            broken.append(Finding("error", path, what, "the job cannot run", error.remedy or "see docs/errors.md"))
    found = report(visits, [*broken, *side_by_side(jobs)])
    session.exit_code = 0 if found["healthy"] else 1
    if session.as_json:
        session.print_json(found)
    else:
        _show(session, found)


def _span(every: str | None) -> timedelta | None:
    if every is None:
        return None
    try:
        found: timedelta = span(every)
    except ValueError as error:
        raise ConfigError(f"--every: {every!r} is no time such as 1h, 0.25h or 7d") from error
    return found


def _show(session: Session, found: dict[str, Any]) -> None:
    for one in found["findings"]:
        session.say(f"{one['severity']}: {one['what']}")
        session.say(f"  in: {one['job']}")
        session.say(f"  why: {one['why']}")
        session.say(f"  remedy: {one['remedy']}")
    for text in found["unchecked"]:
        session.say(f"not checked: {text}")
    session.say("healthy" if found["healthy"] else "not healthy")
