"""What every Warehouse promises of runs that alter one table at the same time."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from airflow_kafka_bq.config import JobConfig
from airflow_kafka_bq.exceptions import SchemaDriftError
from airflow_kafka_bq.pipeline.target import altered
from airflow_kafka_bq.schema.columns import Column
from airflow_kafka_bq.schema.target import TableFacts, Target
from tests.contract.warehouse_world import WarehouseWorld, at_once
from tests.contract.workbench import Workbench, keep_target, row

POLICY = "add_relax_widen"


def with_columns(target: Target, *more: Column) -> Target:
    """The job whose model has grown, at the front, where models have their fields."""
    names = {one.name for one in more}
    return replace(target, columns=(*more, *(one for one in target.columns if one.name not in names)))


def alter(world: WarehouseWorld, target: Target, seen: TableFacts) -> TableFacts | SchemaDriftError:
    """As a run does it that has looked at the table before."""
    config = JobConfig.of(topic="shop.orders", table="analytics.orders", schema_update=POLICY)
    try:
        return altered(config, world.warehouse(), target, seen, None)
    except SchemaDriftError as error:
        return error


def together(world: WarehouseWorld, *targets: Target) -> list[TableFacts | SchemaDriftError]:
    """All have looked before the first one alters."""
    seen = world.warehouse().table(targets[0].table)
    assert seen is not None
    return at_once(*[partial(alter, world, target, seen) for target in targets])


class Altering:
    """Reconciled: each gets its columns, or is told whose type won."""

    def test_each_gets_the_columns_that_it_adds(self, world: WarehouseWorld) -> None:
        bench = Workbench(world, keep_target(world))
        bench.apply(row("a", 0))
        x, y, z = (Column(name, kind) for name, kind in (("x", "INT64"), ("y", "STRING"), ("z", "JSON")))
        both = [with_columns(bench.target, *more) for more in ((x, y), (y, z), (z, x))]
        for target, found in zip(both, together(world, *both), strict=True):
            assert isinstance(found, TableFacts), found
            assert {one.name for one in target.columns} <= {one.name for one in found.columns}
        facts = bench.warehouse.table(bench.target.table)
        assert facts is not None
        names = [one.name for one in facts.columns]
        assert sorted(names) == sorted({*names}), "none twice"
        assert {"x", "y", "z"} <= set(names)
        bench.apply(row("b", 1))
        assert len(bench.rows()) == 2

    def test_of_one_column_with_two_types_one_wins_and_the_other_is_told(self, world: WarehouseWorld) -> None:
        bench = Workbench(world, keep_target(world))
        both = [with_columns(bench.target, Column("x", kind)) for kind in ("DATE", "STRING")]
        found = together(world, *both)
        facts = bench.warehouse.table(bench.target.table)
        assert facts is not None
        (there,) = (one for one in facts.columns if one.name == "x")
        for target, one in zip(both, found, strict=True):
            (wanted,) = (column for column in target.columns if column.name == "x")
            if wanted.type == there.type:
                assert isinstance(one, TableFacts), one
            else:
                assert isinstance(one, SchemaDriftError)
                assert f"column x is {there.type} and the job has {wanted.type}" in one.message

    @pytest.mark.parametrize("times", [1, 3])
    def test_adding_relaxing_and_widening_meet(self, world: WarehouseWorld, times: int) -> None:
        must = Column("must", "STRING", "REQUIRED")
        base = with_columns(keep_target(world), must)
        world.warehouse().create(base)
        lax = with_columns(base, replace(must, mode="NULLABLE"))
        wide = with_columns(base, Column("version", "BIGNUMERIC"))
        more = with_columns(base, must, Column("x", "INT64"))
        for found in together(world, *[lax, wide, more] * times):
            assert isinstance(found, TableFacts), found
        facts = world.warehouse().table(base.table)
        assert facts is not None
        kinds = {one.name: (one.type, one.mode) for one in facts.columns}
        assert (kinds["must"], kinds["version"]) == (("STRING", "NULLABLE"), ("BIGNUMERIC", "NULLABLE"))
        assert kinds["x"] == ("INT64", "NULLABLE")
