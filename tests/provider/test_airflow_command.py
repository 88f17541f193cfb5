"""``airflow kafka-bq`` is ``kafka-bq``: the same commands, options, results and exit codes."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest
from airflow.providers_manager import ProvidersManager

from airflow_kafka_bq import airflow_command, cli
from airflow_kafka_bq.cli import commands
from tests.provider.commands import airflow

JOB = "topic: t\ntable: d.t\nkafka: {bootstrap.servers: 'localhost:1'}\nbigquery: {project: demo, api_endpoint: 'http://localhost:1'}\n"

# Airflow 3.1 reads the metadata and passes over the key.
airflow_takes_commands = pytest.mark.skipif(
    not hasattr(ProvidersManager, "cli_command_functions"), reason="this Airflow takes no commands of providers"
)


@pytest.fixture
def handed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], str]]:
    """What reached the command line."""
    calls: list[tuple[list[str], str]] = []
    monkeypatch.setattr(cli, "main", lambda arguments, program: calls.append((arguments, program)))
    return calls


def parse(*arguments: str) -> argparse.Namespace:
    """As Airflow does: a parser of its own for the command, below one for all."""
    (command,) = airflow_command.commands()
    parser = argparse.ArgumentParser("airflow")
    below = parser.add_subparsers(dest="subcommand").add_parser(command.name)
    for argument in command.args:
        argument.add_to_parser(below)
    below.set_defaults(func=command.func)
    return parser.parse_args(["kafka-bq", *arguments])


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "job.yaml"],
        ["run", "job.yaml", "--json", "--set", "topic=t"],
        ["--version"],
        ["-h"],
        ["run", "--help"],
        ["lag", "-v", "--", "-odd-name.yaml"],
        ["run", "--no-such-option"],
        [],
    ],
    ids=" ".join,
)
def test_all_that_follows_is_handed_over(arguments: list[str], handed: list[tuple[list[str], str]]) -> None:
    parsed = parse(*arguments)
    parsed.func(parsed)
    assert handed == [(arguments, "airflow kafka-bq")]


@airflow_takes_commands
@pytest.mark.airflow
def test_the_help_is_that_of_the_command_line() -> None:
    done = airflow("kafka-bq", "--help")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Usage: airflow kafka-bq")
    assert {name for name in commands.cli.commands if f"\n  {name} " in done.stdout} == set(commands.cli.commands)


@airflow_takes_commands
@pytest.mark.airflow
def test_results_go_to_stdout_and_nothing_else_does(tmp_path: Path) -> None:
    (tmp_path / "job.yaml").write_text(JOB, "utf-8")
    done = airflow("kafka-bq", "schema", "job.yaml", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "payload" in json.dumps(json.loads(done.stdout))


@airflow_takes_commands
@pytest.mark.airflow
def test_a_failure_keeps_its_exit_code_and_its_document(tmp_path: Path) -> None:
    done = airflow("kafka-bq", "run", "missing.yaml", "--json", cwd=tmp_path)
    assert done.returncode == 2
    assert json.loads(done.stdout)["error"] == "ConfigError"
