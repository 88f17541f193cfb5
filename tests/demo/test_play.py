"""The whole story, and what is left of it."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.demo.playing import ROOT, Playing

pytestmark = [pytest.mark.mock, pytest.mark.bigquery]


def told(*arguments: str, folder: Path) -> tuple[int, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "airflow_kafka_bq", "demo", "--json", *arguments],
        capture_output=True, text=True, cwd=ROOT, check=False, env=os.environ | {"TMPDIR": str(folder)},
    )  # fmt: skip
    assert done.stdout, done.stderr
    assert list(folder.iterdir()) == []
    return done.returncode, json.loads(done.stdout)


def check(document: Any, size: int) -> None:
    """The figures, counted here once more: not with the code that the demo checks itself with."""
    late = size // 10
    first_orders = size - size // 20 - 2 * (size // 200)
    all_orders = first_orders + late - late // 20 - 2 * (late // 200)
    hand, ours = document["steps"][:2], document["steps"][2:]
    valid = first_orders + size // 20
    assert [(step["read"], step["rows"], step["duplicates"]) for step in hand] == [
        (size, valid, size // 20),
        (size, 2 * valid, 2 * valid - first_orders),
    ]
    assert [(step["read"], step["rows"], step["duplicates"], step["unread"]) for step in ours] == [
        (size, first_orders, 0, 0),
        (0, first_orders, 0, 0),
        (None, all_orders, 0, late),
        (0, all_orders, 0, 0),
        (size + late, all_orders, 0, 0),
    ]
    letters = [size // 200] * 2 + [size // 200 + late // 200] * 3
    assert [step["dead_letters"] for step in ours] == letters
    assert [step["deleted"] for step in ours] == letters  # as many tombstones as bad messages
    assert document["holds"]


@pytest.mark.kill
def test_the_story_from_a_job_file(tmp_path: Path) -> None:
    code, document = told("--messages", "2000", folder=tmp_path)
    assert code == 0
    check(document, 2_000)


@pytest.mark.slow
@pytest.mark.kill
@pytest.mark.airflow
@pytest.mark.timeout(400)
def test_the_whole_story_through_airflow(tmp_path: Path) -> None:
    code, document = told("--airflow", folder=tmp_path)
    assert code == 0
    check(document, 20_000)


@pytest.mark.slow
@pytest.mark.kill
@pytest.mark.kafka
@pytest.mark.airflow
@pytest.mark.timeout(400)
def test_the_whole_story_on_a_real_broker(tmp_path: Path) -> None:
    code, document = told("--airflow", "--kafka", "real", folder=tmp_path)
    assert code == 0
    check(document, 20_000)


def test_ctrl_c_leaves_nothing(tmp_path: Path) -> None:
    playing = Playing.start(tmp_path / "one", "--messages", "1000")
    playing.wait_for("A consumer written by hand")
    assert playing.ports()
    assert playing.interrupt() == 130
    assert "everything that was started is taken down" in playing.said()
    assert playing.left() == []


@pytest.mark.slow
@pytest.mark.airflow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(3))
def test_a_signal_at_any_moment_leaves_nothing(tmp_path: Path, seed: int) -> None:
    """To the process alone, or to all that the terminal has in the foreground."""
    choice = random.Random(seed)
    for number in range(4):
        playing = Playing.start(tmp_path / f"{number}", "--messages", "1000", "--airflow")
        until = time.monotonic() + choice.uniform(0.0, 40.0)
        while time.monotonic() < until and playing.process.poll() is None:
            playing.look()
            time.sleep(0.05)
        if playing.process.poll() is None and choice.random() < 0.5:
            os.killpg(playing.process.pid, signal.SIGINT)
            playing.end(60)
        elif playing.process.poll() is None:
            playing.interrupt(choice.choice([signal.SIGINT, signal.SIGTERM, signal.SIGHUP]))
        assert playing.left() == [], playing.said()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_two_at_once_do_not_meet(tmp_path: Path) -> None:
    both = [Playing.start(tmp_path / name, "--messages", "1000") for name in ("one", "other")]
    assert [playing.end(200) for playing in both] == [0, 0], [playing.said() for playing in both]
    assert [playing.left() for playing in both] == [[], []]
