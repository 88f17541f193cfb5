"""The counters, on a history of a few events; figures and verdicts from it."""

from __future__ import annotations

from typing import Any

import pytest

from laboratory.expectations import TROUBLES, reachable, surprises, verdict
from laboratory.history import Diary, Life, combined
from laboratory.measures import figures, position, standstill
from laboratory.setups import SETUPS
from tests.laboratory.results import SECONDS, SIZES, life, run

A, B = ("story-0.t00", 0), ("story-0.t00", 1)
SHARED, OURS = SETUPS[0], SETUPS[-1]


def told(*diaries: Diary) -> dict[str, Any]:
    return combined(diaries, [A, B])


def test_a_message_that_reaches_the_writer_again_is_a_duplicate_in_one_batch_and_in_two() -> None:
    one, other = Diary(0.0), Diary(0.0)
    one.delivered({A: [0, 1, 2], B: [0]})
    other.delivered({A: [2, 3, 3]})
    found = told(one, other)
    assert (found["delivered"], found["duplicates"]) == (7, 2)


def test_progress_stops_at_a_hole_and_goes_on_when_it_is_filled_by_whomever() -> None:
    one = Diary(0.0, merges=[(1.0, {A: [0, 1]}), (4.5, {A: [2, 3]})])
    other = Diary(0.0, merges=[(2.0, {A: [4, 5]}), (3.0, {A: [0, 1]})])
    assert told(other, one)["progress"] == {"t00/0": [[1.0, 2], [4.5, 6]], "t00/1": []}


def test_a_diary_counts_from_the_start_of_the_set_up() -> None:
    diary = Diary(100.0, clock=lambda: 102.5)
    diary.merged({B: [0]})
    assert diary.now() == 2.5
    assert told(diary)["progress"]["t00/1"] == [[2.5, 1]]


def test_lives_are_told_in_the_order_of_their_starts() -> None:
    late, early = Life(1, 2.0, 3.0), Life(0, 1.00049, 4.0, first=2.0, committed=True)
    first, second = told(Diary(0.0, lives=[late]), Diary(0.0, lives=[early]))["lives"]
    assert (first["slot"], first["began"], second["slot"], second["committed"]) == (0, 1.0, 1, None)


def test_the_figures_are_those_of_the_history() -> None:
    found = figures(run("ours, assign"), SECONDS)
    assert (found.rebalances_per_minute, found.without, round(found.slowest, 3)) == (6.0, 0.25, 0.667)
    assert (found.duplicates, found.delivered, found.failed, found.commits) == (3, 33, 1, 2)
    assert (found.errors, found.none, found.consumers) == (("ILLEGAL_GENERATION",), 1, 3)
    assert (found.first, found.latest_first, round(found.each, 3)) == (4.0, 4.0, 1.333)
    assert (found.rows, found.produced) == (90.0, 120.0)
    assert found.standstill == 12.0


def test_what_comes_after_the_last_message_is_no_progress() -> None:
    steps = [[1.0, 5], [21.0, 50]]
    assert (position(steps, 20.0), position([], 20.0)) == (5, 0)
    assert (standstill(steps, 20.0), standstill([], 20.0)) == (19.0, 20.0)


def test_a_set_up_in_which_nobody_got_a_message_has_figures_too() -> None:
    lost = {**run("ours, assign"), "lives": [life(0, first=None, committed=None)], "progress": {"t00/0": []}}
    found = figures(lost, SECONDS)
    assert (found.first, found.latest_first, found.slowest, found.rows, found.none) == (None, None, 0.0, 0.0, 1)


def calm(name: str) -> dict[str, Any]:
    """A set-up without any trouble."""
    steps = [[at, at * 2] for at in range(1, 21)]
    lives = [life(at, first=0.1, without=0.0) for at in range(4)]
    return {**run(name), "rebalances": [], "duplicates": 0, "lives": lives, "produced": 80,
            "progress": {"t00/0": steps, "t00/1": steps}}  # fmt: skip


def test_a_shared_group_without_trouble_does_better_than_expected_and_ours_with_trouble_worse() -> None:
    better = list(surprises(SHARED, figures(calm(SHARED.name), SECONDS), SIZES, "better"))
    assert len(better) == len(TROUBLES)
    assert "commits fail (0 of 4)" in better
    assert list(surprises(OURS, figures(calm(OURS.name), SECONDS), SIZES, "worse")) == []
    worse = list(surprises(OURS, figures(run(OURS.name), SECONDS), SIZES, "worse"))
    assert "messages reach the writer again (3)" in worse
    assert "a partition falls behind (67%)" in worse


@pytest.mark.parametrize("setup", SETUPS, ids=lambda setup: setup.name)
def test_what_is_expected_and_found_is_no_surprise(setup: Any) -> None:
    troubled = figures({**run(setup.name), "rebalances": [[1.0, 3]] * 50, "lives": [life(0, first=9.0, without=9.0)],
                        "progress": {"t00/0": [[1.0, 1]], "t00/1": [[1.0, 9]]}}, SECONDS)  # fmt: skip
    for trouble in TROUBLES:
        if trouble.expected(setup) and trouble.found(troubled, SIZES):
            assert verdict(trouble, setup, troubled, SIZES) == "as expected"
    assert [trouble.name for trouble in TROUBLES if trouble.expected(setup)] == [] or setup.joins


def test_the_newest_messages_are_not_asked_for() -> None:
    assert reachable(SIZES) == pytest.approx(1 - (4 + 0.5 + 0.5) / 20)
