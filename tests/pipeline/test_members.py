"""Members that die at any effect, and strangers in their group."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_kafka_bq.exceptions import GroupInUseError
from tests.pipeline.world import GROUP, TOPIC, UPDATE, Order, World

JOINS: dict[str, Any] = {"assignment": "subscribe", "start": "earliest", "model": Order}


@pytest.mark.parametrize(
    "settings", [JOINS, {**JOINS, **UPDATE}, {**JOINS, "merge_per": "run"}], ids=["rows", "update", "run"]
)
def test_killed_at_any_effect_the_next_member_restores_all(settings: dict[str, Any]) -> None:
    """I1 to I4: a member that dies stays in the group until its session ends."""
    at = 0
    while True:
        world = World(2)
        world.fill(5, 0)
        world.fill(2, 1)
        where = world.kill(at, batch_messages=3, **settings)
        if where is None:
            break
        world.end_sessions()
        world.run(batch_messages=3, **settings)
        assert world.offsets() == {**{(0, n): 1 for n in range(5)}, **{(1, n): 1 for n in range(2)}}, where
        assert world.positions() == world.committed() == {0: 5, 1: 2}, where
        world.covered()
        at += 1
    assert at > 12


def test_a_stranger_may_read_this_topic_beside_us_and_no_other() -> None:
    world = World(2)
    world.cluster.members.join(GROUP, "stranger", TOPIC)
    world.cluster.members.leave(GROUP, "stranger")
    world.cluster.create_topic("other")
    world.cluster.members.join(GROUP, "stranger", "other")
    with pytest.raises(GroupInUseError, match="which reads other"):
        world.run(**JOINS)
