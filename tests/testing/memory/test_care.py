"""What the parts in memory that look after tables decide by themselves; the rest is the contract of a warehouse."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from airflow_kafka_bq.operations.scanned import start_of as expected
from airflow_kafka_bq.testing.memory.audits import MemoryAudits
from airflow_kafka_bq.testing.memory.repairs import MemoryRepairs, start_of
from tests.bigquery.targets import keep, payload
from tests.pipeline.world import World

MOMENT = datetime(2026, 5, 31, 17, 42, 3, 5, UTC)


def test_starts_of_partitions_are_those_of_the_product() -> None:
    assert start_of({"_kafka_timestamp": MOMENT}, payload()) == expected(MOMENT, "day")
    assert start_of({"_kafka_timestamp": None}, payload()) is None
    assert start_of({}, keep(partitioning=None)) is None


@pytest.mark.parametrize(
    ("grain", "start"),
    [
        ("hour", datetime(2026, 5, 31, 17, tzinfo=UTC)),
        ("day", datetime(2026, 5, 31, tzinfo=UTC)),
        ("month", datetime(2026, 5, 1, tzinfo=UTC)),
        ("year", datetime(2026, 1, 1, tzinfo=UTC)),
    ],
)
def test_starts_by_granularity(grain: str, start: datetime) -> None:
    assert expected(MOMENT, grain) == start
    if grain != "hour":
        assert expected(date(2026, 5, 31), grain) == start.date()


def test_every_client_looks_for_itself() -> None:
    first, second = World(1).warehouse(), World(1).warehouse()
    assert isinstance(first.audits, MemoryAudits)
    assert isinstance(first.repairs, MemoryRepairs)
    assert first.audits is not second.audits
