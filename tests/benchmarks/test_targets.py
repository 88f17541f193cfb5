"""What is said to be reached was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks.memory import DEFAULT, IDLE
from benchmarks.targets import (
    ENGINE,
    ESTIMATE_TEST,
    TARGETS,
    TESTED,
    above_start,
    costlier,
    faster,
    growth,
    row_path,
    rows,
)


def run(case: str, turn: int, **figures: float) -> dict[str, Any]:
    return {"case": case, "repetition": turn, "messages": 1_000, **figures}


def test_ratios_are_of_one_turn() -> None:
    runs = [
        *(run("bare", turn, steady_seconds=1.0 + turn, run_cpu_seconds=1.0 + turn) for turn in range(2)),
        *(run(ENGINE, turn, steady_seconds=4.0, run_cpu_seconds=6.0) for turn in range(3)),
    ]
    assert sorted(faster(ENGINE, "bare")({"runs": runs})) == [0.25, 0.5]
    assert sorted(costlier(ENGINE, "bare")({"runs": runs})) == [3.0, 6.0]


def test_memory_is_that_above_a_run_without_messages() -> None:
    peaks = [(500, 300.0), (500, 310.0), (5_000, 320.0)]
    memory = [{"settings": DEFAULT, "messages": count, "peak_mib": peak} for count, peak in peaks]
    memory.append({"settings": IDLE, "messages": 0, "peak_mib": 120.0})
    result = {"runs": [], "memory": memory}
    assert growth(DEFAULT)(result) == [pytest.approx(100 * 15 / 305)]
    assert above_start(DEFAULT)(result) == [200.0]


@pytest.mark.parametrize(("seconds", "said"), [(2.0, "yes"), (4.0, "**no**")])
def test_a_median_beyond_the_limit_is_not_reached(seconds: float, said: str) -> None:
    runs = [run("bare", 0, steady_seconds=1.0, run_cpu_seconds=1.0)]
    runs.append(run(ENGINE, 0, steady_seconds=seconds, run_cpu_seconds=1.0))
    assert TARGETS[0].row({"runs": runs, "memory": []})[-1] == said


def test_what_was_not_measured_is_not_reached() -> None:
    for target in TARGETS:
        assert target.row({"runs": [], "memory": []})[2:] == ["not measured in this run", "–"]


def test_a_model_with_validators_stands_beside_its_validators_turn_by_turn() -> None:
    turns = [
        {"decode_cpu_seconds": 3.0, "validate_cpu_seconds": 2.0},
        {"decode_cpu_seconds": 1.0, "validate_cpu_seconds": 1.0},
    ]
    assert row_path({"row_path": turns}) == [1.5, 1.0]


def test_what_a_test_holds_names_a_test_that_is_there() -> None:
    text = (Path(__file__).parents[2] / ESTIMATE_TEST).read_text()
    shown = [row for row in rows({"runs": [], "memory": []}) if ESTIMATE_TEST in row[2]]
    assert len(shown) == len(TESTED) == 1
    name = shown[0][2].split("`")[1]
    assert f"def {name}(" in text
