"""What every command has in common: exit codes, documents, streams, and that no secret leaves."""

from __future__ import annotations

import io
import json
import logging
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from airflow_kafka_bq.batch import Committed
from airflow_kafka_bq.cli import lagging, looking, running
from airflow_kafka_bq.cli.session import Session, guarded
from airflow_kafka_bq.exceptions import (
    IngestError,
    KafkaUnavailableError,
    MergeConflictError,
    MergeRejectedError,
    WarehouseUnavailableError,
)
from tests.cli.commands import CANARY, Command, write_job
from tests.pipeline.world import World

COMMANDS: list[tuple[str, ...]] = [
    ("run",),
    ("plan",),
    ("lag",),
    ("schema", "--diff"),
    ("replay", "--from", "{0: 0}", "--to", "{0: 5}"),
]


def call(kafka_bq: Command, command: tuple[str, ...], job: str, *more: str) -> Any:
    return kafka_bq(command[0], job, *command[1:], *more)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_a_command_that_did_its_work_ends_with_zero(
    kafka_bq: Command, world: World, job: str, command: tuple[str, ...]
) -> None:
    world.fill(5)
    world.run()
    done = call(kafka_bq, command, job)
    assert (done.code, done.err) == (0, "")
    assert done.out


@pytest.mark.parametrize("command", [*COMMANDS[:3], COMMANDS[4]], ids=lambda command: command[0])
@pytest.mark.parametrize(
    ("error", "code"),
    [(KafkaUnavailableError("no broker", remedy="wait"), 4), (MergeRejectedError("refused", remedy="look"), 3)],
    ids=["transient", "terminal"],
)
def test_an_error_has_one_code_on_every_command(
    kafka_bq: Command, world: World, job: str, command: tuple[str, ...], error: IngestError, code: int
) -> None:
    """Also without a terminal, also as a document; with topic and group wherever it happened."""
    world.cluster.fail_next("bounds", error, times=2)
    document = call(kafka_bq, command, job, "--json")
    assert (document.code, document.failure()["error"]) == (code, type(error).__name__)
    assert document.failure()["topic"] == "shop.orders"
    assert document.failure()["group_id"] == "kafka-bq.shop.orders.demo.analytics.orders"
    people = call(kafka_bq, command, job)
    assert (people.code, people.out) == (code, "")
    said = [line.strip() for line in people.err.splitlines()]
    assert f"{type(error).__name__}: {error.message}" in said
    assert f"remedy: {error.remedy}" in said
    assert "topic: shop.orders" in said


def test_schema_that_differs_is_a_finding(kafka_bq: Command, world: World, job: str) -> None:
    done = kafka_bq("schema", job, "--diff")
    assert done.code == 1
    assert "would be created" in done.out
    world.run()
    assert kafka_bq("schema", job, "--diff").code == 0


def test_without_diff_there_is_nothing_to_find(kafka_bq: Command, world: World, job: str) -> None:
    assert kafka_bq("schema", job).code == 0
    assert world.database.table_names() == []


def test_a_failed_run_reports_what_it_did_so_far(kafka_bq: Command, world: World, job: str) -> None:
    world.fill(6)
    world.database.reject_rows(lambda row: "refused" if row["_kafka_offset"] == 4 else None, at="merge")
    job = str(write_job(Path(job).parent, batch_messages=2, on_bad_message="fail"))
    done = kafka_bq("run", job, "--json")
    failure = done.failure()
    assert (done.code, failure["error"], failure["partition"], failure["offset"]) == (3, "BadMessagesError", 0, 4)
    assert failure["batch_id"]
    assert (failure["report"]["batches"], failure["report"]["messages"]) == (2, 4)
    assert failure["report"]["partitions"]["0"]["end"] == 4
    assert world.positions()[0] == 4


def test_a_run_that_loses_against_other_writers_is_told_to_come_again(
    kafka_bq: Command, world: World, job: str
) -> None:
    world.fill(1)
    world.database.fail_next("merge", MergeConflictError("others won"))
    done = kafka_bq("run", job, "--json")
    assert (done.code, done.failure()["error"]) == (4, "MergeConflictError")


def test_a_failure_before_anything_was_planned_has_a_report_too(kafka_bq: Command, world: World, job: str) -> None:
    world.database.fail_next("ledger", WarehouseUnavailableError("quota"))
    failure = kafka_bq("run", job, "--json").failure()
    assert failure["report"]["messages"] == 0
    assert kafka_bq("plan", job, "--set", "topic=not.there", "--json").failure()["report"] is None


def broken(*_: Any, **__: Any) -> Any:
    raise RuntimeError(f"no attribute; settings were {{'sasl.password': '{CANARY}'}}")


@pytest.mark.parametrize(("module", "name"), [(running, "run"), (looking, "preview"), (lagging, "lag_of")])
def test_a_bug_is_seventy_with_a_traceback_and_no_secret(
    kafka_bq: Command, world: World, job: str, monkeypatch: pytest.MonkeyPatch, module: Any, name: str
) -> None:
    monkeypatch.setattr(module, name, broken)
    command = {"run": "run", "preview": "plan", "lag_of": "lag"}[name]
    done = kafka_bq(command, job)
    assert (done.code, done.out) == (70, "")
    assert "Traceback (most recent call last)" in done.err
    assert "in broken" in done.err
    assert "This is a bug of kafka-bq" in done.err
    document = kafka_bq(command, job, "--json")
    assert (document.code, document.failure()["error"]) == (70, "RuntimeError")
    assert "report it" in document.failure()["remedy"]
    assert CANARY not in done.err + document.out + document.err
    assert "***" in document.failure()["message"]
    assert world.database.table_names() == []


@pytest.mark.parametrize("secret", [CANARY, "two\nlines\nof-a-key", "quo\"te\\d'", "ümläut-pässword"])
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_no_secret_is_shown_whoever_says_it(
    kafka_bq: Command, world: World, tmp_path: Path, command: tuple[str, ...], secret: str
) -> None:
    """Brokers, proxies and libraries put into a message what they were given; as text, as repr and as JSON."""
    kafka = {"bootstrap.servers": "127.0.0.1:9", "sasl.password": secret, "ssl.key.password": "other-" + secret}
    job = str(write_job(tmp_path, kafka=kafka))
    said = f"login {secret} refused: {secret!r} {json.dumps(secret)} {{'sasl.password': {secret!r}}}"
    for _ in range(2):
        for call_name in ("bounds", "retention_ms"):
            world.cluster.fail_next(call_name, MergeRejectedError(said, remedy=f"not {secret}"))
        world.database.fail_next("table", MergeRejectedError(said, remedy=f"not {secret}"))
    shown = [call(kafka_bq, command, job, "--verbose", *more) for more in ((), ("--json",))]
    texts = " ".join(done.out + done.err for done in shown)
    assert "login *** refused" in texts
    forms = {secret, repr(secret)[1:-1], json.dumps(secret)[1:-1], json.dumps(repr(secret)[1:-1])[1:-1]}
    assert [form for form in forms if form in texts] == []


def test_a_secret_from_set_or_the_environment_is_one_too(
    kafka_bq: Command, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_PASSWORD", "from-environment")
    job = str(write_job(tmp_path, kafka={"bootstrap.servers": "127.0.0.1:9", "sasl.password": "${SHOP_PASSWORD}"}))
    message = "from-environment and from-set are wrong"
    world.cluster.fail_next("bounds", MergeRejectedError(message))
    done = kafka_bq("run", job, "--json", "--set", "kafka.ssl.key.password=from-set")
    assert done.failure()["message"] == "*** and *** are wrong"


def test_logs_go_to_stderr_and_results_to_stdout(kafka_bq: Command, world: World, job: str) -> None:
    world.fill(3)
    world.run()
    world.commit({0: 0})  # a run repairs this, and says so
    done = kafka_bq("run", job, "--json")
    assert done.json()["outcome"] == "end"
    assert "INFO committed offsets of partitions [0] are behind the ledger" in done.err
    quiet = kafka_bq("run", job)
    assert quiet.err == ""


def test_a_log_line_is_one_line_however_long(kafka_bq: Command, world: World, job: str) -> None:
    """Cut into pieces of 80 letters it could not be found again."""

    def talks(*_: Any) -> Any:
        logging.getLogger("airflow_kafka_bq.x").warning("%s", "word " * 40 + CANARY)
        logging.getLogger("airflow_kafka_bq.x").debug("only with --verbose")
        return {0: Committed.__doc__}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(running, "run", lambda _job: talks() and world.run())
        done = kafka_bq("run", job)
        verbose = kafka_bq("run", job, "--verbose")
    (line,) = [line for line in done.err.splitlines() if "word" in line]
    assert line.endswith("word ***")
    assert " WARNING word" in line
    assert "only with" not in done.err
    assert " DEBUG only with --verbose" in verbose.err


@pytest.mark.parametrize(("error", "code"), [(KafkaUnavailableError("no"), 143), (MergeRejectedError("no"), 3)])
def test_a_stop_while_the_brokers_are_silent_ends_as_interrupted(error: IngestError, code: int) -> None:
    """Both mean "run it again", and only one of the two says why it ended. What a person must mend comes first."""

    def stopped() -> None:
        with guarded(as_json=True, verbose=False, changes=True) as session:
            session.ask_to_stop(15)
            raise error

    with pytest.raises(SystemExit) as ended:
        stopped()
    assert ended.value.code == code


class Screen(io.StringIO):
    """A terminal, or a file."""

    def __init__(self, terminal: bool) -> None:
        super().__init__()
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


@pytest.mark.parametrize("terminal", [True, False])
def test_what_is_under_way_is_told_on_a_terminal_and_goes_with_the_next_line(
    terminal: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    session = Session(as_json=False)
    session.hide({"sasl.password": CANARY})
    screen = Screen(terminal)
    session.err = Console(file=screen, width=30)
    session.progress(f"reading {CANARY}")
    session.say("done")
    session.say("more")
    assert screen.getvalue() == ("\r\x1b[K… reading ***\r\x1b[K" if terminal else "")
    assert capsys.readouterr().out == "done\nmore\n"
