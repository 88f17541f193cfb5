"""``doctor``: findings of several jobs, the worst first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import groupby
from typing import Any

from airflow_kafka_bq import jobfile
from airflow_kafka_bq.cli.looking import ASK_SECONDS, assembled
from airflow_kafka_bq.cli.session import Session
from airflow_kafka_bq.config.scalars import span
from airflow_kafka_bq.config.schedules import longest_pause
from airflow_kafka_bq.exceptions import ConfigError, IngestError
from airflow_kafka_bq.operations.doctor import examine
from airflow_kafka_bq.operations.findings import Finding, Visit, report
from airflow_kafka_bq.operations.sharing import User, cluster_of, side_by_side

_STATES = {"missing": "missing", "allowed": "allowed", "unchecked": "not checked"}


@dataclass(slots=True)
class Round:
    """What a round over all jobs brings together."""

    every: timedelta | None
    visits: list[Visit] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    users: list[User] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)

    def cannot_run(self, name: str, error: IngestError) -> None:
        """A job that does not come as far as being looked at."""
        what = f"{type(error).__name__}: {error.message}"
        self.findings.append(Finding("error", name, what, "the job cannot run", error.remedy or "see docs/errors.md"))


def doctor_jobs(
    session: Session, paths: tuple[str, ...], settings: tuple[str, ...], every: str | None, dags: str | None
) -> None:
    """Look at each job and at all of them side by side; exit code 1 where something is found."""
    if not paths and dags is None:
        raise ConfigError("nothing to look at", remedy="name job files, or a folder of DAG files with --dags")
    going = Round(_span(every))
    for at, path in enumerate(paths, 1):
        session.progress(f"{path} ({at} of {len(paths)})")
        _visit(session, going, path, settings)
    if dags is None:
        going.unchecked.append("DAGs: name their folder with --dags")
    else:
        from airflow_kafka_bq.cli.dags_examined import visit_dags  # needs Airflow

        visit_dags(session, going, dags)
    found = report(going.visits, [*going.findings, *side_by_side(going.users)], going.unchecked)
    session.exit_code = 0 if found["healthy"] else 1
    if session.as_json:
        session.print_json(found)
    else:
        _show(session, found)


def _visit(session: Session, going: Round, path: str, settings: tuple[str, ...]) -> None:
    try:
        file = session.read(path, settings)
        often = going.every or longest_pause(jobfile.parameters(path)[1].get("schedule"))
        with assembled(session, file, deadline_seconds=ASK_SECONDS) as job:
            going.users.append(User.of(path, "file", job.config, job.target.table, cluster_of(file.kafka)))
            going.visits.append(examine(path, job, often, file.kafka))
    except IngestError as error:
        going.cannot_run(path, error)


def _span(every: str | None) -> timedelta | None:
    if every is None:
        return None
    try:
        found: timedelta | None = longest_pause(every) if every.strip()[-1:] in {"s", "m"} else span(every)
    except ValueError as error:
        raise ConfigError(f"--every: {every!r} is no time such as 1h, 0.25h or 7d") from error
    if found is None:
        raise ConfigError(f"--every: {every!r} is no time such as 15m, 1h or 7d")
    return found


def _show(session: Session, found: dict[str, Any]) -> None:
    for one in found["findings"]:
        session.say(f"{one['severity']}: {one['what']}")
        session.say(f"  in: {one['job']}")
        session.say(f"  why: {one['why']}")
        session.say(f"  remedy: {one['remedy']}")
    for job, rights in groupby(found["access"], key=lambda one: one["job"]):
        session.say(f"permissions that {job} needs")
        for line in _lines(rights):
            session.say(f"  {line}")
    for text in found["unchecked"]:
        session.say(f"not checked: {text}")
    session.say("healthy" if found["healthy"] else "not healthy")


def _lines(rights: Iterable[dict[str, Any]]) -> Iterator[str]:
    """A line for each resource."""
    found: dict[str, dict[str, list[str]]] = {}
    for one in rights:
        right = one["right"].removeprefix("bigquery.")
        found.setdefault(one["resource"], {}).setdefault(_STATES[one["state"]], []).append(right)
    for resource, by_state in found.items():
        states = [
            f"{', '.join(dict.fromkeys(by_state[state]))} {state}" for state in _STATES.values() if state in by_state
        ]
        yield f"{resource}: {'; '.join(states)}"
