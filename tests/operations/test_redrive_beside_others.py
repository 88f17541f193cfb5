"""Redrives that are killed, held, run twice at once, and beside a live run."""

from __future__ import annotations

from collections import Counter

import pytest

from airflow_kafka_bq.config.letters import LetterSelection
from airflow_kafka_bq.exceptions import MergeConflictError
from airflow_kafka_bq.operations.redrive import redrive
from airflow_kafka_bq.testing.memory import Killed
from tests.operations.redriving import ALL, NOW, STRICT, broken, redriven, state
from tests.pipeline.actors import Actor, in_step
from tests.pipeline.world import TABLE, Assassin


def test_killed_anywhere_and_run_again() -> None:
    at, places = 0, Counter[str]()
    while True:
        world = broken("one", "seven", "two")
        assassin = Assassin(at)
        try:
            redrive(world.job(assassin, **NOW, batch_messages=2), ALL)
        except Killed:
            places[assassin.names[-1]] += 1
        else:
            break
        redriven(world, batch_messages=2)
        assert state(world) == {"one": ("validate", True), "two": ("validate", True), "seven": ("validate", False)}
        assert world.offsets() == Counter({(0, at): 1 for at in (0, 1, 2, 4, 5)})
        assert world.positions() == world.committed() == {0: 6}
        at += 1
    assert {"before load", "after load", "before merge", "after merge", "before drop"} <= set(places), places


@pytest.mark.parametrize("call", ["letters", "load", "merge", "merge executes", "merge commits", "drop"])
def test_two_redrives_at_once(call: str) -> None:
    """One is held anywhere, the other does its work; the first one wakes and finds nothing left, or the rest."""
    world = broken("one", "seven", "two")
    with in_step():
        held = Actor(world, letters=ALL, **NOW, batch_messages=2).until(call)
        other = Actor(world, letters=ALL, **NOW).finish()
        assert other.error is None or isinstance(other.error, MergeConflictError), other.error
        held.finish()
    assert held.error is None, held.error
    assert held.report is not None
    done = held.report.rows["inserted"] + (other.report.rows["inserted"] if other.report else 0)
    assert done == 2
    assert world.offsets() == Counter({(0, at): 1 for at in (0, 1, 2, 4, 5)})
    assert state(world) == {"one": ("validate", True), "two": ("validate", True), "seven": ("validate", False)}


def test_what_failed_again_is_not_read_twice_where_a_redrive_plans_anew() -> None:
    world = broken("seven", "one", "two")
    with in_step():
        held = Actor(world, letters=ALL, **NOW, batch_messages=1).until("merge", 2)
        Actor(world, letters=LetterSelection(limit=2), **NOW).finish()
        held.finish()
    assert held.error is None, held.error
    assert held.report is not None
    assert (held.report.messages, held.report.rows["dead_lettered"], held.report.rows["inserted"]) == (2, 1, 1)


def test_letters_that_somebody_deletes_meanwhile_become_no_rows() -> None:
    world = broken("one", "two")
    with in_step():
        held = Actor(world, letters=ALL, **NOW).until("merge")
        world.database.delete(TABLE.companion("dead_letters"), lambda row: row["_kafka_key"] == b"one")
        held.finish()
    assert held.error is None, held.error
    assert {row["id"] for row in world.rows()} == {"0-0", "0-2", "two"}


@pytest.mark.parametrize("call", ["merge", "merge executes", "merge commits"])
def test_a_live_run_beside_it_neither_loses_nor_repeats(call: str) -> None:
    world = broken("one")
    world.fill(3)
    with in_step():
        held = Actor(world, letters=ALL, **NOW).until(call)
        live = Actor(world, **STRICT).finish()
        held.finish()
        if live.error is not None:
            assert isinstance(live.error, MergeConflictError)
            live = Actor(world, **STRICT).finish()
    assert (held.error, live.error) == (None, None)
    assert world.positions() == world.committed() == {0: 5}
    assert world.offsets() == Counter({(0, at): 1 for at in range(5)})
    assert world.covered() == {0: (0, 5)}
