"""A group's lag from Kafka alone, and when it is enough."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.operations.group_lag import Measured, Threshold, measure
from tests.pipeline.world import TOPIC, World


def test_what_is_unread_and_not_told_of_counts() -> None:
    world = World(2)
    world.fill(5, 0)
    world.fill(3, 1)
    world.commit({0: 2})
    world.clock.advance(60)
    found = measure(world.source(), world.clock(), {}, times=True)
    assert found == Measured(6, 60.0, {0: 5, 1: 3})
    assert measure(world.source(), world.clock(), {0: 4, 1: 3}, times=False) == Measured(1, None, {0: 5, 1: 3})
    assert measure(world.source(), world.clock(), found.ends, times=True) == Measured(0, None, {0: 5, 1: 3})


def test_partitions_that_are_added_and_topics_that_are_created_again_count_from_their_start() -> None:
    world = World(1)
    world.fill(5)
    source = world.source()
    assert measure(source, world.clock(), {0: 5}, times=False).lag == 0
    world.cluster.add_partitions(TOPIC, 2)
    world.fill(2, 1)
    assert measure(source, world.clock(), {0: 5}, times=False).lag == 2
    world.cluster.delete_topic(TOPIC)
    world.cluster.create_topic(TOPIC, 1)
    world.fill(3)
    assert measure(source, world.clock(), {0: 5, 1: 2}, times=False).lag == 3


@pytest.mark.parametrize(
    ("threshold", "lag", "age", "reached"),
    [
        (Threshold(lag=5), 4, 99.0, False),
        (Threshold(lag=5), 5, None, True),
        (Threshold(age_seconds=60), 1, 59.0, False),
        (Threshold(age_seconds=60), 1, 60.0, True),
        (Threshold(age_seconds=60), 1, None, False),
        (Threshold(lag=5, age_seconds=60), 1, 61.0, True),
        (Threshold(lag=5, age_seconds=60), 6, 1.0, True),
        (Threshold(age_seconds=60), 0, 99.0, False),
    ],
)
def test_when_it_is_enough(threshold: Threshold, lag: int, age: float | None, reached: bool) -> None:
    assert threshold.is_reached(Measured(lag, age, {})) == reached


@pytest.mark.parametrize("wrong", [{}, {"lag": 0}, {"age_seconds": -1}, {"lag": True}, {"age_seconds": "60"}])
def test_a_threshold_that_means_nothing_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"min_lag|min_age_seconds"):
        Threshold(**wrong)
