"""The benchmark runs, and what it says was measured: with few messages, on the real servers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import memory, run
from benchmarks.cases import BAD, CASES, EMPTY, ONE_BAD, PEERS, Case
from benchmarks.peers.environments import UnavailableError
from benchmarks.result import RESULT, read
from benchmarks.run import _measured, _options

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
    output = tmp_path / "result.jsonl"
    line = [sys.executable, "-m", "benchmarks.run", "--try", "--output", str(output), "--only", *OURS]
    done = subprocess.run(line, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.startswith("# Benchmarks")
    result = read(output)
    whole = {one["case"]: one for one in result["runs"] if "messages" in one}
    assert set(whole) == {*PEERLESS, *HANDWRITTEN} - {WIDE}
    assert {one["case"] for one in result["runs"]} - set(whole) == {f"{case}{EMPTY}" for case in (*TWICE, WIDE)}
    assert {one["settings"] for one in result["memory"]} == set(memory.SETTINGS)
    assert result["row_path"]
    assert result["missing"] == {}
    for one in (*whole.values(), *result["memory"]):
        dead = one["messages"] // ONE_BAD if one["case"] == BAD else 0
        assert (one["rows"], one["lost"], one["duplicates"]) == (one["messages"] - dead, 0, 0), one
        assert 0 < one["steady_seconds"] < one["wall_seconds"], one
        assert one["cpu_seconds"] > 0, one
        assert one["peak_mib"] > 10, one


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


def test_an_environment_that_cannot_be_made_is_named_before_anything_is_measured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def absent(peer: str) -> Path:
        raise UnavailableError(f"no network for {peer}")

    monkeypatch.setattr(run, "python_of", absent)
    missing: dict[str, str] = {}
    run._warm_up(None, Named(), _options(["--try", "--only", "dlt", "bare"]), missing)  # type: ignore[arg-type]
    assert missing == dict.fromkeys(("dlt, tuned", "dlt, plain"), "no network for dlt")


class Named:
    def named(self, kind: str, _: int) -> str:
        return kind
