"""What a test can plant in the project in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from airflow_kafka_bq.batch import Failure
from airflow_kafka_bq.exceptions import MergeConflictError, WarehouseUnavailableError
from airflow_kafka_bq.testing.memory import Fate
from airflow_kafka_bq.testing.memory.jobs import Job
from tests.contract.warehouse_world import MemoryWorld, soon
from tests.contract.workbench import PIPELINE, Workbench, row


def job(world: MemoryWorld, job_id: str) -> Job:
    return world.database.jobs.by_id[job_id]


@pytest.mark.parametrize(
    ("fate", "failure"),
    [
        (Fate.REJECTED, Failure.TERMINAL),
        (Fate.AGAIN, Failure.AGAIN),
        (Fate.CONFLICT, Failure.CONFLICT),
        (Fate.BAD_ROWS, Failure.BAD_ROWS),
    ],
)
def test_a_job_that_fails_applies_nothing_and_burns_its_id(
    world: MemoryWorld, bench: Workbench, fate: Fate, failure: Failure
) -> None:
    spec = bench.spec(bench.stage(row("a", 0)))
    world.database.script("merge-*", fate)
    results = [bench.merge(spec, "merge-1"), bench.merge(spec, "merge-1")]
    assert [(result.failure, result.attached) for result in results] == [(failure, False), (failure, True)]
    assert all(result.error for result in results)
    assert bench.rows() == []
    assert bench.merge(spec, "merge-2").failure is None


@pytest.mark.parametrize("fate", [Fate.UNANSWERED, Fate.QUOTA])
def test_a_request_that_never_became_a_job_leaves_its_id_free(world: MemoryWorld, bench: Workbench, fate: Fate) -> None:
    spec = bench.spec(bench.stage(row("a", 0)))
    world.database.script("merge-*", fate, times=2)
    for _ in range(2):
        with pytest.raises(WarehouseUnavailableError):
            bench.merge(spec, "merge-1")
    result = bench.merge(spec, "merge-1")
    assert (result.failure, result.attached, result.inserted) == (None, False, 1)


def test_an_applied_job_that_was_not_answered_is_found_by_its_id(world: MemoryWorld, bench: Workbench) -> None:
    spec = bench.spec(bench.stage(row("a", 0)))
    world.database.script("merge-*", Fate.APPLIED_UNANSWERED)
    with pytest.raises(WarehouseUnavailableError):
        bench.merge(spec, "merge-1")
    assert bench.notes() == {"a": "0/0"}
    result = bench.merge(spec, "merge-1")
    assert (result.failure, result.attached, result.inserted) == (None, True, 1)


def test_a_slow_job_ends_by_the_clock(world: MemoryWorld, bench: Workbench) -> None:
    spec = bench.spec(bench.stage(row("a", 0)))
    world.database.script("merge-*", Fate.SLOW, seconds=60)
    for _ in range(2):
        with pytest.raises(WarehouseUnavailableError):
            bench.merge(spec, "merge-1")
    world.clock.advance(59)
    assert bench.rows() == []
    world.clock.advance(1)
    assert bench.notes() == {"a": "0/0"}
    assert bench.merge(spec, "merge-1").attached


def test_a_slow_job_can_end_with_an_error(world: MemoryWorld, bench: Workbench) -> None:
    spec = bench.spec(bench.stage(row("a", 0)))
    world.database.script("merge-*", Fate.SLOW, holding=True)
    with pytest.raises(WarehouseUnavailableError):
        bench.merge(spec, "merge-1")
    world.database.finish("merge-1", Fate.AGAIN)
    assert bench.merge(spec, "merge-1").failure is Failure.AGAIN
    assert bench.merge(spec, "merge-2").failure is None


def test_a_slow_job_that_holds_its_tables_cancels_others(world: MemoryWorld, bench: Workbench) -> None:
    first, second = (bench.spec(bench.stage(row("a", offset))) for offset in (1, 2))
    world.database.script("merge-1", Fate.SLOW, holding=True)
    with pytest.raises(WarehouseUnavailableError):
        bench.merge(first, "merge-1")
    assert bench.merge(second, "merge-2").failure is Failure.CONFLICT
    with pytest.raises(MergeConflictError):
        bench.warehouse.register(bench.target, bench.ledger_row(pipeline="other"))
    assert world.database.finish("merge-1").inserted == 1
    assert bench.notes() == {"a": "0/1"}
    bench.warehouse.register(bench.target, bench.ledger_row(pipeline="other"))


def test_a_slow_job_that_waits_is_cancelled_by_others(world: MemoryWorld, bench: Workbench) -> None:
    first, second = (bench.spec(bench.stage(row("a", offset))) for offset in (1, 2))
    world.database.script("merge-1", Fate.SLOW)
    with pytest.raises(WarehouseUnavailableError):
        bench.merge(first, "merge-1")
    assert bench.merge(second, "merge-2").failure is None
    assert world.database.finish("merge-1").failure is Failure.CONFLICT
    assert bench.notes() == {"a": "0/2"}


def test_a_load_that_runs_shows_nothing(world: MemoryWorld, bench: Workbench) -> None:
    table = bench.target.staging("s")
    running = world.database.begin_load("load-1", table, bench.table([row("a", 0)]), soon(world))
    assert bench.warehouse.row_count(table) == 0
    with pytest.raises(WarehouseUnavailableError):
        bench.warehouse.load("load-1", table, bench.file([row("a", 0)]), bench.target, soon(world))
    running.commit()
    assert bench.warehouse.row_count(table) == 1


def test_bad_rows_fail_the_merge_and_the_probe_finds_them(world: MemoryWorld, bench: Workbench) -> None:
    def too_deep(staged: Mapping[str, Any]) -> str | None:
        return "too deep" if staged["id"] == "bad" else None

    world.database.reject_rows(too_deep)
    spec = bench.spec(bench.stage(row("a", 0), row("bad", 1), row("c", 2)))
    result = bench.merge(spec)
    assert result.failure is Failure.BAD_ROWS
    assert bench.rows() == []
    found = {ends: bench.warehouse.probe(spec, *ends) for ends in ((0, 0), (0, 1), (1, 1), (2, 2))}
    assert found == {(0, 0): None, (0, 1): "too deep", (1, 1): "too deep", (2, 2): None}
    assert bench.warehouse.probe(replace(spec, staged=replace(spec.staged, rows_tables=())), 0, 9) is None


def test_bad_rows_can_fail_the_load(world: MemoryWorld, bench: Workbench) -> None:
    world.database.reject_rows(lambda one: "no" if one["_row"] == 1 else None, at="load")
    table = bench.target.staging("s")
    result = bench.warehouse.load("l", table, bench.file([row("a", 0), row("b", 1)]), bench.target, soon(world))
    assert result.failure is Failure.BAD_ROWS
    assert bench.warehouse.row_count(table) == 0


def test_one_job_id_is_begun_once(world: MemoryWorld, bench: Workbench) -> None:
    spec = bench.spec(bench.stage(row("a", 0)))
    world.database.begin_merge("merge-1", spec)
    with pytest.raises(ValueError, match="taken"):
        world.database.begin_merge("merge-1", spec)
    assert job(world, "merge-1").result is None
    assert world.database.table_names() == sorted(world.database.table_names())
    assert bench.warehouse.ledger(bench.target, PIPELINE) is not None
