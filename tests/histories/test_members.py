"""Generated histories of members."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.histories.members import Members, UpdatingMembers

MACHINES = [Members, UpdatingMembers]


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def play(machine: type[Members], examples: int, steps: int, *, derandomize: bool) -> Counter[str]:
    """So many histories; which ends their runs had."""
    events: Counter[str] = Counter()

    class Counting(machine):  # type: ignore[misc,valid-type]
        def teardown(self) -> None:
            super().teardown()
            events.update(self.events)

    run_state_machine_as_test(
        Counting,
        settings=settings(
            max_examples=examples, stateful_step_count=steps, deadline=None, database=None, derandomize=derandomize,
            suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip
    return events


@pytest.mark.fault("G1", "G3", "G4", "G5")
@pytest.mark.parametrize("machine", MACHINES)
def test_histories_of_members(machine: type[Members]) -> None:
    """The same ones each time; the slow test plays others."""
    events = play(machine, 30, 30, derandomize=True)
    assert {"ended", "PartitionsLostError", "put out"} <= set(events), events


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.fault("G1", "G3", "G4", "G5")
@pytest.mark.parametrize("machine", MACHINES)
def test_many_histories_of_members(machine: type[Members]) -> None:
    play(machine, 2_000, 50, derandomize=False)
