"""What a plan rests on, and the order in which it is read."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_kafka_bq.exceptions import TopicChangedError
from airflow_kafka_bq.pipeline.plan import look
from airflow_kafka_bq.pipeline.seen import Seen
from tests.pipeline.actors import Actor, in_step
from tests.pipeline.world import TOPIC, World


def read(world: World, **settings: Any) -> tuple[Seen, list[str]]:
    calls: list[str] = []
    job = world.job(lambda name, phase: calls.append(name) if phase == "before" else None, **settings)
    return look(job.config, job.source, job.warehouse, job.target), calls


def test_committed_offsets_are_read_before_the_ledger_and_bounds_behind_it() -> None:
    """A writer moves the ledger, then commits: read the other way round, its commit would look like a reset. And bounds
    that are older than a position could end in front of it."""
    _, calls = read(World(1))
    assert calls == ["describe", "committed", "ledger", "group", "bounds", "table"]


@pytest.mark.parametrize(
    ("settings", "left_out"), [({"fence": "none"}, "ledger"), ({"window": {"from": {0: 0}, "to": {0: 1}}}, "group")]
)
def test_what_a_run_does_not_need_is_not_asked_for(settings: dict[str, Any], left_out: str) -> None:
    """Neither may every login describe a group, nor has every project room for a ledger."""
    seen, calls = read(World(1), **settings)
    assert left_out not in calls
    assert seen.ledger is None
    assert seen.group.members == ()


def test_what_contradicts_itself_is_read_once_more() -> None:
    world = World(1)
    world.fill(3)
    world.run()
    assert read(world)[1].count("committed") == 1
    world.commit({0: 9})
    assert read(world)[1].count("committed") == 2  # and no more: what is seen twice is a conflict


def _shrink(world: World) -> None:
    world.cluster.delete_topic(TOPIC)
    world.cluster.create_topic(TOPIC, 1)


def test_a_topic_that_shrinks_while_it_is_looked_at_is_looked_at_again() -> None:
    """Partitions of one topic and bounds of another are no plan."""
    world = World(2)
    world.fill(2)
    with in_step():
        held = Actor(world).until("bounds")
        _shrink(world)
        held.finish()
    assert held.error is None
    assert held.report is not None
    assert set(held.report.partitions) == {0}


def test_a_topic_that_shrinks_while_its_start_is_looked_up_is_another_one() -> None:
    world = World(2)
    world.fill(2)
    with in_step():
        held = Actor(world, start=world.clock().isoformat()).until("offsets_at")
        _shrink(world)
        held.finish()
    assert isinstance(held.error, TopicChangedError)
    assert held.error.partition == 1
