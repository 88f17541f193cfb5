"""Histories that nobody thought of: what always holds, holds in all of them.

A failing one is played again with ``python -m tests.histories --replay NAME``, and cut short with ``--short``.
"""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.histories.__main__ import main
from tests.histories.corners import CORNERS
from tests.histories.machine import MACHINES, Payloads
from tests.histories.many import Chunk, play_chunk
from tests.histories.playing import cut_short, named, play

SEED = 20260101
PARTS, EACH = 4, 56  # 2,016 histories: nine machines, four parts of 56 seeds


@functools.cache
def _played(machine: str, part: int) -> Chunk:
    return play_chunk(Chunk(machine, SEED + part * EACH, EACH))


@pytest.mark.fault(
    "K2", "K3", "K4", "K5", "K6", "K7", "K8", "K9", "K10", "K11", "K13", "B6", "B7", "G1", "G2", "R1", "R2", "R3", "R4",
    "R5", "D1", "D2", "D8", "D9", "Q4", "Q5", "Q8", "A1", "A2",
)  # fmt: skip
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("machine", [one.__name__ for one in MACHINES])
def test_histories(machine: str, part: int, record_property: Callable[[str, object], None]) -> None:
    record_property("runs", EACH)
    record_property("seed", SEED + part * EACH)
    chunk = _played(machine, part)
    for failure in chunk.failures:
        pytest.fail(f"{failure['error']}\nplay it again: {failure['replay']}", pytrace=False)
    assert chunk.tally.histories == EACH


@pytest.mark.timeout(1_200)  # alone, it plays them all
def test_every_corner_is_reached() -> None:
    """A machine that never gets there would show nothing."""
    events: Counter[str] = Counter()
    for machine in MACHINES:
        for part in range(PARTS):
            events.update(_played(machine.__name__, part).tally.events)
    assert [corner for corner in CORNERS if not events[corner]] == []


def test_a_seed_is_one_history_in_every_process() -> None:
    """Hashes of texts differ from process to process; a history must not depend on them."""
    names = [f"{machine.__name__}:{seed}" for machine in MACHINES for seed in (1, 4, 16)]
    here = [play(*named(name)).digest for name in names]
    assert len(set(here)) == len(here)
    code = "import sys; from tests.histories.playing import *; print(*[play(*named(n)).digest for n in sys.argv[1:]])"
    there = subprocess.run(
        [sys.executable, "-c", code, *names], capture_output=True, text=True, check=True, timeout=100,
        cwd=Path(__file__).parents[2], env={**os.environ, "PYTHONHASHSEED": "7"},
    )  # fmt: skip
    assert there.stdout.split() == here


class Loses(Payloads):
    """A machine that fails where a topic grows."""

    def tell(self, event: str, detail: object = "") -> None:
        super().tell(event, detail)
        assert event != "partition added", "there it is"


def test_a_failure_is_told_with_the_command_that_plays_it_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr("tests.histories.machine.MACHINES", [Loses])
    for module in ("playing", "many", "__main__"):
        monkeypatch.setattr(f"tests.histories.{module}.MACHINES", [Loses])
    file = tmp_path / "result.json"
    # Not every failure is cut to its core: from seed 1, hypothesis stays with ten steps that could go.
    assert main(["--examples", "100", "--seed", "61", "--result", str(file)]) == 1
    result = json.loads(file.read_text())
    failure = result["failures"][0]
    assert failure["replay"] == f"python -m tests.histories --replay {failure['history']}"
    assert failure["replay"] in capsys.readouterr().err
    assert main(["--replay", failure["history"]]) == 1
    assert "AssertionError: there it is" in capsys.readouterr().out
    short = cut_short(*named(failure["history"]))
    assert short is not None
    assert "log_changes" in short
    steps = [line for line in short.split("\n\n")[0].splitlines() if line[0] != " "]
    assert len(steps) <= 4, short  # the beginning, what fails, and little between


def test_what_was_played_is_counted(tmp_path: Path) -> None:
    file = tmp_path / "result.json"
    assert main(["--examples", "16", "--seed", "3", "--processes", "2", "--result", str(file)]) == 0
    result = json.loads(file.read_text())
    assert (result["histories"], result["failures"], result["seed"]) == (16, [], 3)
    assert {name: (one["histories"], one["seeds"]) for name, one in result["machines"].items()} == {
        machine.__name__: (2, [3, 4]) for machine in MACHINES
    }
    assert result["steps"] >= 16 * 16
    assert sum(result["rules"].values()) >= result["steps"]
    assert result["cpu_seconds"] > 0


@pytest.mark.slow
@pytest.mark.timeout(3 * 3600)
@pytest.mark.fault("K5", "K6", "K8", "K11", "K13", "A1", "A2")
def test_many_histories(tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    """100,000, with other seeds than above."""
    record_property("runs", 100_000)
    record_property("seed", 1)
    file = tmp_path / "result.json"
    code = main(["--examples", "100000", "--seed", "1", "--processes", "2", "--result", str(file)])
    result = json.loads(file.read_text())
    assert (code, result["failures"], result["histories"]) == (0, [], 100_000)
