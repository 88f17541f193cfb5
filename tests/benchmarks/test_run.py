"""The benchmark runs, and what it says was measured: with few messages, on the real servers."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import memory
from benchmarks.cases import BAD, CASES, EMPTY, ONE_BAD, PEERS, Case
from benchmarks.peers.environments import UnavailableError
from benchmarks.run import RESULT, _measured, _options

REPOSITORY = Path(__file__).parents[2]
WIDE = "kafka-bq run, 1,000 partitions"
HANDWRITTEN = ("handwritten, tuned", "handwritten, plain")
TWICE = ("engine, payload", "engine, model", "kafka-bq run, payload", "kafka-bq run, model")
PEERLESS = [name for name in CASES if name not in PEERS]
OURS = ["bare", "engine", "kafka-bq", "handwritten", "memory", "row path"]


@pytest.mark.slow
@pytest.mark.kafka
@pytest.mark.bigquery
@pytest.mark.timeout(900)
def test_a_quick_run_measures_every_case_and_loses_nothing(tmp_path: Path) -> None:
    output = tmp_path / "result.json"
    line = [sys.executable, "-m", "benchmarks.run", "--try", "--output", str(output), "--only", *OURS]
    done = subprocess.run(line, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.startswith("# Benchmarks")
    result = json.loads(output.read_text())
    whole = {run["case"]: run for run in result["runs"] if "messages" in run}
    assert set(whole) == {*PEERLESS, *HANDWRITTEN} - {WIDE}
    assert {run["case"] for run in result["runs"]} - set(whole) == {f"{case}{EMPTY}" for case in (*TWICE, WIDE)}
    assert {run["settings"] for run in result["memory"]} == set(memory.SETTINGS)
    assert result["row_path"]
    assert result["missing"] == {}
    for run in (*whole.values(), *result["memory"]):
        dead = run["messages"] // ONE_BAD if run["case"] == BAD else 0
        assert (run["rows"], run["lost"], run["duplicates"]) == (run["messages"] - dead, 0, 0), run
        assert 0 < run["steady_seconds"] < run["wall_seconds"], run
        assert run["cpu_seconds"] > 0, run
        assert run["peak_mib"] > 10, run


def test_words_choose_cases_and_what_is_killed_with_them() -> None:
    found = _options(["--only", "dlt", "memory"])
    assert (found.cases, found.parts) == (["dlt, tuned", "dlt, plain"], ["memory"])
    assert set(found.killed) == {"dlt, tuned", "dlt, plain"}
    assert found.output is None, "a few cases are no result"
    assert _options(["--only", "dlt", "--merge"]).output == RESULT
    assert _options([]).cases == list(CASES)
    with pytest.raises(SystemExit):
        _options(["--only", "nothing of the kind"])


def test_a_try_has_every_case_and_a_few_messages() -> None:
    found = _options(["--try"])
    assert (found.cases, found.messages, found.repetitions, found.killed) == (list(CASES), 20_000, 1, [])
    assert (found.counts, found.output) == (memory.TRIED, None)


def test_a_peer_that_cannot_be_had_is_named_and_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(_: Any, topic: str, messages: int) -> Any:
        raise UnavailableError(f"no network for {topic} of {messages}")

    monkeypatch.setitem(CASES, "dlt, plain", Case(absent, at_most=10))
    monkeypatch.setitem(CASES, "bare", Case(absent))
    missing: dict[str, str] = {}
    assert _measured(None, Named(), "dlt, plain", 50, missing) == []  # type: ignore[arg-type]
    assert missing == {"dlt, plain": "no network for events of 10"}
    with pytest.raises(UnavailableError):
        _measured(None, Named(), "bare", 50, missing)  # type: ignore[arg-type]


class Named:
    def named(self, kind: str, _: int) -> str:
        return kind
