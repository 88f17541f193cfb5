"""Snapshots, conflicts by table, tables that change under a transaction."""

from __future__ import annotations

from airflow_kafka_bq.batch import Failure
from tests.contract.warehouse_world import MemoryWorld
from tests.contract.workbench import Workbench, keep_target, row, update_target


def test_updates_of_one_table_conflict_whichever_row_they_touch(world: MemoryWorld) -> None:
    bench = Workbench(world, update_target(world))
    bench.apply(row("a", 0), row("b", 1))
    specs = [bench.spec(bench.stage(row(name, 5)), None) for name in ("a", "b")]
    failures = [result.failure for result in world.merge_together(("m1", specs[0]), ("m2", specs[1]))]
    assert failures == [None, Failure.CONFLICT]


def test_an_insert_beside_an_update_is_not_lost(world: MemoryWorld) -> None:
    bench = Workbench(world, update_target(world))
    bench.apply(row("a", 0))
    specs = [bench.spec(bench.stage(row("a", 5)), None), bench.spec(bench.stage(row("new", 6)), None)]
    assert [result.failure for result in world.merge_together(("m1", specs[0]), ("m2", specs[1]))] == [None, None]
    assert bench.notes() == {"a": "0/5", "new": "0/6"}


def test_null_in_a_required_column_fails_the_batch(bench: Workbench) -> None:
    bad = row("a", 0) | {"_kafka_offset": None}
    result = bench.merge(bench.spec(bench.stage(row("b", 1), bad)))
    assert result.failure is Failure.BAD_ROWS
    assert bench.rows() == []


def test_a_target_dropped_under_a_transaction_fails_it(world: MemoryWorld, bench: Workbench) -> None:
    running = world.database.begin_merge("merge-1", bench.spec(bench.stage(row("a", 0))))
    running.execute()
    world.database.drop_table(bench.target.table)
    bench.warehouse.create(bench.target)
    assert running.commit().failure is Failure.TERMINAL
    assert (bench.rows(), bench.revision()) == ([], 0)


def test_a_table_created_again_has_another_creation_time_though_the_clock_stands(world: MemoryWorld) -> None:
    bench = Workbench(world, keep_target(world))
    first = bench.warehouse.table(bench.target.table)
    world.database.drop_table(bench.target.table)
    bench.warehouse.create(bench.target)
    second = bench.warehouse.table(bench.target.table)
    assert first is not None
    assert second is not None
    assert first.created_at < second.created_at
