"""The old consumer: it polls, appends to the table, and leaves its positions to auto-commit. A process of its own.

``python -m tests.end_to_end.naive``; what it is to do is JSON on stdin, what it did is a line of JSON on stdout.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import Any

from tests.end_to_end.pipe import ROOT

SESSION_SECONDS = 6.0  # the shortest that a broker takes
_PATIENCE_SECONDS = 60.0


def start(**wish: Any) -> subprocess.Popen[str]:
    """A consumer.

    :param wish: ``bootstrap``, ``group_id``, ``client_id``, ``topics``, ``endpoint``, ``project``, ``table``,
        ``messages`` (of the first topic, then it ends), ``ending``: ``close``; ``kill``, once the rows are written; or
        ``stuck``: it holds what it was assigned, reads nothing, and stays.
    """
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.end_to_end.naive"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, cwd=ROOT,
    )  # fmt: skip
    assert child.stdin is not None
    child.stdin.write(json.dumps(wish))
    child.stdin.close()
    return child


def told(child: subprocess.Popen[str]) -> Any:
    """The line that it writes: what it has appended, or what it holds."""
    assert child.stdout is not None
    return json.loads(child.stdout.readline())


def _main(wish: dict[str, Any]) -> None:
    from confluent_kafka import Consumer

    stuck = wish["ending"] == "stuck"
    consumer = Consumer({
        "bootstrap.servers": wish["bootstrap"], "group.id": wish["group_id"], "client.id": wish["client_id"],
        "auto.offset.reset": "earliest", "enable.auto.commit": True, "auto.commit.interval.ms": 60_000,
        "session.timeout.ms": int(SESSION_SECONDS * 1000), "heartbeat.interval.ms": 500, "log_level": 3,
    })  # fmt: skip
    consumer.subscribe(wish["topics"], **({"on_assign": _hold} if stuck else {}))
    if stuck:
        _stand_still(consumer)
    rows: list[dict[str, Any]] = []
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while len(rows) < wish["messages"] and time.monotonic() < deadline:
        found = consumer.consume(wish["messages"] - len(rows), 0.2)
        rows += [
            json.loads(one.value() or b"null")
            for one in found
            if one.error() is None and one.topic() == wish["topics"][0]
        ]
    _append(wish, rows)
    _tell([row["order_id"] for row in rows])
    if wish["ending"] == "kill":
        os.kill(os.getpid(), signal.SIGKILL)  # between its rows and the next auto-commit
    consumer.close()


def _tell(what: Any) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def _hold(consumer: Any, partitions: Any) -> None:
    consumer.assign(partitions)
    consumer.pause(partitions)


def _stand_still(consumer: Any) -> None:
    while not consumer.assignment():
        consumer.poll(0.1)
    _tell("holds")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(consumer.close()))
    while True:
        consumer.poll(0.1)


def _append(wish: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    from google.cloud import bigquery

    from airflow_kafka_bq.bigquery.client import connect

    client = connect({"project": wish["project"], "api_endpoint": wish["endpoint"]})
    schema = [bigquery.SchemaField("order_id", "STRING"), bigquery.SchemaField("total", "INT64")]
    client.load_table_from_json(rows, wish["table"], job_config=bigquery.LoadJobConfig(schema=schema)).result()
    client.close()


if __name__ == "__main__":
    _main(json.load(sys.stdin))
