"""``kafka-bq`` as a process of its own, on a real broker and the local BigQuery."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Collection
from typing import Any

import pytest

from airflow_kafka_bq.testing.bigquery import LocalBigQuery
from airflow_kafka_bq.testing.kafka import NewMessage, delete_records
from airflow_kafka_bq.testing.kafka.topics import TopicFactory
from tests.cli.imported import FOR_MESSAGES, NOT_FOR_RUNS
from tests.end_to_end.pipe import ROOT, Pipe

PipeFactory = Callable[..., Pipe]
CANARY = "canary-hunter2"
TEN_MINUTES, HOUR_MS = 600, 3_600_000

LISTING = """
import atexit, sys
from airflow_kafka_bq.cli import main

def listed():
    print(sorted(%(shunned)r & set(sys.modules)), file=sys.stderr)

atexit.register(listed)
main(%(arguments)r)
"""

ORDER = """
from pydantic import BaseModel

class Order(BaseModel):
    n: int
"""
CLIENTS = {"airflow", "pyarrow", "google", "confluent_kafka", "rich.table"}


def imported(arguments: list[str], folder: Any, shunned: Collection[str] = ("airflow",)) -> tuple[int, str]:
    """Exit code of a command, and which of the modules that it should not need it did import."""
    code = LISTING % {"arguments": arguments, "shunned": set(shunned)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False, timeout=60,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    return done.returncode, done.stderr.splitlines()[-1]


def everything(made: Pipe) -> dict[str, Any]:
    """All rows of all tables, and the group."""
    tables: dict[str, Any] = {
        name: sorted(map(str, made.query(f"SELECT * FROM `{made.dataset}`.`{name}`"))) for name in made.tables()
    }
    return tables | {"committed": made.committed()}


def test_no_command_imports_airflow(pipe: PipeFactory) -> None:
    """An import of Airflow costs seconds, reads its configuration, and wants a database."""
    made = pipe()
    made.produce_ten()
    path = str(made.path)
    window = ["--from", "{0: 0}", "--to", "{0: 3}"]
    for arguments in (
        ["run", path],
        ["plan", path],
        ["lag", path],
        ["schema", path, "--diff"],
        ["replay", path, *window],
    ):
        assert imported(arguments, made.folder) == (0, "[]")
    assert imported(["run", str(made.folder / "none.yaml")], made.folder) == (2, "[]")


@pytest.mark.parametrize("settings", [{}, {"model": "shop:Order"}])
def test_a_run_imports_what_it_uses_and_no_more(pipe: PipeFactory, settings: dict[str, Any]) -> None:
    """Most runs of a schedule find nothing to read, and are made of little else than imports."""
    made = pipe(**settings)
    made.produce_ten()
    path = str(made.path)
    (made.folder / "shop.py").write_text(ORDER, "utf-8")
    assert imported(["run", path], made.folder, {*FOR_MESSAGES, *NOT_FOR_RUNS}) == (0, str(sorted(FOR_MESSAGES)))
    assert imported(["run", path], made.folder, {*FOR_MESSAGES, *NOT_FOR_RUNS}) == (0, "[]")


def test_help_waits_for_no_client(tmp_path: Any) -> None:
    assert imported(["--help"], tmp_path, CLIENTS) == (0, "[]")
    assert imported(["run", "--help"], tmp_path, CLIENTS) == (0, "[]")


def test_exit_codes_of_a_process(pipe: PipeFactory) -> None:
    made = pipe(partitions=1)
    made.produce_ten()
    path = str(made.path)
    assert made.command("schema", path, "--diff").returncode == 1
    assert made.command("run", path).returncode == 0
    assert made.command("schema", path, "--diff").returncode == 0
    assert made.command("run", path, "--set", "batch_messages=none").returncode == 2
    assert made.command("run", path, "--set", "topic=no-such-topic").returncode == 3
    assert made.command("run", path, "--set", "kafka.bootstrap.servers=127.0.0.1:1").returncode == 4


def test_a_bug_in_a_process_is_seventy_and_shows_no_secret(pipe: PipeFactory) -> None:
    """A model that breaks our own code: the traceback is there, the password in its message is not."""
    made = pipe(partitions=1)
    made.write(kafka={"sasl.password": CANARY})
    breaks = (
        "from airflow_kafka_bq.pipeline import plan\n"
        "def look(*_):\n    raise KeyError({'sasl.password': 'CANARY'})\n"
        "from airflow_kafka_bq.pipeline import runner\nrunner.look = look\n"
        "import pydantic\nclass Order(pydantic.BaseModel):\n    id: str\n"
    )
    (made.folder / "shop_breaks.py").write_text(breaks.replace("CANARY", CANARY))
    command = ["run", str(made.path), "--verbose", "--set", "model=shop_breaks:Order"]
    people, machine = made.command(*command), made.command(*command, "--json")
    for done in (people, machine):
        assert done.returncode == 70
        assert "Traceback" in done.stderr
        assert CANARY not in done.stdout + done.stderr
    assert json.loads(machine.stdout)["error"] == "KeyError"


@pytest.mark.parametrize("name", ["run", *(pytest.param(name, marks=pytest.mark.slow) for name in ("plan", "lag"))])
def test_a_password_is_in_no_output_even_of_the_clients_debug(pipe: PipeFactory, name: str) -> None:
    """A broker without a login is asked for one: the client logs all it does, and we log all the client does."""
    made = pipe(partitions=1)
    login = {
        "security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN", "sasl.username": "alice",
        "sasl.password": CANARY, "debug": "all",
    }  # fmt: skip
    made.write(kafka={**login, "socket.connection.setup.timeout.ms": "2000"})
    for more in ([], ["--json"]):
        done = made.command(name, str(made.path), "--verbose", "--set", f"kafka.ssl.key.password={CANARY}2", *more)
        assert done.returncode in {3, 4}
        assert "DEBUG" in done.stderr
        assert CANARY not in done.stdout + done.stderr


def test_a_plan_changes_nothing(pipe: PipeFactory) -> None:
    """Before the first run it creates nothing; later it touches neither rows nor ledger nor the group."""
    made = pipe(partitions=2)
    made.produce_ten()
    path = str(made.path)
    before = everything(made)
    for prepare in (lambda: None, made.run, made.produce_ten, lambda: made.commit({0: 1})):
        prepare()
        before = everything(made)
        assert made.command("plan", path).returncode in {0, 1}
        assert everything(made) == before
    for arguments in (["plan", path, "--json"], ["lag", path], ["schema", path, "--diff"]):
        assert made.command(*arguments).returncode in {0, 1}
    assert everything(made) == before
    plan = made.json("plan", path)
    assert plan["lag"] == 10
    assert plan["estimated_bytes"] > 0


def test_the_emulators_variable_is_honoured(
    pipe: PipeFactory, bigquery: LocalBigQuery, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = pipe()
    wanted = made.produce_ten()
    made.api_endpoint = ""
    made.write(bigquery={"project": "demo"})
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", bigquery.url)
    assert made.json("run", str(made.path))["rows"]["inserted"] == 10
    assert made.coordinates() == wanted
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", bigquery.url.removeprefix("http://"))
    failure = made.json("run", str(made.path))
    assert failure["error"] == "ConfigError"
    assert "write the scheme too" in failure["remedy"]


def _aged(made: Pipe, count: int = 1) -> None:
    """Messages of ten minutes ago, and one of now behind them."""
    old = int(time.time() * 1000) - TEN_MINUTES * 1000
    made.produce(
        [NewMessage({"n": number}, str(number), partition=0, timestamp_ms=old + number) for number in range(count)]
    )
    made.produce([NewMessage({"n": -1}, "now", partition=0)])


@pytest.mark.parametrize(
    ("settings", "left"),
    [
        ({"retention.ms": str(HOUR_MS)}, 3600 - TEN_MINUTES),
        ({"retention.ms": "-1"}, None),
        ({"retention.ms": str(HOUR_MS), "cleanup.policy": "compact"}, None),
        ({"retention.ms": str(HOUR_MS), "cleanup.policy": "compact,delete"}, 3600 - TEN_MINUTES),
    ],
)
def test_lag_knows_when_retention_takes_the_oldest_unread(
    pipe: PipeFactory, kafka_topic: TopicFactory, settings: dict[str, str], left: int | None
) -> None:
    """Of the first unread message, not of the last one that the same answer brought."""
    made = pipe(partitions=2, topic=kafka_topic(partitions=2, config=settings))
    _aged(made, 20)
    (found,) = made.json("lag", str(made.path))
    part = found["partitions"]["0"]
    assert (part["position"], part["lag"], found["lag"]) == (None, 21, 21)
    age = time.time() - time.mktime(time.strptime(part["oldest_unread"][:19], "%Y-%m-%dT%H:%M:%S")) + time.timezone
    assert TEN_MINUTES <= age < TEN_MINUTES + 60
    told = part["retention_takes_it_in_seconds"]
    assert told is None if left is None else left - 60 < told <= left
    assert found["partitions"]["1"]["oldest_unread"] is None


def test_lag_of_what_retention_took(pipe: PipeFactory) -> None:
    made = pipe(partitions=1)
    made.run()
    _aged(made, 5)
    delete_records(made.bootstrap, made.topic, {0: 3})
    (found,) = made.json("lag", str(made.path))
    part = found["partitions"]["0"]
    assert (part["position"], part["log_start"], part["end"], part["lag"]) == (0, 3, 6, 3)
    assert part["oldest_unread"] is not None
    out = made.command("lag", str(made.path)).stdout
    assert "lost: partition 0, offsets 0 to 2" in out


def test_lag_without_ledger_or_table_and_of_several_jobs(pipe: PipeFactory) -> None:
    done, fresh = pipe(partitions=1, table="one"), pipe(partitions=1, table="two")
    done.produce_ten()
    done.run()
    missing = pipe(partitions=1, table="three", topic="no-such-topic")
    both = done.command("lag", str(done.path), str(fresh.path), "--json")
    assert [one["lag"] for one in json.loads(both.stdout)] == [0, 0]
    three = done.command("lag", str(missing.path), str(done.path), "--json")
    assert three.returncode == 3
    assert [one.get("error") for one in json.loads(three.stdout)] == ["NotFoundError", None]
