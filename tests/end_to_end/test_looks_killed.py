"""SIGKILL at any moment of a command that only looks: nothing has changed, and it looks again as if never killed."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.end_to_end.pipe import ROOT, Pipe

pytestmark = pytest.mark.kill
PipeFactory = Callable[..., Pipe]
_MOMENTS = 6  # of a whole look; the first ones are before anybody is asked


def _state(made: Pipe) -> Any:
    return (
        made.ledger(), made.revision(), made.committed(), made.rows(), made.dead_letters(), made.tables(),
        made.history(),
    )  # fmt: skip


def _look(made: Pipe, name: str, seconds: float | None = None) -> tuple[int, float]:
    """Exit code and seconds; killed after so many."""
    line = [sys.executable, "-m", "airflow_kafka_bq", name, str(made.path), "--json"]
    began = time.monotonic()
    with subprocess.Popen(line, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.returncode, time.monotonic() - began


@pytest.mark.parametrize("name", ["lag", *(pytest.param(one, marks=pytest.mark.slow) for one in ("audit", "doctor"))])
def test_a_look_that_is_killed_leaves_all_as_it_was(pipe: PipeFactory, name: str) -> None:
    made = pipe(partitions=2)
    made.produce_ten()
    made.run()
    made.produce_ten()
    before = _state(made)
    wanted, whole = _look(made, name)
    killed = [_look(made, name, whole * moment / _MOMENTS)[0] for moment in range(1, _MOMENTS)]
    assert killed.count(-9) >= _MOMENTS - 2, "too few were still under way"
    assert _state(made) == before
    assert _look(made, name)[0] == wanted
    assert _state(made) == before
    made.run()
    assert made.committed() == made.ledger()
