"""Retention, lag and quotas against the schedule."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from airflow_kafka_bq.operations import keeping_up
from airflow_kafka_bq.operations.findings import Visit
from airflow_kafka_bq.operations.keeping_up import look_at_pace
from tests.pipeline.world import World

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def look(world: World, every: timedelta | None = HOUR, **settings: Any) -> Visit:
    found = Visit("orders.yaml", world.job(**settings))
    look_at_pace(found, every)
    return found


def told(found: Visit) -> list[tuple[str, str]]:
    return [(one.severity, one.what) for one in found.findings]


def test_retention_against_the_schedule() -> None:
    world = World(1)
    assert told(look(world, 2 * DAY)) == []
    (finding,) = look(world, 3 * DAY).findings
    assert (finding.severity, finding.why) == ("warning", "two runs that fail in a row lose messages")
    assert any("--every" in one for one in look(world, None).unchecked)


def test_one_partition_that_is_left_behind_is_named() -> None:
    world = World(2)
    world.fill(5, 0)
    world.fill(2, 1)
    world.run()
    world.fill(3, 1)
    world.clock.advance(3 * 3600 + 60)
    world.fill(4, 0)
    assert told(look(world)) == [
        ("warning", "the oldest of 3 unread messages of partition 1 waits for 3:01:00")
    ]  # fmt: skip
    assert told(look(world, None)) == [], "of a job whose schedule is not known, a day counts"
    world.clock.advance(86_401)
    assert len(told(look(world, None))) == 2


def test_what_retention_takes_before_the_run_after_next_is_an_error() -> None:
    world = World(1)
    world.fill(2)
    world.clock.advance(7 * 86_400 - 7_000)
    ((severity, what),) = told(look(world))
    assert (severity, what) == ("error", "retention takes 2 unread messages of partition 0 in 1:56:40")
    world.clock.advance(8_000)
    assert told(look(world))[0][1].endswith("any moment now")


def test_a_transaction_that_nobody_ends() -> None:
    world = World(1)
    transaction = world.cluster.transaction()
    transaction.produce("shop.orders", b"{}")
    assert told(look(world)) == []
    world.clock.advance(2 * 3600)
    assert told(look(world)) == [("warning", "an open transaction holds partition 0 back for 2:00:00")]
    transaction.abort()


def test_batches_of_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(1)
    world.fill(1)
    world.run()
    assert told(look(world)) == []
    monkeypatch.setattr(keeping_up, "MANY_BATCHES_A_DAY", 0)
    ((severity, what),) = told(look(world))
    assert (severity, what) == ("warning", "1 batches were applied to demo.analytics.orders in the last day")


@pytest.mark.parametrize(
    ("every", "severity", "expected"),
    [(timedelta(seconds=30), "warning", "2,880"), (timedelta(seconds=1), "error", "86,400")],
)
def test_a_schedule_that_comes_near_the_quota(every: timedelta, severity: str, expected: str) -> None:
    ((found, what),) = told(look(World(1), every))
    assert (found, what) == (
        severity, f"about {expected} batches a day are to be expected for demo.analytics.orders"
    )  # fmt: skip
    assert told(look(World(1), timedelta(minutes=1))) == []


def test_small_batches_of_a_busy_topic_come_near_it_too() -> None:
    world = World(1)
    world.clock.advance(3600)
    world.fill(6_000)
    world.clock.advance(1)
    assert told(look(world)) == []
    ((_, what),) = told(look(world, batch_messages=100))
    assert what.startswith("about 8,640 batches a day")
