"""A window becomes one range for each partition, clipped to what the topic holds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from airflow_kafka_bq.batch import Gap
from airflow_kafka_bq.exceptions import NotFoundError
from airflow_kafka_bq.pipeline.window import window_ranges
from tests.pipeline.world import World

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


def ranges(world: World, start: Any, end: Any, **settings: Any) -> tuple[dict[int, tuple[int, int]], tuple[Gap, ...]]:
    config = world.config(window={"from": start, "to": end}, **settings)
    source = world.source()
    return window_ranges(config, source, source.bounds())


def hourly(count: int, partitions: int = 1) -> World:
    """A message an hour in each partition, from the new year on."""
    world = World(partitions)
    for number in range(count):
        at = int((NEW_YEAR + timedelta(hours=number)).timestamp() * 1000)
        for part in range(partitions):
            world.send({"n": number}, part, timestamp_ms=at)
    return world


def hour(number: float) -> str:
    return (NEW_YEAR + timedelta(hours=number)).isoformat()


@pytest.mark.parametrize(
    ("start", "end", "wanted"),
    [
        (hour(0), hour(1), (0, 1)),
        (hour(0.5), hour(2.5), (1, 3)),
        (hour(-9), hour(99), (0, 5)),
        (hour(9), hour(99), (5, 5)),
        (hour(-9), hour(-1), (0, 0)),
        ({0: 1}, {0: 4}, (1, 4)),
        ({0: 1}, {0: 400}, (1, 5)),
        ({0: 100}, {0: 400}, (100, 100)),
    ],
)
def test_the_first_is_in_and_the_last_is_out(start: Any, end: Any, wanted: tuple[int, int]) -> None:
    found, gaps = ranges(hourly(5), start, end)
    assert (found, gaps) == ({0: wanted}, ())


def test_times_are_looked_up_in_every_partition_and_offsets_in_those_that_are_named() -> None:
    world = hourly(4, partitions=3)
    assert ranges(world, hour(1), hour(2))[0] == {0: (1, 2), 1: (1, 2), 2: (1, 2)}
    assert ranges(world, hour(1), hour(2), partitions=[2])[0] == {2: (1, 2)}
    assert ranges(world, {1: 0}, {1: 2})[0] == {1: (0, 2)}
    with pytest.raises(NotFoundError, match=r"has no partitions \[5\]; it has 3") as caught:
        ranges(world, hour(1), hour(2), partitions=[2, 5])
    assert caught.value.partition == 5


@pytest.mark.parametrize(
    ("start", "end", "wanted", "gap"),
    [
        ({0: 0}, {0: 5}, (3, 5), Gap(0, 0, 3)),
        ({0: 0}, {0: 2}, (3, 3), Gap(0, 0, 2)),  # of the window's own range only
        ({0: 3}, {0: 5}, (3, 5), None),
        (hour(0), hour(5), (3, 5), Gap(0, 0, 3)),
        (hour(3), hour(5), (3, 5), Gap(0, 0, 3)),  # nobody can tell whether there were more of that hour
        (hour(3.5), hour(5), (4, 5), None),
    ],
)
def test_what_may_be_gone_of_a_window_is_a_gap(start: Any, end: Any, wanted: Any, gap: Gap | None) -> None:
    world = hourly(5)
    world.cluster.delete_records("shop.orders", 0, 3)
    found, gaps = ranges(world, start, end)
    assert (found, gaps) == ({0: wanted}, (gap,) if gap else ())


def test_open_transactions_are_left_out() -> None:
    world = hourly(2)
    world.cluster.transaction().produce("shop.orders", b"{}", partition=0)
    assert ranges(world, {0: 0}, {0: 3})[0] == {0: (0, 2)}


def test_a_partition_that_was_added_meanwhile_is_left_to_the_next_run() -> None:
    world = hourly(2)
    source = world.source()
    bounds = source.bounds()
    world.cluster.add_partitions("shop.orders", 2)
    config = world.config(window={"from": hour(0), "to": hour(9)})
    assert window_ranges(config, source, bounds)[0] == {0: (0, 2)}
