"""The first page, done as it says: its model, its job file, its commands, one after the other."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from google.cloud.bigquery import Client

from airflow_kafka_bq.testing.bigquery import LocalBigQuery
from airflow_kafka_bq.testing.kafka import KafkaBroker, NewMessage, produce
from airflow_kafka_bq.testing.kafka.topics import TopicFactory
from tests.docs.documents import section
from tests.docs.markdown import ROOT

JOB = section((ROOT / "README.md").read_text("utf-8"), "## A job")
COMMANDS = [line.partition("#")[0].split() for line in JOB.splitlines() if line.startswith("kafka-bq ")]


def messages() -> list[NewMessage]:
    """Two orders, one of them twice, a tombstone and a message that is no order."""
    order = {"order_id": "a", "created_on": "2026-01-01", "updated_at": "2026-01-01T10:00:00Z", "total": "9.90"}
    values = [order, order | {"order_id": "b"}, order | {"updated_at": "2026-01-02T10:00:00Z", "total": "5"}]
    return [
        *(NewMessage(value, key=value["order_id"], partition=0) for value in values),
        NewMessage(None, key="b", partition=0),
        NewMessage({"order_id": "c"}, key="c", partition=0),
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The files of the page, under the names in their first lines."""
    for text in re.findall(r"```(?:python|yaml)\n(.+?)```", JOB, re.DOTALL):
        (tmp_path / re.match(r"# (\S+)\n", text)[1]).write_text(text, "utf-8")  # type: ignore[index]  # it is there
    return tmp_path


def test_the_commands_do_what_the_page_says(
    folder: Path, kafka: KafkaBroker, bigquery: LocalBigQuery, bigquery_client: Client, dataset: str,
    kafka_topic: TopicFactory,
) -> None:  # fmt: skip
    topic = kafka_topic()
    here = {"topic": topic, "table": f"{dataset}.orders", "kafka.bootstrap.servers": kafka.bootstrap}
    here["bigquery.api_endpoint"] = bigquery.url
    settings = [word for name, value in here.items() for word in ("--set", f"{name}={value}")]
    list(produce(kafka.bootstrap, topic, messages()))

    def call(words: list[str], *more: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "airflow_kafka_bq", *words[1:], *settings, *more]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)

    assert {words[1] for words in COMMANDS} == {"schema", "plan", "run", "lag", "replay"}
    for words in COMMANDS:
        done = call(words)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
    rows = bigquery_client.query_and_wait(f"SELECT order_id, total, _deleted_at IS NULL FROM `demo.{dataset}.orders`")
    assert sorted((row[0], int(row[1] * 10), row[2]) for row in rows) == [("a", 50, True), ("b", 99, False)]
    again = call(["kafka-bq", "run", "orders.yaml"], "--json")
    assert json.loads(again.stdout)["messages"] == 0
    assert call(["kafka-bq", "schema", "orders.yaml", "--diff"]).returncode == 0
