"""A person empties the ledger's row to start over: nothing of before may fill it again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from airflow_kafka_bq.exceptions import PositionConflictError
from airflow_kafka_bq.testing.memory import CommitFate
from tests.histories.hands import by_hand
from tests.pipeline.actors import Actor, in_step
from tests.pipeline.world import GROUP, TABLE, World


@pytest.fixture(autouse=True)
def _in_step() -> Iterator[None]:
    with in_step():
        yield


def _started_over(world: World) -> None:
    """The statements of docs/operations.md, after the table was dropped."""
    world.database.drop_table(TABLE)
    assert by_hand(world, positions=[], topic_id=None, target_created_at=None)
    world.cluster.groups.delete(GROUP)


def _all_there(world: World, end: int) -> None:
    world.run(start="earliest")
    assert world.positions() == {0: end}
    assert world.offsets() == {(0, offset): 1 for offset in range(end)}


@pytest.mark.parametrize("call", ["load", "merge", "merge executes"])
def test_a_run_that_was_overlooked_does_not_put_its_positions_back(call: str) -> None:
    world = World(1)
    world.fill(3)
    world.run()
    world.fill(3)
    overlooked = Actor(world, start="earliest").until(call)
    if call == "merge executes":
        world.clock.advance(60)  # its job ends: a statement by hand would wait for it
    _started_over(world)
    overlooked.finish()
    _all_there(world, 6)


def test_a_commit_of_before_that_arrives_late_is_not_where_reading_begins() -> None:
    world = World(1)
    world.fill(4)
    world.cluster.groups.fate_of_next(CommitFate.LATE)
    world.run()
    _started_over(world)
    world.cluster.groups.apply_late()
    assert world.committed() == {0: 4}
    _all_there(world, 4)
    assert world.committed() == {0: 4}


def test_a_commit_of_before_is_no_reset_of_the_group() -> None:
    world = World(1)
    world.fill(4)
    world.cluster.groups.fate_of_next(CommitFate.LATE)
    world.run()
    _started_over(world)
    world.run(start="earliest", max_messages=2)
    world.cluster.groups.apply_late()
    assert world.committed() == {0: 4}  # ahead of the ledger, by a run of before
    _all_there(world, 4)
    world.commit({0: 6})
    with pytest.raises(PositionConflictError):  # that was a person
        world.run()


def test_a_commit_of_ours_is_believed_where_the_ledger_is_lost() -> None:
    world = World(1)
    world.fill(3)
    world.run()
    world.database.drop_table(TABLE.companion("ledger"))
    world.fill(1)
    assert world.run(start="earliest").messages == 1
