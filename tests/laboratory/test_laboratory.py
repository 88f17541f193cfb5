"""The whole laboratory with a tiny size, on real servers: every set-up runs, and the counts fit each other."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from laboratory import document
from laboratory.__main__ import main
from laboratory.setups import OURS, SETUPS

REPOSITORY = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.kafka
@pytest.mark.bigquery
@pytest.mark.timeout(900)
def test_a_tiny_story_is_played_and_written(tmp_path: Path) -> None:
    output = tmp_path / "result.json"
    line = [sys.executable, "-m", "laboratory", "--tiny", "--output", str(output)]
    done = subprocess.run(line, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.startswith("# The story, measured")
    result = json.loads(output.read_text())
    found = {setup.name: one for setup, one in document.measured(result).items()}
    assert list(found) == [setup.name for setup in SETUPS]
    for run in result["runs"]:
        assert run["delivered"] - run["duplicates"] >= sum(steps[-1][1] for steps in run["progress"].values() if steps)
        assert run["delivered"] >= sum(life["messages"] for life in run["lives"]) > 0, run["setup"]
        assert all(life["began"] <= life["ended"] for life in run["lives"])
        assert bool(run["rebalances"]) is (run["setup"] != OURS), run["setup"]
    ours = found[OURS]
    assert (ours.duplicates, ours.failed, ours.none) == (0, 0, 0)
    by_hand, with_us = result["migration"]
    assert (by_hand["after"], with_us["after"]) == (
        {"rows": 210, "duplicated": 100, "lost": 0},
        {"rows": 110, "duplicated": 0, "lost": 0},
    )


def test_a_part_of_the_story_is_not_published(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["--tiny"], ["--only", OURS]):
        with pytest.raises(SystemExit):
            main(words)
        assert "give --output" in capsys.readouterr().err
