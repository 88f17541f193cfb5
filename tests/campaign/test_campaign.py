"""Random histories with fixed seeds, on servers of their own. Many more: ``python -m tests.campaign``."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.campaign import history
from tests.campaign.diary import Diary
from tests.campaign.ground import Ground, started
from tests.end_to_end.pipe import ROOT

pytestmark = [pytest.mark.kafka, pytest.mark.bigquery, pytest.mark.kill]


@pytest.fixture(scope="module")
def ground() -> Iterator[Ground]:
    with started(1) as found:
        yield found


@pytest.fixture(scope="module")
def three_brokers() -> Iterator[Ground]:
    with started(3) as found:
        yield found


def held(diary: Diary) -> None:
    assert diary.problems == [], "\n".join(f"{seconds} {what}" for seconds, what in diary.events)
    assert diary.messages > 0


@pytest.mark.timeout(300)  # on a machine that others use too
def test_a_random_history_leaves_each_message_once(ground: Ground) -> None:
    held(history.play(ground, seed=2, steps=(3, 3)))


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(100, 106))
def test_longer_histories_do_too(ground: Ground, seed: int) -> None:
    held(history.play(ground, seed))


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(100, 103))
def test_histories_on_three_brokers_do_too(three_brokers: Ground, seed: int) -> None:
    held(history.play(three_brokers, seed))


@pytest.mark.slow
@pytest.mark.airflow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(100, 102))
def test_histories_with_airflow_do_too(ground: Ground, seed: int) -> None:
    held(history.play(ground, seed, airflow=True))


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_command_writes_its_figures(tmp_path: Path) -> None:
    """Two lanes, a row of the matrix in each."""
    result, traces = tmp_path / "result.json", tmp_path / "traces.jsonl"
    words = ["--only", "K8-kill-small", "--rounds", "2", "--seed", "5", "--lanes", "2"]
    done = subprocess.run(
        [sys.executable, "-m", "tests.campaign", *words, "--result", str(result), "--traces", str(traces)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(result.read_text())
    assert found["kills_by_point"] == {"K8": 2}
    assert (found["rounds"], found["kills"], found["lost"], found["duplicated"]) == (2, 2, 0, 0)
    assert {json.loads(line)["seed"] for line in traces.read_text().splitlines()} == {5, 6}
