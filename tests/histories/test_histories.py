"""Histories that nobody thought of; a failing one is played again with ``python -m tests.histories --replay NAME``."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.histories.machine import MACHINES, Histories
from tests.histories.many import Chunk, play_chunk, play_many
from tests.histories.playing import play

SEED = 20260101
EACH = 2_000 // len(MACHINES)
PARTS = 4


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("machine", MACHINES)
def test_histories(machine: type[Histories], part: int, record_property: Callable[[str, object], None]) -> None:
    """2,000 in all."""
    first, count = SEED + part * EACH // PARTS, EACH // PARTS
    record_property("runs", count)
    record_property("seed", first)
    chunk = play_chunk(Chunk(machine.__name__, first, count))
    assert chunk.tally.histories == count
    for failure in chunk.failures:
        pytest.fail(f"{failure['error']}\nplay it again: {failure['replay']}", pytrace=False)


def test_a_seed_is_one_history() -> None:
    first, again, other = play(MACHINES[0], 4), play(MACHINES[0], 4), play(MACHINES[0], 5)
    assert first.digest == again.digest != other.digest


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_many_histories(record_property: Callable[[str, object], None]) -> None:
    """Other seeds than above."""
    record_property("runs", 100_000)
    record_property("seed", 1)
    told: list[str] = []
    result = play_many(1, 100_000, 2, told.append)
    assert result["failures"] == [], "\n".join(told)
    assert result["histories"] == 100_000
