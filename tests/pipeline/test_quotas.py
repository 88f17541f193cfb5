"""What a run counts of BigQuery's quotas, on a clock that moves when it waits."""

from __future__ import annotations

import bisect
import logging
from datetime import timedelta
from typing import Any

import pytest

from airflow_kafka_bq.exceptions import WarehouseUnavailableError
from airflow_kafka_bq.pipeline import quotas
from airflow_kafka_bq.pipeline.quotas import Pace, statements
from airflow_kafka_bq.testing.memory import Fate, VirtualClock
from tests.bigquery.cases import FIRST, GONE
from tests.bigquery.targets import keep, staged, update
from tests.pipeline.world import TABLE, UPDATE, World


def passed(counts: list[int], seconds_each: float) -> tuple[list[float], Pace]:
    """When statements pass that come in such groups, each group that long after the one before."""
    clock, times = VirtualClock(), []
    pace = Pace(clock.monotonic, clock.sleep)
    for count in counts:
        pace(count)
        times += [clock.monotonic()] * count
        clock.advance(seconds_each)
    return times, pace


@pytest.mark.parametrize("seconds_each", [0.0, 0.1, 0.7, 3.0, 30.0])
@pytest.mark.parametrize("counts", [[1] * 100, [2] * 60, [1, 2] * 40])
def test_no_ten_seconds_see_more_statements_than_bigquery_takes(counts: list[int], seconds_each: float) -> None:
    times, pace = passed(counts, seconds_each)
    most = max(bisect.bisect_left(times, one + 10.0) - at for at, one in enumerate(times))
    assert most <= 20, "some of the 25 are left for the ledger and for others"
    assert (pace.paused_seconds > 0) is (sum(counts) > 2.0 * seconds_each * len(counts))
    assert pace.statements == sum(counts)


def test_only_what_is_over_waits() -> None:
    times, pace = passed([1] * 21, 0.25)
    assert times[-2:] == [4.75, 10.0]
    assert pace.paused_seconds == 5.0


def test_statements_are_those_of_the_busiest_table() -> None:
    removing = update("sequence", delete=True, delete_expiration_days=90)
    marking = update(soft_delete=True)
    assert statements(staged(keep(), FIRST), keep()) == 1
    assert statements(staged(keep()), keep()) == 1, "the ledger's"
    assert statements(staged(marking, FIRST, GONE), marking) == 2
    assert statements(staged(removing, GONE), removing) == 2, "the markers learn of rows and of tombstones"


def test_a_run_of_many_batches_is_paced_and_says_so() -> None:
    world = World(1)
    world.fill(50)
    report = world.run(batch_messages=1)
    told: dict[str, Any] = report.to_json()["quota"]
    assert (told["load_jobs"], told["dml_statements"], told["near"]) == (50, 50, None)
    assert told["paused_seconds"] >= 20.0
    times = sorted(row["applied_at"] for row in world.history())
    assert all(later - first >= timedelta(seconds=10) for first, later in zip(times, times[20:], strict=False))


def test_retries_are_statements_too() -> None:
    world = World(1)
    world.fill(1)
    world.database.script("kafka-bq-merge-*", Fate.AGAIN, times=2)
    assert world.run().to_json()["quota"]["dml_statements"] == 3


def test_batches_of_the_last_day_are_counted_over_all_runs() -> None:
    world = World(1)
    told: dict[str, Any] = {}
    for seconds in (0.0, 3600.0, 3600.0):
        world.clock.advance(seconds)
        world.fill(2)
        told = world.run(batch_messages=1, **UPDATE).to_json()["quota"]
    assert (told["batches_last_day"], told["load_jobs_last_day"]) == (4, 4)
    world.clock.advance(86_400 - 3_600 + 1)
    world.fill(1)
    assert world.run(**UPDATE).to_json()["quota"]["batches_last_day"] == 2


def test_nothing_is_counted_where_nothing_is_read() -> None:
    world = World(1)
    world.fill(1)
    world.run()
    calls: list[str] = []
    assert world.run(lambda name, _: calls.append(name)).to_json()["quota"]["batches_last_day"] == 0
    assert "recent" not in calls


def test_a_quota_of_the_day_that_comes_near_is_said(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(quotas, "_NEAR", 2)
    world = World(1)
    world.fill(2)
    world.run(batch_messages=1)
    world.fill(1)
    with caplog.at_level(logging.WARNING):
        said = world.run().to_json()["quota"]["near"]
    assert said in caplog.text
    for words in (f"2 batches of {TABLE} took 2 load jobs", "100,000 of a project", "make batches larger"):
        assert words in said


def test_a_count_that_fails_fails_no_run(caplog: pytest.LogCaptureFixture) -> None:
    world = World(1)
    world.fill(1)
    world.run()
    world.fill(1)
    world.database.fail_next("recent", WarehouseUnavailableError("no answer"))
    assert world.run().messages == 1
    assert "were not counted" in caplog.text
