"""Commands that look after tables are among the others, with the options of all."""

from __future__ import annotations

import click

from airflow_kafka_bq.cli.care import audit, doctor, repair
from airflow_kafka_bq.cli.commands import cli
from airflow_kafka_bq.cli.options import JOB, days, options


def test_they_are_there_with_their_options() -> None:
    shared = {one.name for one in click.command("any")(JOB(days(options(lambda: None)))).params}
    for command in (audit, repair, doctor):
        assert cli.commands[str(command.name)] is command
        missing = shared - {parameter.name for parameter in command.params}
        assert missing <= {"job", "since", "until"}
