"""The entry point: what it takes, and how it refuses what it does not take."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from airflow_kafka_bq import __version__
from airflow_kafka_bq.cli.commands import cli
from airflow_kafka_bq.cli.manual import PAGES
from tests.cli.commands import Command, write_job
from tests.pipeline.world import World

COMMANDS = [
    "audit", "doctor", "lag", "migrate-group", "plan", "redrive", "repair", "replay", "run", "schema", "seek",
]  # fmt: skip

SAID_BY_THE_COMMAND = {"to", "from_group", "dags"}  # without them it does something else, or asks for them
ROOT = Path(__file__).parents[2]


def test_version(kafka_bq: Command) -> None:
    done = kafka_bq("--version")
    assert (done.code, done.out) == (0, f"kafka-bq, version {__version__}\n")


def test_help_names_every_command_and_exit_code(kafka_bq: Command) -> None:
    done = kafka_bq("-h")
    assert done.code == 0
    assert [word for word in (*COMMANDS, "70", "130/143") if word not in done.out] == []
    assert max(len(line) for line in done.out.splitlines()) <= 80


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_and_the_options_of_all(kafka_bq: Command, name: str) -> None:
    done = kafka_bq(name, "--help")
    assert done.code == 0
    assert [option for option in ("--json", "--set KEY=VALUE", "--verbose") if option not in done.out] == []
    assert max(len(line) for line in done.out.splitlines()) <= 80


@pytest.mark.parametrize("name", [*COMMANDS, "demo"])
def test_help_is_a_page_of_a_manual(kafka_bq: Command, name: str) -> None:
    page = kafka_bq(name, "--help").out
    assert f"Usage: kafka-bq {name} " in page
    headings = ["Options:", "Examples:", "Exit codes:", "See also:"]
    assert [line for line in page.splitlines() if line in headings] == headings
    ends = page.split("Exit codes:")[1].split("See also:")[0]
    for code in ("0", "2", "3", "4", "70", "130, 143"):
        assert f"\n  {code} " in ends
    assert (ROOT / page.split()[-1]).is_file()


@pytest.mark.parametrize("name", [*COMMANDS, "demo"])
def test_every_example_is_one_that_the_command_takes(name: str) -> None:
    command = cli.commands[name]
    for line, does in PAGES[name].examples:
        called, *arguments = shlex.split(line)
        assert (called, bool(does)) == (name, True)
        command.make_context(name, arguments)


@pytest.mark.parametrize("name", [*COMMANDS, "demo"])
def test_what_an_option_is_when_it_is_left_out_is_said(name: str) -> None:
    """A flag is off, and what is required is not left out."""
    for option in cli.commands[name].params:
        if isinstance(option, click.Option) and not (option.is_flag or option.required):
            assert option.help
            told = option.show_default or re.search(
                "left out|several times|default|Take back|Put the rows", option.help
            )
            assert told or option.name in SAID_BY_THE_COMMAND, f"{name} {option.opts}"
            assert option.metavar, f"{name} {option.opts}"


def test_the_commands_are_all_there() -> None:
    assert sorted(cli.list_commands(click.Context(cli))) == sorted([*COMMANDS, "demo"])


USAGE = [
    (("walk",), "No such command 'walk'"),
    (("run",), "Missing argument 'JOB'"),
    (("run", "a.yaml", "b.yaml"), "unexpected extra argument"),
    (("run", "a.yaml", "--frm", "1"), "No such option"),
    (("lag",), "Missing argument 'JOBS"),
    (("replay", "a.yaml", "--from", "2026-01-01"), "Missing option '--to'"),
    (("replay", "a.yaml", "--to", "2026-01-01"), "Missing option '--from'"),
    (("schema", "."), "is a directory"),
]


@pytest.mark.parametrize(("arguments", "said"), USAGE)
def test_wrong_usage_is_two_and_said_on_stderr(kafka_bq: Command, arguments: tuple[str, ...], said: str) -> None:
    done = kafka_bq(*arguments)
    assert (done.code, done.out) == (2, "")
    assert said in done.err


@pytest.mark.parametrize(("arguments", "said"), USAGE)
def test_wrong_usage_is_a_document_for_machines(kafka_bq: Command, arguments: tuple[str, ...], said: str) -> None:
    done = kafka_bq(*arguments, "--json")
    assert (done.code, done.failure()["error"]) == (2, "ConfigError")
    assert said in done.failure()["message"]


def test_without_a_command_there_is_help(kafka_bq: Command) -> None:
    done = kafka_bq()
    assert done.code == 2
    assert "run" in done.out + done.err


@pytest.mark.parametrize("command", ["run", "plan", "lag", "schema"])
def test_a_job_file_that_is_not_there(kafka_bq: Command, command: str) -> None:
    done = kafka_bq(command, "no-such-job.yaml")
    assert (done.code, done.out) == (2, "")
    assert "ConfigError: no job file at no-such-job.yaml" in done.err


def test_set_replaces_what_the_file_says(kafka_bq: Command, world: World, job: str) -> None:
    world.fill(5)
    done = kafka_bq("run", job, "--json", "--set", "batch_messages=2", "--set", "max_messages=4")
    assert (done.code, done.json()["batches"], done.json()["messages"]) == (0, 2, 4)


def test_set_reaches_into_the_clients_and_into_mappings(kafka_bq: Command, world: World, job: str) -> None:
    world.fill(5)
    window = ("--set", "window={from: {0: 1}, to: {0: 4}}")
    done = kafka_bq("run", job, "--json", "--set", "kafka.bootstrap.servers=elsewhere:1", *window)
    assert (done.code, done.json()["messages"]) == (0, 3)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("batch_messages", "--set 'batch_messages' is not key=value"),
        ("batch_messages=0", "batch_messages: must be greater than or equal to 1 (given: 0)"),
        ("batch_mesages=5", "unknown parameter 'batch_mesages' (did you mean 'batch_messages'?)"),
        ("dedup_key=[a", "--set dedup_key: not a YAML value"),
    ],
)
def test_a_wrong_set_is_named(kafka_bq: Command, job: str, setting: str, said: str) -> None:
    done = kafka_bq("run", job, "--json", "--set", setting)
    assert (done.code, done.failure()["error"]) == (2, "ConfigError")
    assert said in done.failure()["message"]


def test_an_import_that_fails_is_no_finding(
    kafka_bq: Command, tmp_path: Path, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python would end with 1, which means findings: a broken installation must not look like a table that differs."""
    monkeypatch.setitem(__import__("sys").modules, "airflow_kafka_bq.cli.looking", None)
    done = kafka_bq("schema", str(write_job(tmp_path)), "--diff")
    assert done.code == 70
    assert world.database.table_names() == []
