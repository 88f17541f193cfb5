"""What ``tests/long.txt`` leaves to ``make test-all``."""

from __future__ import annotations

from functools import cache
from pathlib import Path

LIST = Path(__file__).with_name("long.txt")


@cache
def long_tests() -> frozenset[str]:
    """Ids of tests, each with its parameters or for all of them."""
    lines = LIST.read_text(encoding="utf-8").splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))
