"""Duplicates that are looked for nearby: found within the window, given up beyond it, and said to be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from airflow_kafka_bq.config import Partitioning
from airflow_kafka_bq.pipeline.bounds import of_rows
from airflow_kafka_bq.schema.columns import Column
from tests.bigquery.targets import FIELDS, keep, rows
from tests.pipeline.world import KEEP, UPDATE, World

START = datetime(2026, 1, 10, 12, tzinfo=UTC)
SAID = "duplicates beyond dedup_window=7d"


def _send(world: World, key: str, n: int, day: float, *, gone: bool = False) -> None:
    at = int((START + timedelta(days=day)).timestamp() * 1000)
    world.send(None if gone else {"id": key, "n": n}, key=key, timestamp_ms=at)


def _run(world: World, job: Any, **settings: Any) -> Any:
    return world.run(**{**job, "dedup_window": "7d", **settings})


@pytest.mark.parametrize(("days", "found"), [(0, True), (7, True), (-7, True), (8, False), (-8, False)])
def test_a_duplicate_is_found_as_far_as_the_window_reaches(days: float, found: bool) -> None:
    world = World(1)
    _send(world, "a", 0, 0)
    _run(world, KEEP)
    _send(world, "a", 1, days)
    report = _run(world, KEEP)
    assert (report.rows["unchanged"], report.rows["inserted"]) == ((1, 0) if found else (0, 1))
    assert len(world.rows()) == (1 if found else 2)


def test_the_report_says_what_was_not_looked_at() -> None:
    world = World(1)
    _send(world, "a", 0, 0)
    assert SAID in _run(world, KEEP).to_json()["unchecked"]
    assert SAID not in world.run(**KEEP).to_json()["unchecked"]


def test_a_table_without_partitions_is_looked_at_whole_and_the_report_says_nothing() -> None:
    world = World(1)
    target = world.target(world.config(**KEEP))
    world.database.create_table(target.table, target.columns)
    for day in (0, 300):
        _send(world, "a", day, day)
        report = _run(world, KEEP)
        assert SAID not in report.unchecked
    assert len(world.rows()) == 1


@pytest.mark.parametrize("policy", ["delete", "soft_delete"])
def test_a_tombstone_finds_all_rows_and_its_report_adds_up(policy: str) -> None:
    """One message removes two rows of its key; it is one message all the same."""
    world = World(1)
    job = {**UPDATE, "on_tombstone": policy}
    for day in (0, 20):
        _send(world, "a", day, day)
        _run(world, job)
    assert len(world.rows()) == 2
    _send(world, "a", 0, 40, gone=True)
    report = _run(world, job)
    assert report.rows["deleted"] == report.messages == 1
    assert [row for row in world.rows() if row.get("_deleted_at") is None] == []


def test_an_update_of_two_rows_adds_up() -> None:
    world = World(1)
    for day in (0, 8):
        _send(world, "a", day, day)
        _run(world, UPDATE)
    _send(world, "a", 9, 4)
    _send(world, "b", 9, 4)
    report = _run(world, {**UPDATE, "version": ["n"]})
    assert (report.rows["updated"], report.rows["inserted"], report.messages) == (1, 1, 2)


@pytest.mark.parametrize(
    ("column", "granularity", "value", "expected"),
    [
        (
            Column("at", "TIMESTAMP"),
            "day",
            START,
            (datetime(2026, 1, 9, tzinfo=UTC), datetime(2026, 1, 12, tzinfo=UTC)),
        ),
        (
            Column("at", "DATETIME"),
            "hour",
            "2026-01-10T12:30:00",
            (datetime(2026, 1, 9, 12), datetime(2026, 1, 11, 13)),
        ),
        (Column("at", "DATETIME"), "hour", "0001-01-01T00:30:00", (datetime.min, datetime(1, 1, 2, 1))),
        (Column("at", "DATETIME"), "hour", "9999-12-31T23:30:00", (datetime(9999, 12, 30, 23), None)),
    ],
)
def test_bounds_reach_around_the_partitions(column: Column, granularity: Any, value: Any, expected: Any) -> None:
    target = keep(
        *FIELDS, column, partitioning=Partitioning("at", granularity), cluster_by=(), dedup_window=timedelta(days=1)
    )
    (found,) = of_rows(rows(target, {"order_id": "a", "at": value}), target)
    assert found.ranges == (expected,)


def test_neighbours_are_one_range_and_null_stays() -> None:
    world = World(1)
    target = world.target(world.config(**KEEP, dedup_window=2))
    assert target.looks_nearby
    made = keep(*FIELDS, Column("at", "TIMESTAMP"), partitioning=Partitioning("at"), cluster_by=(),
                dedup_window=timedelta(days=1))  # fmt: skip
    days = [START, START + timedelta(days=3), START + timedelta(days=30), None]
    (found,) = of_rows(rows(made, *[{"order_id": "a", "at": day} for day in days]), made)
    assert (len(found.ranges), found.has_null) == (2, True)
