"""Starts: ledger, else committed, else ``start``; partition by partition."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from airflow_kafka_bq.batch import Committed, Position
from airflow_kafka_bq.exceptions import ConfigError, PositionConflictError
from airflow_kafka_bq.pipeline.plan import look
from airflow_kafka_bq.pipeline.starts import ahead, starts_of
from tests.pipeline.world import GROUP, World

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
NEW_YEAR_MS = int(NEW_YEAR.timestamp() * 1000)


def starts(world: World, **settings: Any) -> dict[int, int]:
    job = world.job(**settings)
    seen = look(job.config, job.source, job.warehouse, job.target)
    return {part: at.next_offset for part, at in starts_of(job.config, job.source, seen, GROUP).items()}


def filled() -> World:
    """Five messages in partition 0, a second apart; three in partition 1; the first two of partition 0 are gone."""
    world = World(2)
    for number in range(5):
        world.send({"n": number}, 0, timestamp_ms=NEW_YEAR_MS + 1000 * number)
    for number in range(3):
        world.send({"n": number}, 1, timestamp_ms=NEW_YEAR_MS + 1000 * number)
    world.cluster.delete_records("shop.orders", 0, 2)
    return world


@pytest.mark.parametrize(
    ("start", "wanted"),
    [
        ("auto", {0: 2, 1: 0}),
        ("earliest", {0: 2, 1: 0}),
        ("latest", {0: 5, 1: 3}),
        (NEW_YEAR + timedelta(seconds=3), {0: 3, 1: 3}),
        (NEW_YEAR - timedelta(seconds=9), {0: 2, 1: 0}),
        ({0: 4, 1: 3}, {0: 4, 1: 3}),
    ],
)
def test_start_decides_where_nothing_is_known(start: Any, wanted: dict[int, int]) -> None:
    assert starts(filled(), start=start) == wanted


@pytest.mark.parametrize("start", ["earliest", "latest", "fail", {0: 4, 1: 3}])
def test_what_is_known_wins_over_start(start: Any) -> None:
    world = filled()
    world.commit({0: 3, 1: 1})
    assert starts(world, start=start) == {0: 3, 1: 1}
    world.run(start=start)
    world.commit({0: 2, 1: 0})
    assert starts(world, start=start) == {0: 5, 1: 3}


def test_latest_is_in_front_of_an_open_transaction() -> None:
    """What it holds is not there yet, and would be lost behind the high watermark."""
    world = World(1)
    world.fill(2)
    world.cluster.transaction().produce("shop.orders", b"{}", partition=0)
    assert starts(world, start="latest") == {0: 2}


def test_start_decides_for_partitions_that_the_group_does_not_know() -> None:
    world = filled()
    world.commit({0: 3})
    assert starts(world, start="latest") == {0: 3, 1: 3}


@pytest.mark.parametrize(
    ("start", "error", "said"),
    [
        ("fail", PositionConflictError, "no position is known for partitions [0, 1], and start='fail'"),
        ({0: 4}, ConfigError, "start names no offset for partitions [1]"),
        ({0: 6, 1: 0}, ConfigError, "start: offset 6 lies beyond the end 5"),
    ],
)
def test_a_start_that_cannot_be_is_named(start: Any, error: type[Exception], said: str) -> None:
    with pytest.raises(error) as caught:
        starts(filled(), start=start)
    assert said in str(caught.value)


def test_auto_refuses_to_double_rows() -> None:
    world = filled()
    world.run(fence="none")
    world.cluster.groups.expire(GROUP)
    with pytest.raises(PositionConflictError, match="already has rows") as caught:
        starts(world)
    assert "migrate-group --adopt" in (caught.value.remedy or "")
    assert starts(world, start="earliest") == {0: 2, 1: 0}


def test_auto_says_how_to_begin_behind_a_window() -> None:
    """A replay before the first live run leaves rows and no position; the rows have coordinates."""
    world = filled()
    world.run(window={"from": {0: 2}, "to": {0: 4}})
    with pytest.raises(PositionConflictError, match="already has rows") as caught:
        world.run()
    assert "start=earliest doubles nothing" in (caught.value.remedy or "")
    world.run(start="earliest")
    assert len(world.rows()) == len({(row["_kafka_partition"], row["_kafka_offset"]) for row in world.rows()}) > 3
    world.run()  # the position is known now


def test_a_group_ahead_of_the_ledger_is_a_conflict_that_names_seek() -> None:
    world = filled()
    world.run(max_messages=2)
    behind = world.positions()
    world.commit({0: 5, 1: 3})
    with pytest.raises(PositionConflictError) as caught:
        starts(world)
    assert caught.value.offset == {0: 5, 1: 3}[caught.value.partition or 0]
    assert "kafka-bq seek" in (caught.value.remedy or "")
    assert starts(world, window={"from": {0: 0}, "to": {0: 1}}) == behind  # no window moves a position


def test_ahead_is_told_of_known_partitions_only() -> None:
    world = filled()
    world.run()
    row = world.ledger()
    committed = {0: Committed(Position(6)), 1: Committed(Position(3)), 7: Committed(Position(9))}
    assert ahead(committed, row) == [0]


def test_a_group_that_is_behind_is_logged_and_not_followed(caplog: pytest.LogCaptureFixture) -> None:
    world = filled()
    world.run()
    world.commit({1: 1})
    with caplog.at_level("INFO"):
        assert starts(world) == {0: 5, 1: 3}
    assert "committed offsets of partitions [1] are behind the ledger" in caplog.text
