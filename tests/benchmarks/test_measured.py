"""What a process cost is its own: not its parent's memory, not the time of what it waited for."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

MEASURED = Path(__file__).parents[2] / "benchmarks" / "measured.py"


def measured(code: str, seconds: int = 60) -> dict[str, Any]:
    line = [sys.executable, "-I", "-S", str(MEASURED), str(seconds), sys.executable, "-I", "-S", "-c", code]
    done = subprocess.run(line, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_the_peak_is_that_of_the_child() -> None:
    held = bytearray(b"x") * (300 << 20)  # this process is large; the child is not
    small, large = measured("pass"), measured("x = bytearray(b'x') * (200 << 20)")
    assert len(held) > 0
    assert small["peak_mib"] < 100
    assert large["peak_mib"] - small["peak_mib"] == pytest.approx(200, rel=0.1)


def test_waiting_is_wall_and_working_is_cpu() -> None:
    waited = measured("import time; time.sleep(1)")
    assert waited["wall_seconds"] >= 1.0
    assert waited["cpu_seconds"] < 0.7
    worked = measured("import time\nwhile time.process_time() < 1: pass")
    assert 1.0 <= worked["cpu_seconds"] < worked["wall_seconds"] + 0.1


def test_it_says_what_the_child_said_and_how_it_ended() -> None:
    found = measured("print('words'); raise SystemExit(3)")
    assert (found["said"], found["exit_code"]) == ("words\n", 3)


def test_a_child_that_does_not_end_is_killed() -> None:
    assert measured("import time; time.sleep(60)", seconds=1)["exit_code"] == -9
