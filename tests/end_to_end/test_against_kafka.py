"""Rows that are gone or too old, found by asking Kafka again, on the real broker and the local BigQuery."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from airflow_kafka_bq.testing.kafka import NewMessage
from tests.end_to_end.pipe import ROOT, Pipe

PipeFactory = Callable[..., Pipe]
MODEL = "from pydantic import BaseModel\n\n\nclass Order(BaseModel):\n    id: str\n    n: int\n"


def _audit(made: Pipe, *options: str) -> tuple[int, Any]:
    done = made.command("audit", str(made.path), "--against-kafka", "--json", *options)
    return done.returncode, json.loads(done.stdout)


def _filled(pipe: PipeFactory) -> Pipe:
    """Four keys with two versions each."""
    made = pipe(partitions=2, model="shop_model:Order", dedup_key=["id"], on_duplicate="update")
    (made.folder / "shop_model.py").write_text(MODEL)
    made.produce([NewMessage({"id": f"p{at % 4}", "n": at}, partition=at % 2) for at in range(8)])
    assert made.run()["outcome"] == "end"
    return made


def test_rows_that_are_gone_or_too_old_are_named_and_a_replay_brings_them_back(pipe: PipeFactory) -> None:
    made = _filled(pipe)
    tables = made.tables()
    assert _audit(made)[0] == 0
    positions = (made.ledger(), made.committed())
    made.query(f"DELETE FROM {made.name()} WHERE id = 'p0'")
    made.query(f"UPDATE {made.name()} SET n = 1, _kafka_offset = 0 WHERE id = 'p1'")
    code, found = _audit(made)
    compared = found["against_kafka"]
    assert (code, compared["messages"], compared["missing"], compared["older"]) == (1, 8, 1, 1)
    assert {json.dumps(one["key"], sort_keys=True) for one in compared["examples"]} == {'{"id": "p0"}', '{"id": "p1"}'}
    left = [made.client.get_table(f"{made.dataset}.{name}") for name in made.tables() - tables]
    assert [(one.num_rows, one.expires is None) for one in left] == [(0, False)] * len(left), (
        "what is staged is dropped"
    )
    assert (made.ledger(), made.committed()) == positions
    for options, messages in ((("--to", "2020-01-01"), 0), (("--from", "2020-01-01"), 8)):
        assert _audit(made, *options)[1]["against_kafka"]["messages"] == messages
    assert made.run('window={"from": {"0": 0, "1": 0}, "to": {"0": 4, "1": 4}}')["missing_before"] == 1
    assert _audit(made)[0] == 0


@pytest.mark.slow
@pytest.mark.kill
def test_an_audit_that_is_killed_moves_nothing_and_is_done_again(pipe: PipeFactory) -> None:
    made = _filled(pipe)
    positions = (made.ledger(), made.committed(), made.query(f"SELECT id, n FROM {made.name()} ORDER BY id"))
    tables = made.tables()
    line = [sys.executable, "-m", "airflow_kafka_bq", "audit", str(made.path), "--against-kafka"]
    with subprocess.Popen(line, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        end = time.monotonic() + 60
        while process.poll() is None and made.tables() == tables and time.monotonic() < end:
            time.sleep(0.02)
        os.kill(process.pid, signal.SIGKILL)
    assert (made.ledger(), made.committed(), made.query(f"SELECT id, n FROM {made.name()} ORDER BY id")) == positions
    assert _audit(made)[0] == 0
