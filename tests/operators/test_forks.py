"""Workers fork: an operator that was built before, or used before, in the parent works in each child."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.operators.conftest import Wings

ROOT = Path(__file__).parents[2]
# A worker as Celery's: the DAG is imported, a task has run and a client of somebody else is open, then it forks.
WORKER = """
import json, os, sys
from types import SimpleNamespace
from confluent_kafka import Consumer
from airflow.sdk import DAG
from airflow_kafka_bq import KafkaToBigQueryOperator

topic, tables, bootstrap = sys.argv[1], sys.argv[2].split(","), sys.argv[3]
threads = len(os.listdir("/proc/self/task"))
with DAG("forked", schedule=None) as dag:
    tasks = [KafkaToBigQueryOperator(task_id=f"t{n}", topic=topic, table=table) for n, table in enumerate(tables)]
assert len(os.listdir("/proc/self/task")) == threads, "building an operator starts no client"

def execute(task):
    ti = SimpleNamespace(dag_id="forked", task_id=task.task_id, run_id="r", try_number=1, xcom_push=lambda **_: None)
    return task.execute({"ti": ti})

messages = [execute(tasks[0])["messages"]]
foreign = Consumer({"bootstrap.servers": bootstrap, "group.id": "foreign"})
foreign.list_topics(timeout=10)
children = []
for task in tasks:
    reading, writing = os.pipe()
    if os.fork() == 0:
        try:
            os.write(writing, json.dumps(execute(task)["messages"]).encode())
        finally:
            os._exit(0)
    os.close(writing)
    children.append(reading)
messages += [json.loads(os.read(one, 100)) for one in children]
for _ in children:
    assert os.wait()[1] == 0
foreign.close()
messages.append(execute(tasks[0])["messages"])
print("RESULT", json.dumps(messages))
"""


@pytest.mark.fault("A5")
def test_a_worker_that_forks_with_clients_in_the_parent(wings: Wings) -> None:
    """Operators are built at import, one has run, and another library's client is alive: three children run at once."""
    wings.fill(6)
    tables = [f"{wings.dataset}.target", f"{wings.dataset}.second", f"{wings.dataset}.third"]
    done = subprocess.run(
        [sys.executable, "-c", WORKER, wings.topic, ",".join(tables), wings.cluster.bootstrap],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=110, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("RESULT")]
    assert json.loads(line.removeprefix("RESULT")) == [6, 0, 6, 6, 0]
    assert wings.rows() == 6
