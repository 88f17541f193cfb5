"""A batch that touches too many partitions of the target goes in parts; each moves the position over itself alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from unittest import mock

import pytest

from airflow_kafka_bq.pipeline import split as split_module
from airflow_kafka_bq.testing.memory.clock import milliseconds
from tests.pipeline.world import TOPIC, Assassin, World

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
SETTINGS: dict[str, Any] = {"on_gap": "record", "max_bad_ratio": None}


@pytest.fixture(autouse=True)
def _two_days_at_most() -> Iterator[None]:
    with mock.patch("airflow_kafka_bq.pipeline.reader.split", partial(split_module.split, most=2)):
        yield


def _world() -> World:
    """Eleven messages of two partitions on seven days, in turns, one in four broken, behind a gap."""
    world = World(2)
    world.fill(3, 1)
    world.run()
    world.fill(2, 1)
    world.cluster.delete_records(TOPIC, 1, 4)
    for n in range(10):
        stamp = milliseconds(NOON + timedelta(days=n * 3 % 7))
        world.send(b"{" if n % 4 == 3 else {"id": str(n), "n": n}, n % 2, timestamp_ms=stamp)
    return world


def test_every_part_is_small_enough_and_together_they_are_the_batch() -> None:
    world = _world()
    report = world.run(**SETTINGS)
    parts = world.history()[1:]
    assert len(parts) >= 4
    assert sum(row["messages"] for row in parts) == report.messages == 11
    assert [(gap.partition, gap.start_offset, gap.end_offset) for gap in report.gaps] == [(1, 3, 4)]
    assert world.covered() == {0: (0, 5), 1: (0, 10)}
    assert world.positions() == world.committed() == {0: 5, 1: 10}
    batches = {row["batch_id"] for row in parts}
    assert len(batches) == len(parts)
    for batch in {row["batch_id"] for row in world.letters()}:
        assert len({row["_kafka_timestamp"].date() for row in world.letters() if row["batch_id"] == batch}) <= 2


def test_killed_between_two_parts_the_next_run_restores_everything() -> None:
    whole, counter = _world(), Assassin()
    whole.run(counter, **SETTINGS)
    for at in range(counter.count):
        world = _world()
        where = world.kill(at, **SETTINGS)
        covered = {part: end for part, (_, end) in world.covered().items()}
        assert covered.items() <= world.positions().items(), where
        for part, end in covered.items():
            read = set(world.offsets()) | {(row["_kafka_partition"], row["_kafka_offset"]) for row in world.letters()}
            assert {(part, offset) for offset in range(end)} <= read | {(1, 3)}, where  # which is the gap
        world.run(**SETTINGS)
        assert (world.table(), world.dead()) == (whole.table(), whole.dead()), where
        assert (world.positions(), world.covered()) == (whole.positions(), whole.covered()), where
        assert world.committed() == whole.committed(), where
