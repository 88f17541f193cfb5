"""Tables and rows of others."""

from __future__ import annotations

from dataclasses import replace

from airflow_kafka_bq.batch import Failure
from tests.contract.warehouse_world import MemoryWorld
from tests.contract.workbench import Workbench, keep_target, row, update_target


def test_names_of_columns_are_compared_as_bigquery_does(world: MemoryWorld) -> None:
    target = keep_target(world)
    theirs = [replace(one, name=one.name.upper()) for one in target.columns]
    world.database.create_table(target.table, theirs, [{"ID": "a", "NOTE": "old"}])
    bench = Workbench(world, target)
    assert bench.counts(row("a", 0), row("b", 1)) == (1, 0, 0)
    assert {one["ID"]: one["NOTE"] for one in world.database.rows(target.table)} == {"a": "old", "b": "0/1"}


def test_rows_of_others_are_deleted_and_counted(world: MemoryWorld, bench: Workbench) -> None:
    bench.apply(row("a", 0), row("b", 1))
    assert world.database.delete(bench.target.table, lambda one: one["id"] == "a") == 1
    assert bench.notes() == {"b": "0/1"}


def test_a_delete_cancels_who_changes_the_same_table(world: MemoryWorld) -> None:
    bench = Workbench(world, update_target(world))
    bench.apply(row("a", 0), row("b", 1))
    running = world.database.begin_merge("merge-1", bench.spec(bench.stage(row("a", 2)), 1))
    world.database.delete(bench.target.table, lambda one: one["id"] == "b")
    assert running.commit().failure is Failure.CONFLICT


def test_expired_tables_are_listed_no_more(world: MemoryWorld, bench: Workbench) -> None:
    staged = bench.stage(row("a", 0))
    assert staged.rows_tables[0].table in world.database.table_names()
    world.clock.advance(3600)
    assert staged.rows_tables[0].table not in world.database.table_names()
