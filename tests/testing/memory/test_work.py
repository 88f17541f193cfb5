"""What a MERGE costs in memory."""

from __future__ import annotations

from dataclasses import replace

import pytest

from airflow_kafka_bq.batch import ColumnBounds
from airflow_kafka_bq.exceptions import MergeRejectedError, NotFoundError
from airflow_kafka_bq.schema.columns import Column
from airflow_kafka_bq.testing.memory.work import size_bytes
from tests.contract.warehouse_world import MemoryWorld
from tests.contract.workbench import Workbench, coordinate_target, dead_letter, keep_target, row, update_target


def test_sizes_are_those_of_bigquery() -> None:
    assert [size_bytes(value) for value in (None, 1, True, 1.5, "ab", b"abc")] == [0, 8, 8, 8, 4, 5]
    assert size_bytes([{"key": "a", "value": None}, {"key": "b", "value": b""}]) == 3 + 0 + 3 + 2


def test_updates_read_all_columns_and_keeping_reads_the_key(world: MemoryWorld) -> None:
    found = {}
    for name, target in (("keep", keep_target(world)), ("update", update_target(world))):
        bench = Workbench(world, replace(target, table=replace(target.table, table=name)))
        bench.apply(*[row(f"id-{number}", number) for number in range(50)])
        found[name] = bench.warehouse.estimate_empty(bench.spec(bench.stage(row("x", 99))))
    assert found["keep"] < found["update"] / 4


def test_bounds_make_it_cheaper(world: MemoryWorld) -> None:
    bench = Workbench(world, coordinate_target(world))
    bench.apply(*[row("a", number) for number in range(50)])
    narrow = bench.stage(row("x", 3), bounds=(ColumnBounds("_kafka_offset", (), (3,)),))
    wide = replace(narrow, bounds=())
    assert bench.warehouse.estimate(bench.spec(narrow)) < bench.warehouse.estimate(bench.spec(wide)) / 4


def test_bounds_of_dead_letters_hide_what_lies_outside(world: MemoryWorld, bench: Workbench) -> None:
    bench.apply(dead=(dead_letter(4),))
    for bounds, expected in (
        (ColumnBounds("_kafka_offset", ((4, 4),)), 1),
        (ColumnBounds("_kafka_offset", (), (5,)), 2),
    ):
        staged = replace(bench.stage(dead=(dead_letter(4),)), dead_letter_bounds=(bounds,))
        assert bench.merge(bench.spec(staged, bench.revision())).failure is None
        assert len(world.rows(bench.target.dead_letters)) == expected


def test_what_cannot_run_cannot_be_estimated(world: MemoryWorld, bench: Workbench) -> None:
    spec = bench.spec(bench.stage(row("x", 3)))
    wider = replace(bench.target, columns=(*bench.target.columns, Column("more", "STRING")))
    with pytest.raises(MergeRejectedError):
        bench.warehouse.estimate_empty(replace(spec, target=wider))
    world.drop(bench.target.table)
    with pytest.raises(NotFoundError):
        bench.warehouse.estimate(spec)
