"""Planted duplicates on the real broker and the local BigQuery: found, removed, and put back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from airflow_kafka_bq.testing.kafka import NewMessage
from tests.end_to_end.pipe import ROOT, Pipe

PipeFactory = Callable[..., Pipe]
DAY_MS = 86_400_000
MODEL = "from pydantic import BaseModel\n\n\nclass Order(BaseModel):\n    id: str\n    n: int\n"


def _call(made: Pipe, *arguments: str) -> tuple[int, Any]:
    done = made.command(*arguments, "--json")
    return done.returncode, json.loads(done.stdout)


def _naive(made: Pipe, where: str, changed: str = "*") -> None:
    """A consumer written by hand inserts rows again."""
    made.query(f"INSERT INTO {made.name()} SELECT {changed} FROM {made.name()} WHERE {where}")


def _filled(pipe: PipeFactory) -> Pipe:
    """Eight messages of two days; five rows too many, which are exact copies."""
    made = pipe(partitions=2)
    base = (int(time.time()) * 1000 // DAY_MS - 1) * DAY_MS  # yesterday: retention takes what is much older
    made.produce([NewMessage({"n": at}, partition=at % 2, timestamp_ms=base + at // 4 * DAY_MS) for at in range(8)])
    assert made.run()["outcome"] == "end"
    _naive(made, "_kafka_offset = 0")
    _naive(made, "_kafka_partition = 1 AND _kafka_offset = 0")
    _naive(made, "_kafka_partition = 0 AND _kafka_offset = 3")
    return made


@pytest.mark.slow
def test_copies_are_found_removed_and_put_back(pipe: PipeFactory) -> None:
    made = _filled(pipe)
    before = made.rows()
    code, found = _call(made, "audit", str(made.path))
    assert (code, found["duplicates"]["copies"], found["rows"]) == (1, {"groups": 3, "rows": 5}, 13)
    assert [(one["rows"], one["duplicates"]) for one in found["days"]] == [(8, 4), (5, 1)]
    told = _call(made, "repair", str(made.path), "--dry-run")[1]
    assert (sum(one["surplus"] for one in told["parts"]), made.rows()) == (5, before)
    code, done = _call(made, "repair", str(made.path))
    assert (code, done["removed"], done["left"]["by_key"]) == (0, 5, 0)
    assert set(made.coordinates().values()) == {1}
    assert _call(made, "repair", str(made.path), "--undo", done["backup"])[1]["restored"] == 5
    assert made.rows() == before
    assert _call(made, "repair", str(made.path))[1]["removed"] == 5
    made.produce([NewMessage({"n": 8}, partition=0)])
    assert made.run()["outcome"] == "end", "the live task goes on"
    assert made.coordinates().total() == 9
    assert _call(made, "audit", str(made.path))[0] == 0


def test_messages_that_are_gone_are_missed(pipe: PipeFactory) -> None:
    made = _filled(pipe)
    made.query(f"DELETE FROM {made.name()} WHERE _kafka_partition = 1 AND _kafka_offset = 2")
    found = _call(made, "audit", str(made.path))[1]
    assert found["missing"]["messages"] == 1
    assert (found["unread"], found["without_history"]) == ([], [])


@pytest.mark.parametrize(("rule", "kept"), [("keep", 1), ("update", 9)])
def test_the_row_that_the_rule_keeps(pipe: PipeFactory, rule: str, kept: int) -> None:
    made = pipe(partitions=1, model=f"orders_{rule}:Order", dedup_key=["id"], on_duplicate=rule)
    (made.folder / f"orders_{rule}.py").write_text(MODEL)
    made.produce([NewMessage({"id": key, "n": at}) for at, key in enumerate("xab")])
    made.run()
    _naive(made, "id = 'a'", "* REPLACE (9 AS _kafka_offset, 77 AS n)")
    _naive(made, "id = 'a' AND _kafka_offset = 9")
    code, found = _call(made, "audit", str(made.path))
    assert (code, found["duplicates"]["by_key"]) == (1, {"groups": 1, "rows": 2})
    assert _call(made, "repair", str(made.path))[1]["removed"] == 2
    rows = made.query(f"SELECT id, _kafka_offset, n FROM {made.name()} ORDER BY id")
    assert rows == [("a", kept, 1 if kept == 1 else 77), ("b", 2, 2), ("x", 0, 0)]


@pytest.mark.kill
def test_a_repair_that_is_killed_is_finished_by_another_one(pipe: PipeFactory) -> None:
    made = _filled(pipe)
    process = subprocess.Popen(
        [sys.executable, "-m", "airflow_kafka_bq", "repair", str(made.path), "--json"],
        cwd=made.folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE, text=True,
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stderr is not None
    for line in process.stderr:
        if "reduced to one each" in line:
            process.kill()
    process.wait(30)
    _call(made, "repair", str(made.path))
    assert set(made.coordinates().values()) == {1}
    names = sorted(name for name in made.tables() if "__repair_" in name)
    for name in names:
        _call(made, "repair", str(made.path), "--undo", name)
    assert made.coordinates() == Counter(
        {(0, 0): 2, (0, 1): 1, (0, 2): 1, (0, 3): 2, (1, 0): 4, (1, 1): 1, (1, 2): 1, (1, 3): 1}
    )


def test_a_doctor_names_the_causes(pipe: PipeFactory) -> None:
    made = pipe(partitions=1, isolation_level="read_uncommitted")
    made.produce([NewMessage({"n": 1})])
    assert made.run()["outcome"] == "end"
    code, found = _call(made, "doctor", str(made.path), "--every", "400d")
    texts = [one["what"] for one in found["findings"]]
    assert (code, found["healthy"]) == (1, False)
    assert "isolation_level is read_uncommitted" in texts
    assert any(text.startswith("the topic keeps messages for ") for text in texts)
