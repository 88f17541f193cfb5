"""Interleavings with a name: what each rule of the protocol prevents, played out call by call."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from airflow_kafka_bq.exceptions import TargetChangedError, TransientError
from tests.pipeline.actors import Actor, in_step
from tests.pipeline.world import TABLE, TOPIC, Order, World


@pytest.fixture(autouse=True)
def _in_step() -> Iterator[None]:
    with in_step():
        yield


def _each_once(world: World, *ends: int) -> None:
    assert world.positions() == dict(enumerate(ends))
    assert world.offsets() == {(part, offset): 1 for part, end in enumerate(ends) for offset in range(end)}


# Staging


def test_a_writer_that_slept_past_the_expiry_of_its_staging_table_merges_nothing_from_an_empty_one() -> None:
    """Another run of the same batch makes the table anew, under the same name, before it finds the rows gone."""
    world = World(1)
    world.fill(3)
    sleeper = Actor(world).until("merge")
    world.clock.advance(timedelta(hours=73).total_seconds())
    waker = Actor(world).until("merge")
    sleeper.finish()
    assert isinstance(sleeper.error, TransientError)
    waker.finish()
    _each_once(world, 3)


def test_a_run_drops_its_staging_tables_and_leaves_those_of_others() -> None:
    world = World(1)
    world.fill(3)
    held = Actor(world, batch_messages=2).until("merge")
    theirs = world.staging()
    assert theirs != []
    world.send(b"{")
    world.run(max_bad_ratio=None)
    assert world.staging() == theirs
    held.kill()


def test_a_row_that_only_the_merge_rejects_is_looked_for_by_two_runs_of_one_batch() -> None:
    """The faster one drops what both had staged, while the other looks for the row."""
    world = World(1)
    world.fill(4)
    world.database.reject_rows(lambda row: "no" if row["n"] == 2 else None)
    slower = Actor(world, model=Order).until("probe", nth=2)
    Actor(world, model=Order).finish()
    slower.finish()
    assert slower.error is None
    assert world.positions() == {0: 4}
    assert world.offsets() == {(0, offset): 1 for offset in (0, 1, 3)}
    assert [row["_kafka_offset"] for row in world.letters()] == [2]


# First runs


def test_of_two_first_runs_with_other_starts_the_second_takes_the_start_of_the_first() -> None:
    world = World(1)
    world.fill(2)
    slow = Actor(world, start="latest").until("register")
    world.fill(2)
    fast = Actor(world, start="earliest").finish()
    assert fast.error is None
    assert slow.finish().error is None
    _each_once(world, 4)


def test_of_two_first_runs_across_a_topic_that_was_created_again_the_second_plans_anew() -> None:
    world = World(1)
    world.fill(5)
    slow = Actor(world).until("register")
    world.cluster.delete_topic(TOPIC)
    world.topic_id = world.cluster.create_topic(TOPIC, 1)
    fast = Actor(world).until("merge")
    world.fill(2)
    assert slow.finish().error is None
    assert fast.finish().error is None
    assert world.ledger().topic_id == world.topic_id
    _each_once(world, 2)


def test_a_window_and_a_live_task_both_run_for_the_first_time() -> None:
    """Whichever registers first: the window never takes the start away, the live task never waits for it."""
    for first, call in (("window", "merge commits"), ("live", "merge commits"), ("window", "merge"), ("live", "merge")):
        world = World(1)
        world.fill(4)
        settings = {"window": {"from": {0: 1}, "to": {0: 3}}} if first == "window" else {"start": "earliest"}
        other = {"start": "earliest"} if first == "window" else {"window": {"from": {0: 1}, "to": {0: 3}}}
        held = Actor(world, **settings).until(call)
        beside = Actor(world, **other).finish()
        held.finish()
        for actor in (held, beside):
            assert actor.error is None or isinstance(actor.error, TransientError), actor.error
        world.run(start="earliest")
        _each_once(world, 4)


# Identity


def test_a_cluster_that_begins_to_tell_topic_ids_is_believed_once_and_then_held_to_it() -> None:
    world = World(1)
    world.fill(3)
    world.cluster.tells_identities = False
    world.run(batch_messages=1)
    assert world.ledger().topic_id is None
    world.cluster.tells_identities = True
    world.fill(8)
    assert world.run(batch_messages=1).batches == 8
    assert world.ledger().topic_id == world.topic_id
    _each_once(world, 11)


def test_a_cluster_that_no_longer_tells_topic_ids_does_not_look_like_another_writer() -> None:
    world = World(1)
    world.fill(3)
    world.run()
    world.cluster.tells_identities = False
    world.fill(8)
    report = world.run(batch_messages=1)
    assert (report.batches, report.messages) == (8, 8)
    assert world.ledger().topic_id == world.topic_id
    _each_once(world, 11)


@pytest.mark.parametrize("call", ["load", "merge", "merge executes"])
def test_a_target_created_again_under_a_run_is_found_by_the_next_one_at_the_latest(call: str) -> None:
    world = World(1)
    world.fill(3)
    world.run()
    world.fill(3)
    writer = Actor(world).until(call)
    columns = world.database.tables.get(TABLE).columns
    world.database.drop_table(TABLE)
    world.database.create_table(TABLE, columns)
    writer.finish()
    assert writer.error is None or isinstance(writer.error, TargetChangedError | TransientError)
    with pytest.raises(TargetChangedError, match="re-created"):
        world.run()


# Two live writers


@pytest.mark.parametrize("theirs", [1, 2, 4, 6])
@pytest.mark.parametrize("call", ["merge", "merge executes", "merge commits"])
def test_a_writer_that_wakes_behind_another_one_plans_anew(call: str, theirs: int) -> None:
    """What it holds starts where the ledger no longer is: merged, it would move the position back, or over a hole."""
    world = World(1)
    world.fill(8)
    sleeper = Actor(world, batch_messages=3).until(call)
    other = Actor(world, batch_messages=theirs, max_messages=theirs).finish()
    world.clock.advance(50)  # the sleeper's job, if one runs, ends by itself
    sleeper.finish()
    assert sleeper.error is None
    assert other.error is None or isinstance(other.error, TransientError)
    assert world.covered() == {0: (0, 8)}
    assert world.committed() == {0: 8}
    _each_once(world, 8)


def test_a_batch_of_an_earlier_topic_is_not_merged_for_the_one_that_was_accepted_since() -> None:
    """Both begin at 0: only the topic's id tells that the batch is of other messages."""
    world = World(1)
    world.fill(3)
    sleeper = Actor(world).until("merge")
    world.cluster.delete_topic(TOPIC)
    world.topic_id = world.cluster.create_topic(TOPIC, 1)
    world.clock.advance(60)
    world.fill(2)
    accepted = replace(world.ledger(), topic_id=world.topic_id)
    assert world.warehouse().place(world.target(world.config()), accepted)
    sleeper.finish()
    assert sleeper.error is None
    _each_once(world, 2)


def test_a_job_of_an_earlier_life_of_all_tables_is_not_believed_either_when_the_ledger_moved() -> None:
    world = World(1)
    world.fill(3)
    world.run()
    for table in [TABLE, *(TABLE.companion(name) for name in ("ledger", "batches", "dead_letters"))]:
        world.database.drop_table(table)
    world.commit({0: 0})
    second = Actor(world).until("merge")
    world.run(window={"from": {0: 0}, "to": {0: 1}})
    second.finish()
    assert second.error is None
    assert second.report is not None
    assert second.report.batches == 1
    _each_once(world, 3)


def test_a_writer_that_slept_past_the_expiry_before_it_loaded_makes_the_table_anew() -> None:
    world = World(1)
    world.fill(3)
    sleeper = Actor(world).until("load")  # the expiry is chosen by now
    world.clock.advance(timedelta(hours=73).total_seconds())
    sleeper.finish()
    assert sleeper.error is None
    _each_once(world, 3)


def test_bounds_of_a_run_count_what_it_did_before_it_planned_anew() -> None:
    world = World(1)
    world.fill(12)
    bounded = Actor(world, batch_messages=2, max_messages=5).until("merge", 2)
    Actor(world, batch_messages=3, max_messages=3).finish()
    bounded.finish()
    assert bounded.error is None
    assert bounded.report is not None
    assert (str(bounded.report.outcome), bounded.report.messages) == ("limit", 5)
    _each_once(world, 8)
