"""``redrive``: dead letters through the job again, or a look at what would become of them."""

from __future__ import annotations

import re
from typing import Any

from airflow_kafka_bq.cli.looking import assembled
from airflow_kafka_bq.cli.running import run_file
from airflow_kafka_bq.cli.session import Session
from airflow_kafka_bq.cli.tables import count, show
from airflow_kafka_bq.config.letters import LetterSelection
from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.operations.redrive import redrive, rehearse


def redrive_job(session: Session, path: str, settings: tuple[str, ...], dry_run: bool, **selected: Any) -> None:
    """Redrive what is selected, or tell what would be.

    :param selected: options by the names of ``LetterSelection``'s fields.
    """
    try:
        wanted = LetterSelection.of(**selected)
    except ConfigError as error:
        said = re.sub(r"^(\w+)\.\d+:", r"\1:", error.message).replace("before until", "before --until")
        raise ConfigError(f"--{said}", remedy=error.remedy) from error
    file = session.read(path, settings)
    if not dry_run:
        run_file(session, file, lambda job: redrive(job, wanted))
        return
    with assembled(session, file) as job:
        session.progress(f"reading {job.target.dead_letters}")
        found = rehearse(job, wanted)
    if session.as_json:
        session.print_json(found)
    else:
        _show(session, found)


def _show(session: Session, found: dict[str, Any]) -> None:
    session.say(f"{found['topic']} → {found['table']}")
    if not found["messages"]:
        session.say("no dead letter would be redriven")
        return
    names = ["stage", "reason", "messages"]
    show(session, names, ([one[name] for name in names] for one in found["letters"]))
    rows = found["rows"]
    would = [
        f"{count(rows['rows'], 'row')}",
        f"{rows['dead_lettered']:,} would fail again",
        f"{rows['ignored']:,} ignored",
    ]
    session.say(f"would redrive {count(found['messages'], 'message')}: {', '.join(would)}")
    for one in found["fail_again"]:
        where = f"partition {one['partition']}, offset {one['offset']}"
        session.say(
            f"would fail again: {one['messages']:,} at {one['stage']} ({one['reason']}); {where}: {one['error']}"
        )
    session.say("nothing was changed; rows that are there already and what BigQuery rejects are found by the redrive")
