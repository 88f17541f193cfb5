"""The benchmark runs, and what it says was measured: with few messages, on the real servers."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
CASES = {"bare", "engine, payload", "engine, model", "kafka-bq run, payload", "kafka-bq run, model"}


@pytest.mark.slow
@pytest.mark.kafka
@pytest.mark.bigquery
@pytest.mark.timeout(400)
def test_a_quick_run_measures_every_case_and_loses_nothing(tmp_path: Path) -> None:
    output = tmp_path / "result.json"
    line = [sys.executable, "-m", "benchmarks.run", "--try", "--output", str(output)]
    done = subprocess.run(line, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.startswith("# Benchmarks")
    result = json.loads(output.read_text())
    whole = {run["case"]: run for run in result["runs"] if "messages" in run}
    assert set(whole) == CASES
    assert {run["case"] for run in result["runs"]} - CASES == {f"{case}, nothing to read" for case in CASES - {"bare"}}
    for run in (*whole.values(), *result["memory"]):
        assert (run["rows"], run["lost"], run["duplicates"]) == (run["messages"], 0, 0), run
        assert 0 < run["steady_seconds"] < run["wall_seconds"], run
        assert run["cpu_seconds"] > 0, run
        assert run["peak_mib"] > 10, run
