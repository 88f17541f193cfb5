"""Runs that are members of their group, call by call: shares, zombies, evictions, and who ends when."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from airflow_kafka_bq.batch import Bounds, Outcome, PartitionPlan, Position, RunPlan, TopicFacts
from airflow_kafka_bq.batch import Kind as BatchKind
from airflow_kafka_bq.exceptions import PartitionsLostError, StalledError
from airflow_kafka_bq.pipeline.head import Spent
from airflow_kafka_bq.pipeline.membership import Turns, is_reached, narrowed
from airflow_kafka_bq.testing.memory import MemoryMemberSource
from tests.pipeline.actors import Actor, in_step
from tests.pipeline.world import GROUP, TOPIC, Order, World

JOINS: dict[str, Any] = {"assignment": "subscribe", "start": "earliest", "model": Order}


@pytest.fixture(autouse=True)
def stepped() -> Iterator[None]:
    with in_step():
        yield


@pytest.fixture
def world() -> World:
    made = World(2)
    made.fill(6, 0)
    made.fill(6, 1)
    return made


def member(world: World, **settings: Any) -> Actor:
    return Actor(world, **{**JOINS, "batch_messages": 4, **settings})


def check(world: World, upto: int = 6) -> None:
    """I1, I2 and I3: everything once, the group where the ledger is."""
    assert world.offsets() == {(part, offset): 1 for part in (0, 1) for offset in range(upto)}
    assert world.positions() == {0: upto, 1: upto}
    world.covered()
    assert all(at <= world.positions()[part] for part, at in world.committed().items())


def test_a_plan_is_narrowed_to_the_share_and_the_first_ends() -> None:
    bounds = Bounds(0, 9, 9)
    parts = {part: PartitionPlan(part, part, 9, None, bounds, None) for part in range(3)}
    positions = {part: Position(part) for part in range(3)}
    plan = RunPlan(TopicFacts("t", (0, 1, 2), None, None), "p", BatchKind.LIVE, parts, 5, positions)
    found = narrowed(plan, frozenset({0, 1, 2}), {0: 4, 1: 0})
    assert {part: (one.start_offset, one.end_offset) for part, one in found.partitions.items()} == {
        0: (0, 4),
        1: (1, 1),
    }
    assert (found.positions, found.shared, plan.shared) == ({0: Position(0), 1: Position(1)}, True, False)
    assert found.unchecked == ("log_truncation",)
    assert not is_reached(positions, {0: 0, 1: 2})
    assert is_reached(positions, {0: 0, 2: 2})
    assert not is_reached({}, {0: 0})


def test_one_member_reads_all_of_it_and_leaves(world: World) -> None:
    report = world.run(**JOINS)
    check(world)
    assert (report.outcome, report.messages, report.committed) == (Outcome.END, 12, True)
    assert world.committed() == world.positions()
    assert world.cluster.groups.members(GROUP) == ()
    assert "log_truncation" in report.unchecked


def test_a_window_and_an_assigned_run_join_nothing(world: World) -> None:
    assert world.job(**JOINS).member is not None
    assert world.job(model=Order).member is None
    assert world.job(**JOINS, window={"from": {0: 0}, "to": {0: 1}}).member is None


def test_a_rebalance_in_mid_batch_drops_what_is_not_merged_and_both_end_together(world: World) -> None:
    first = member(world).until("merge")
    second = member(world)
    second.until("ledger", 3)  # it is in the group
    assert len(world.cluster.members.of(GROUP)) == 2
    first.step(60)
    assert not first.ended
    second.finish()
    first.finish()
    check(world)
    assert first.report is not None
    assert second.report is not None
    assert (first.report.outcome, second.report.outcome) == (Outcome.END, Outcome.END)
    assert first.report.messages + second.report.messages == 12
    assert {part for part, one in first.report.partitions.items() if one["end"]} | {1} == {0, 1}


def test_members_move_their_own_partitions_only(world: World) -> None:
    """Both have staged at one revision; the second to merge takes what the first one moved as it is."""
    first, second = member(world, batch_messages=6), member(world, batch_messages=6)
    first.until("poll")
    second.until("join")
    first.until("poll")
    second.step(2)
    first.until("merge executes")
    second.until("merge executes")
    for actor in (first, second):
        actor.finish()
    check(world)


def test_a_member_that_has_read_its_share_takes_over_from_one_that_died(world: World) -> None:
    first, second = member(world), member(world)
    second.until("poll")
    first.until("poll")
    first.kill()
    second.step(60)
    assert not second.ended
    assert second.at in {"ledger", "share"}
    assert world.positions() == {0: 0, 1: 6} or world.positions() == {0: 6, 1: 0}
    world.cluster.members.put_out(GROUP, world.cluster.members.of(GROUP)[1])
    second.finish()
    check(world)


def test_a_member_waits_no_longer_than_the_group_would_for_one_that_hangs(world: World) -> None:
    first, second = member(world), member(world)
    second.until("poll")
    first.until("poll")
    before = world.clock.monotonic()
    second.finish()
    assert isinstance(second.error, StalledError)
    assert second.error.partition is not None
    assert "member" in second.error.message
    assert 330 <= world.clock.monotonic() - before < 400
    first.kill()


def test_a_member_that_waits_ends_with_its_time(world: World) -> None:
    first, second = member(world), member(world, max_seconds=20)
    second.until("poll")
    first.until("poll")
    second.finish()
    assert second.report is not None
    assert second.report.outcome == Outcome.LIMIT
    first.finish()
    check(world)


def test_a_partition_that_does_not_move_ends_a_member_that_hears_well(world: World) -> None:
    """It polls and its heart-beats go on; its share would be read by nobody."""
    world.cluster.stall(TOPIC, 1)
    before = world.clock.monotonic()
    with pytest.raises(StalledError) as raised:
        world.run(**JOINS, stall_timeout_seconds=30)
    assert raised.value.partition == 1
    assert 30 <= world.clock.monotonic() - before < 60
    assert world.cluster.members.of(GROUP) == []


def test_who_is_put_out_merges_nothing_more(world: World) -> None:
    """Evicted in mid-batch: found out before the MERGE, named, and the next run begins where the ledger is."""
    late = member(world).until("holding")
    world.end_sessions()
    late.finish()
    assert isinstance(late.error, PartitionsLostError)
    assert (late.error.topic, late.error.group_id) == (TOPIC, GROUP)
    assert late.error.remedy
    assert "merge" not in late.calls
    assert world.committed() == {}
    world.run(**JOINS)
    check(world)


def test_the_coordinator_is_asked_before_each_merge(world: World) -> None:
    """Its word counts, whatever the member believes of itself."""
    late = member(world).until("commit")
    assert "merge" not in late.calls
    world.end_sessions()
    late.finish()
    assert isinstance(late.error, PartitionsLostError)
    assert "merge" not in late.calls


def test_put_out_between_merge_and_commit_the_rows_are_safe(world: World) -> None:
    late = member(world).until("merge commits")
    late.until("commit")
    world.end_sessions()
    before = world.committed()
    late.finish()
    assert isinstance(late.error, PartitionsLostError)
    assert late.error.report is not None
    assert late.error.report["committed"] is False
    assert world.committed() == before
    assert sum(world.positions().values()) == 4
    world.run(**JOINS)
    check(world)


def test_a_zombie_that_wakes_behind_its_check_changes_nothing(world: World) -> None:
    zombie = member(world).until("merge")
    world.end_sessions()
    world.run(**JOINS)
    check(world)
    zombie.finish()
    assert isinstance(zombie.error, PartitionsLostError)
    check(world)


def test_partitions_that_went_away_are_not_committed(world: World) -> None:
    first = member(world, batch_messages=12).until("merge commits")
    first.until("commit")
    second = member(world).until("share")  # it has joined, and partition 1 is its own
    first.step(2)
    assert world.committed() == {0: 6, 1: 0}
    second.finish()
    first.finish()
    check(world)


def test_the_ledger_decides_where_a_member_begins_whatever_the_group_has(world: World) -> None:
    world.run(**JOINS)
    world.commit({0: 9, 1: 2})  # what members of other programs were handed, and committed
    for part in (0, 1):
        world.fill(4, part)
    assert world.run(**JOINS).messages == 8
    check(world, 10)
    assert world.committed() == world.positions()


def test_ends_are_those_of_the_beginning_also_behind_a_rebalance(world: World) -> None:
    first = member(world).until("merge")
    world.fill(5, 0)
    second = member(world)
    second.until("join")
    world.fill(5, 1)
    second.step(3)
    second.kill()
    first.step(20)
    world.cluster.members.put_out(GROUP, world.cluster.members.of(GROUP)[1])
    first.finish()
    assert first.report is not None
    assert first.report.messages == 12
    assert world.positions() == {0: 6, 1: 6}
    assert world.run(**JOINS).messages == 10
    check(world, 11)


def test_who_is_interrupted_again_and_again_ends_by_name(world: World) -> None:
    job = world.job(**JOINS)
    turns = Turns(job, MemoryMemberSource(world.cluster, TOPIC, GROUP), Spent(0))
    for _ in range(4):
        turns.interrupted(0)
    world.clock.advance(31)
    turns.interrupted(1)  # a batch was applied meanwhile
    for _ in range(3):
        turns.interrupted(1)
    world.clock.advance(31)
    with pytest.raises(StalledError, match="5 times other members or rebalances took a batch away"):
        turns.interrupted(1)
