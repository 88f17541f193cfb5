"""Names of jobs and tables: the same work finds itself again, and nothing else is taken for it."""

from __future__ import annotations

from fnmatch import filter as matching
from typing import Any

import pytest

from airflow_kafka_bq.batch import Position
from airflow_kafka_bq.exceptions import CostLimitError, WarehouseUnavailableError
from airflow_kafka_bq.testing.memory import Fate
from tests.pipeline.actors import Actor, in_step
from tests.pipeline.world import KEEP, TABLE, World


def _jobs(world: World, kind: str) -> list[str]:
    return matching(world.database.jobs.by_id, f"kafka-bq-{kind}-*")


def _world(rows: int = 3) -> World:
    world = World(1)
    world.fill(rows)
    return world


def _all(world: World, end: int) -> None:
    assert world.offsets() == {(0, offset): 1 for offset in range(end)}


@pytest.mark.parametrize("kind", ["load", "merge"])
def test_a_time_out_starts_no_second_job_for_the_same_work(kind: str) -> None:
    world = _world()
    world.database.script(f"kafka-bq-{kind}-*", Fate.SLOW, seconds=40)
    for _ in range(2):
        with pytest.raises(WarehouseUnavailableError):
            world.run()
    assert len(_jobs(world, kind)) == 1
    world.clock.advance(41)
    world.run()
    assert len(_jobs(world, kind)) == 1
    _all(world, 3)


def test_without_a_ledger_a_merge_that_runs_on_is_waited_for() -> None:
    """Nothing fences the two: a second MERGE beside it would insert all rows again."""
    world = _world()
    world.database.script("kafka-bq-merge-*", Fate.SLOW, seconds=40)
    for _ in range(2):
        with pytest.raises(WarehouseUnavailableError):
            world.run(fence="none")
    world.clock.advance(41)
    world.run(fence="none")
    _all(world, 3)


def test_without_a_ledger_a_replay_on_purpose_is_not_mistaken_for_a_retry() -> None:
    world = _world()
    world.run(fence="none")
    world.database.delete(TABLE, lambda row: row["_kafka_offset"] == 1)
    world.commit({0: 0})
    report = world.run(fence="none")
    assert report.rows["inserted"] == 1
    _all(world, 3)


def test_with_every_table_dropped_the_same_messages_come_again() -> None:
    """All names are those of the first life, and BigQuery still has its jobs."""
    world = _world()
    for _ in range(3):
        world.run(batch_messages=2)
        _all(world, 3)
        for table in [TABLE, *(TABLE.companion(name) for name in ("ledger", "batches", "dead_letters"))]:
            world.database.drop_table(table)
        world.commit({0: 0})


def test_a_seek_back_applies_the_same_batch_again() -> None:
    """The ledger still names it as the last batch; its positions say that it is to come."""
    world = _world()
    world.run()
    world.database.delete(TABLE, lambda _row: True)
    target, row = world.target(world.config()), world.ledger()
    back = type(row)(**{**_fields(row), "positions": {0: Position(0)}})
    assert world.warehouse().place(target, back)
    world.commit({0: 0})
    world.run()
    _all(world, 3)


def test_a_writer_that_was_overtaken_does_not_set_the_group_back() -> None:
    """Its job was sent by a twin before, and another run has gone on from there: what it knows of positions is old."""
    world = _world()
    with in_step():
        slow = Actor(world).until("merge")
        world.run()
        world.fill(2)
        world.run()
        assert world.committed() == {0: 5}
        slow.finish()
    assert slow.error is None
    assert world.committed() == {0: 5}
    _all(world, 5)


def test_a_seek_back_under_a_twin_of_the_last_batch_is_obeyed() -> None:
    world = _world()
    with in_step():
        twin = Actor(world).until("merge")
        world.run()
        world.database.delete(TABLE, lambda _row: True)
        row = world.ledger()
        world.warehouse().place(
            world.target(world.config()), type(row)(**{**_fields(row), "positions": {0: Position(0)}})
        )
        world.commit({0: 0})
        twin.finish()
    assert twin.error is None
    world.run()
    _all(world, 3)


@pytest.mark.parametrize("kind", ["load", "merge"])
def test_a_job_that_failed_is_stepped_over_by_the_next_run(kind: str) -> None:
    world = _world()
    world.database.script(f"kafka-bq-{kind}-*", Fate.AGAIN, times=3)
    world.run()
    other = _world()
    other.database.script(f"kafka-bq-{kind}-*", Fate.REJECTED)
    with pytest.raises(Exception, match="notImplemented"):
        other.run()
    other.run()
    for each in (world, other):
        _all(each, 3)


@pytest.mark.parametrize("change", ["other settings", "other rows", "more messages"])
def test_what_was_staged_from_something_else_is_not_merged(change: str) -> None:
    world = _world()
    with in_step():
        dead = Actor(world, **KEEP).until("merge")
        dead.kill()
    settings: dict[str, Any] = dict(KEEP)
    if change == "other settings":
        settings["unknown_fields"] = "dead_letter"
    elif change == "other rows":
        log = world.cluster.log("shop.orders", 0)
        log.records[1:2] = []  # compaction
    else:
        world.fill(1)
    world.run(**settings)
    found = sorted(row["_kafka_offset"] for row in world.rows())
    assert found == {"other settings": [0, 1, 2], "other rows": [0, 2], "more messages": [0, 1, 2, 3]}[change]


def test_a_merge_over_its_limit_is_not_sent() -> None:
    world = _world()
    with pytest.raises(CostLimitError, match="allowed are 1"):
        world.run(max_bytes_billed=1)
    assert _jobs(world, "merge") == []
    assert (world.rows(), world.committed()) == ([], {})


def _fields(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in type(row).__dataclass_fields__}
