"""A window becomes one range for each partition, clipped to what the topic holds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from airflow_kafka_bq.batch import Gap
from airflow_kafka_bq.exceptions import ConfigError, NotFoundError
from airflow_kafka_bq.pipeline.plan import look, plan
from airflow_kafka_bq.pipeline.window import check_window, window_ranges
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


def check(world: World, start: Any, end: Any, **settings: Any) -> None:
    job = world.job(window={"from": start, "to": end}, **settings)
    seen = look(job.config, job.source, job.warehouse, job.target)
    check_window(job.config, plan(job.config, job.source, job.target, seen), world.clock())


def test_what_begins_where_nothing_can_be_is_refused() -> None:
    world = World(2)
    world.fill(3, 0)
    later = world.clock() + timedelta(days=1)
    for start, said in (
        ({0: 4, 1: 1}, "partition 0 ends at 3, and 'from' is 4; partition 1 ends at 0, and 'from' is 1"),
        (later, "lies in the future"),
    ):
        with pytest.raises(ConfigError, match=said):
            check(world, start, start if isinstance(start, dict) else later + timedelta(days=1))
    with pytest.raises(ConfigError, match="ends at 0") as raised:
        check(world, {1: 1}, {1: 2})
    assert (raised.value.partition, raised.value.offset) == (1, 1)


def test_what_may_have_something_is_not_refused() -> None:
    """The end itself; a part of the partitions; a time to come that a producer's clock has reached."""
    world = World(2)
    world.fill(3, 0)
    check(world, {0: 3}, {0: 9})
    check(world, {0: 1, 1: 7}, {0: 9, 1: 9})
    later = world.clock() + timedelta(days=1)
    world.send({"n": 1}, timestamp_ms=int(later.timestamp() * 1000) + 1)
    check(world, later, later + timedelta(days=1))
