"""A topic that is deleted, or created again, while it is read: no batch is of two topics."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from airflow_kafka_bq.exceptions import StalledError, TopicChangedError
from tests.pipeline.world import TOPIC, Hook, World


def _filled(*, topic_ids: bool = True) -> World:
    world = World(1, topic_ids=topic_ids)
    world.fill(6)
    return world


def _at_poll(nth: int, happens: Callable[[], None], when: str = "before") -> Hook:
    count = 0

    def hook(name: str, phase: str) -> None:
        nonlocal count
        count += (name, phase) == ("poll", "before")
        if (name, phase, count) == ("poll", when, nth):
            happens()

    return hook


def _again(world: World, messages: int) -> Callable[[], None]:
    def happens() -> None:
        world.cluster.delete_topic(TOPIC)
        world.cluster.create_topic(TOPIC, 1)
        world.fill(messages)

    return happens


def test_what_was_read_of_two_topics_is_not_applied() -> None:
    """The new one is longer than the position: only its id tells, and only when it is asked for once more."""
    world = _filled()
    with pytest.raises(TopicChangedError, match="created again while it was read") as raised:
        world.run(_at_poll(3, _again(world, 9)), batch_messages=2)
    assert (raised.value.partition, raised.value.offset) == (0, 4)
    assert "offset 4 of partition 0" in str(raised.value)
    assert sorted(world.offsets()) == [(0, 0), (0, 1), (0, 2), (0, 3)]
    assert world.positions() == {0: 4}


def test_a_topic_that_is_gone_is_named_before_the_batch_is_applied() -> None:
    world = _filled()
    with pytest.raises(TopicChangedError, match="was deleted while it was read"):
        world.run(_at_poll(1, lambda: world.cluster.delete_topic(TOPIC), "after"))
    assert (world.rows(), world.positions()) == ([], {0: 0})


def test_silence_because_the_topic_is_gone_is_no_stall() -> None:
    world = _filled()
    with pytest.raises(TopicChangedError, match="was deleted while it was read") as raised:
        world.run(_at_poll(1, lambda: world.cluster.delete_topic(TOPIC)))
    assert (raised.value.partition, raised.value.offset) == (0, 0)


def test_silence_of_a_topic_that_is_there_is_a_stall() -> None:
    world = _filled()
    with pytest.raises(StalledError):
        world.run(_at_poll(1, lambda: world.cluster.stall(TOPIC, 0)))


def test_a_cluster_without_ids_is_not_asked_again() -> None:
    world = _filled(topic_ids=False)
    asked: list[str] = []
    world.run(lambda name, phase: asked.append(name) if phase == "before" else None, batch_messages=2)
    assert asked.count("describe") == 1
