"""Lag: what is unread, how old it is, and how long it stays; from what Kafka and the ledger say, changing neither."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from airflow_kafka_bq.operations.lag import lag_of
from airflow_kafka_bq.testing.memory.kafka import WEEK_MS
from tests.pipeline.world import World

HOUR = timedelta(hours=1)


def partitions(world: World, **settings: Any) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = lag_of(world.job(**settings))["partitions"]
    return found


def ms(world: World, age: timedelta) -> int:
    return int((world.clock() - age).timestamp() * 1000)


def test_lag_is_end_minus_position() -> None:
    world = World(2)
    world.fill(4, 0)
    world.run()
    world.fill(3, 0)
    world.fill(1, 1)
    found = lag_of(world.job())
    assert {part: line["lag"] for part, line in found["partitions"].items()} == {"0": 3, "1": 1}
    assert (found["lag"], found["revision"], found["pipeline"]) == (4, 1, "memory/shop.orders")


def test_the_ledger_decides_and_the_group_is_shown_beside_it() -> None:
    world = World(1)
    world.fill(4)
    world.run()
    world.commit({0: 1})
    line = partitions(world)["0"]
    assert (line["position"], line["committed"], line["lag"]) == (4, 1, 0)


def test_without_a_ledger_the_group_decides() -> None:
    world = World(2)
    world.fill(4, 0)
    world.commit({0: 3})
    for settings in ({}, {"fence": "none"}):
        line = partitions(world, **settings)["0"]
        assert (line["position"], line["lag"]) == (3, 1)


def test_a_partition_that_was_added_since_is_unread_from_its_beginning() -> None:
    world = World(1)
    world.fill(1, 0)
    world.run()
    world.cluster.add_partitions("shop.orders", 2)
    world.fill(2, 1)
    line = partitions(world)["1"]
    assert (line["position"], line["lag"]) == (0, 2)


def test_what_retention_took_is_no_lag() -> None:
    world = World(1)
    world.run()
    world.fill(6)
    world.cluster.delete_records("shop.orders", 0, 4)
    line = partitions(world)["0"]
    assert (line["position"], line["log_start"], line["lag"]) == (0, 4, 2)
    assert line["oldest_unread"] is not None


def test_what_is_behind_an_open_transaction_is_no_lag_yet() -> None:
    world = World(1)
    world.fill(2)
    world.cluster.transaction().produce("shop.orders", b"{}", partition=0)
    line = partitions(world)["0"]
    assert (line["lag"], line["end"], line["high_watermark"]) == (2, 2, 3)


def test_the_oldest_is_the_first_one_of_each_partition() -> None:
    """Each answer of a broker brings many messages: the last one's age would be a calm lie."""
    world = World(2)
    for part, first in ((0, 5 * HOUR), (1, 3 * HOUR)):
        for number in range(50):
            world.send({"n": number}, part, timestamp_ms=ms(world, first - number * timedelta(minutes=1)))
    for name, hours in (("0", 5), ("1", 3)):
        line = partitions(world)[name]
        age = world.clock() - datetime.fromisoformat(line["oldest_unread"])
        assert hours * HOUR <= age < hours * HOUR + timedelta(seconds=30)
        left = WEEK_MS / 1000 - hours * 3600
        assert left - 30 < line["retention_takes_it_in_seconds"] <= left


def test_a_timestamp_that_no_calendar_holds_has_no_age() -> None:
    world = World(1)
    world.send({"n": 1}, timestamp_ms=10**17)
    line = partitions(world)["0"]
    assert (line["lag"], line["oldest_unread"], line["retention_takes_it_in_seconds"]) == (1, None, None)


@pytest.mark.parametrize("timestamp_ms", [None, -(10**17)])
def test_a_message_without_a_time_is_as_old_as_the_next_one(timestamp_ms: int | None) -> None:
    world = World(1)
    world.send({"n": 1}, timestamp_ms=timestamp_ms)
    world.send({"n": 2}, timestamp_ms=ms(world, HOUR))
    line = partitions(world)["0"]
    assert (line["lag"], line["oldest_unread_seconds"]) == (2, 3600.0)


def test_how_long_an_open_transaction_has_been_in_the_way() -> None:
    world = World(2)
    world.fill(2)
    world.cluster.transaction().produce("shop.orders", b"{}", partition=0)
    world.clock.advance(90)
    found = partitions(world)
    assert (found["0"]["open_transaction_seconds"], found["1"]["open_transaction_seconds"]) == (90.0, None)


def test_what_arrives_each_second_is_that_of_the_last_ten_minutes() -> None:
    world = World(2)
    world.fill(50, 0)
    world.clock.advance(1200)
    world.fill(60, 0)
    world.fill(30, 1)
    found = lag_of(world.job())
    assert [one["messages_per_second"] for one in found["partitions"].values()] == [0.1, 0.05]
    assert (found["messages_per_second"], found["oldest_unread_seconds"]) == (0.15, 1200.0)


def test_nothing_is_read_joined_or_committed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Admin calls alone: a source whose fetching and committing raise."""
    world = World(1)
    world.fill(3)
    source = world.source()
    for call in ("open", "poll", "commit"):
        monkeypatch.setattr(source, call, None)
    assert lag_of(world.job(source=source))["partitions"]["0"]["oldest_unread"] is not None


def test_a_cluster_without_an_index_of_times_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(1)
    world.fill(3)
    source = world.source()
    monkeypatch.setattr(source, "times_at", lambda _: {})
    found = lag_of(world.job(source=source))
    assert (found["lag"], found["unchecked"], found["partitions"]["0"]["oldest_unread_seconds"]) == (3, ["times"], None)


@pytest.mark.parametrize("retention_ms", [-1, None])
def test_what_is_kept_for_ever_or_not_known_has_no_end(
    retention_ms: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(1)
    world.send({"n": 1}, timestamp_ms=ms(world, HOUR))
    source = world.source()
    monkeypatch.setattr(source, "retention_ms", lambda: retention_ms)
    line = lag_of(world.job(source=source))["partitions"]["0"]
    assert line["oldest_unread"] is not None
    assert line["retention_takes_it_in_seconds"] is None
