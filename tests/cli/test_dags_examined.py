"""``doctor --dags``: groups that only show when all files of a DAG folder are looked at."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_kafka_bq.exceptions import KafkaUnavailableError
from tests.airflow_home import connections
from tests.cli.commands import CANARY, Command, write_job
from tests.cli.test_doctoring import send_now
from tests.pipeline.world import GROUP, World
from tests.test_dag_folder import write

BROKERS = {"bootstrap.servers": "127.0.0.1:9", "sasl.password": CANARY}
LOCAL = json.dumps({"conn_type": "google_cloud_platform", "extra": {"is_anonymous": True}})
ROOT = Path(__file__).parents[2]
OLD = BROKERS | {"group.id": "old-shared"}
LOAD = """
with DAG("{dag}", schedule="{schedule}"):
    KafkaToBigQueryOperator(task_id="load", topic="{topic}", table="{table}", retries=3{more})
"""


@pytest.fixture(autouse=True)
def _connections() -> Iterator[None]:
    google = {"project": "demo", "is_anonymous": True}
    with connections(kafka_default=BROKERS, kafka_old=OLD, google_cloud_default=google):
        yield


def load(folder: Path, dag: str = "orders", **other: str) -> None:
    """A file with one DAG of one task."""
    settings = {"schedule": "@hourly", "topic": "shop.orders", "table": "analytics.orders", "more": "", **other}
    write(folder, f"{dag}.py", LOAD.format(dag=dag, **settings))


def look(kafka_bq: Command, folder: Path, *arguments: str) -> tuple[int, list[tuple[str, str, str]], dict[str, Any]]:
    """Exit code, findings, document."""
    done = kafka_bq("doctor", "--dags", str(folder), *arguments, "--json")
    assert CANARY not in done.out + done.err
    document = done.json()
    return done.code, [(one["severity"], one["job"], one["what"]) for one in document["findings"]], document


def test_a_healthy_folder(kafka_bq: Command, world: World, tmp_path: Path) -> None:
    send_now(world)
    load(tmp_path)
    code, findings, document = look(kafka_bq, tmp_path)
    assert (code, findings, document["healthy"]) == (0, [], True)
    assert {one["job"] for one in document["access"]} == {"orders.load"}
    assert document["unchecked"] == []


def test_one_group_for_two_topics_in_two_files_is_an_error(kafka_bq: Command, world: World, tmp_path: Path) -> None:
    world.cluster.create_topic("shop.payments", 1)
    load(tmp_path, "one", more=', group_id="shared"')
    load(tmp_path, "two", topic="shop.payments", table="analytics.payments", more=', group_id="shared"')
    code, findings, _ = look(kafka_bq, tmp_path)
    both = ("error", "one.load, two.load", "group shared is used for the topics shop.orders and shop.payments")
    assert (code, both in findings) == (1, True)


def test_a_job_file_and_a_task_are_compared_by_the_brokers_of_their_connections(
    kafka_bq: Command, world: World, tmp_path: Path
) -> None:
    world.cluster.create_topic("other", 1)
    load(tmp_path)
    same = str(write_job(tmp_path))
    shared = str(write_job(tmp_path, "shared.yaml", topic="other", group_id=GROUP))
    _, findings, _ = look(kafka_bq, tmp_path, same)
    assert ("note", f"{same}, orders.load") in [(severity, job) for severity, job, _ in findings]
    _, findings, _ = look(kafka_bq, tmp_path, shared)
    assert any(severity == "error" and job == f"{shared}, orders.load" for severity, job, _ in findings)


def test_what_airflow_alone_knows_of_a_task(kafka_bq: Command, world: World, tmp_path: Path) -> None:
    world.fill(1)
    late = 'retries=0, execution_timeout=timedelta(seconds=20), task_id="late", topic="shop.orders", table="d.late"'
    write(tmp_path, "late.py", f'with DAG("late", schedule="@weekly"):\n    KafkaToBigQueryOperator({late})\n')
    world.database.create_dataset("d")
    _, findings, _ = look(kafka_bq, tmp_path)
    told = {what for _, _, what in findings}
    assert "the task has no retries" in told
    assert "execution_timeout is 20 s, and stall_timeout_seconds 30" in told
    assert "the topic keeps messages for 7 days, 0:00:00, and the job runs every 7 days, 0:00:00" in told


def test_consumers_that_share_the_group_of_a_connection(kafka_bq: Command, tmp_path: Path) -> None:
    """As most begin: one connection for all topics, and so one group; positions that move by the clock."""
    for topic in ("a", "b"):
        write(
            tmp_path,
            f"{topic}.py",
            f"""
            from airflow.providers.apache.kafka.operators.consume import ConsumeFromTopicOperator
            with DAG("{topic}", schedule=None):
                ConsumeFromTopicOperator(task_id="read", topics=["{topic}"], kafka_config_id="kafka_old",
                                         apply_function="shop.f", max_messages=10)
            """,
        )
    code, findings, document = look(kafka_bq, tmp_path)
    assert code == 1
    assert findings[0] == ("error", "a.read, b.read", "group old-shared is used for the topics a and b")
    assert findings[1][2] == "auto-commit is on in connection kafka_old, group old-shared"
    assert "migrate-group" in document["findings"][1]["remedy"]
    with connections(kafka_old=OLD | {"enable.auto.commit": "false"}):
        _, findings, _ = look(kafka_bq, tmp_path)
        assert findings[1][2].startswith("positions of group old-shared are committed apart from the rows")


def test_a_connection_that_is_not_there_is_an_error_and_groups_are_compared_all_the_same(
    kafka_bq: Command, tmp_path: Path
) -> None:
    more = ', group_id="shared", kafka_conn_id="kafka_none"'
    load(tmp_path, "one", more=more)
    load(tmp_path, "two", topic="b", table="analytics.b", more=more)
    write(tmp_path, "broken.py", "import no_such_module  # of a DAG\n")
    code, findings, _ = look(kafka_bq, tmp_path)
    told = {job: what for _, job, what in findings}
    assert code == 1
    assert "'kafka_none' is not defined" in told["one.load"]
    assert told["one.load, two.load"] == "group shared is used for the topics shop.orders and b"
    assert any("No module named 'no_such_module'" in what for what in told.values())


def test_no_secret_of_a_connection_is_shown(kafka_bq: Command, world: World, tmp_path: Path) -> None:
    load(tmp_path)
    world.cluster.fail_next("group", KafkaUnavailableError(f"no answer to {CANARY}"), times=2)
    _, findings, _ = look(kafka_bq, tmp_path)
    assert findings[0][2] == "KafkaUnavailableError: no answer to ***"


def test_airflow_logs_to_stderr_and_the_document_stands_alone(tmp_path: Path) -> None:
    """In a process of its own, as Airflow settles its log when it is imported; it warns of a password that is short."""
    load(tmp_path)
    command = [sys.executable, "-m", "airflow_kafka_bq", "doctor", "--dags", str(tmp_path), "--json"]
    with connections(kafka_default={"bootstrap.servers": "127.0.0.1:9", "sasl.password": "abc"}):
        with_no_project = {**os.environ, "PYTHONPATH": str(ROOT), "AIRFLOW_CONN_GOOGLE_CLOUD_DEFAULT": LOCAL}
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=110, env=with_no_project)
    assert done.returncode == 1, done.stderr
    assert "project is missing" in json.loads(done.stdout)["findings"][0]["what"]
    assert "too short" in done.stderr


def test_a_folder_without_tasks_says_so(kafka_bq: Command, tmp_path: Path) -> None:
    code, _, document = look(kafka_bq, tmp_path)
    assert (code, document["unchecked"]) == (0, [f"DAGs: no task of {tmp_path} reads Kafka"])


def test_without_airflow_it_is_said(kafka_bq: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "airflow_kafka_bq.dag_folder", raising=False)
    monkeypatch.delattr("airflow_kafka_bq.dag_folder", raising=False)
    monkeypatch.setitem(sys.modules, "airflow_kafka_bq._airflow", None)
    done = kafka_bq("doctor", "--dags", str(tmp_path), "--json")
    assert (done.code, done.failure()["error"]) == (2, "ConfigError")
    assert "--dags needs Airflow" in done.failure()["message"]
