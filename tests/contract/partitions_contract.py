"""What every Warehouse promises about tables that are partitioned otherwise than by a time column."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from airflow_kafka_bq.config.partitioning import IntegerRange, Layout, Partitioning
from airflow_kafka_bq.pipeline.bounds import of_rows
from airflow_kafka_bq.schema.target import Target
from tests.contract.warehouse_world import WarehouseWorld
from tests.contract.workbench import Workbench, coordinate_target, keep_target, row, update_target

WRITTEN = Partitioning("_PARTITIONTIME")
LAYOUTS: tuple[Layout, ...] = (
    *(Partitioning("_PARTITIONTIME", grain) for grain in ("hour", "day", "month", "year")),
    IntegerRange("version", -100, 1000, 100),
)


def bounded(bench: Workbench, *rows: Any) -> tuple[int, int]:
    """Stage with the bounds that a run would find; inserted and updated."""
    bounds = of_rows(bench.table(list(rows)), bench.target, bench.world.now())
    done = bench.apply(*rows, bounds=bounds)
    return done.inserted, done.updated


def ranged(world: WarehouseWorld) -> Target:
    ranges = IntegerRange("version", 0, 1000, 100)
    return replace(keep_target(world), partitioning=ranges, key=("id", "version"), immutable=True)


class Partitions:
    """Ingestion time and ranges of whole numbers."""

    @pytest.mark.parametrize("layout", LAYOUTS, ids=str)
    def test_a_layout_comes_back_as_it_was_described(self, world: WarehouseWorld, layout: Layout) -> None:
        bench = Workbench(world, replace(keep_target(world), partitioning=layout))
        facts = bench.warehouse.table(bench.target.table)
        assert facts is not None
        assert facts.partitioning == layout
        assert [one.name for one in facts.columns] == [one.name for one in bench.target.columns]

    def test_rows_of_ingestion_time_are_merged_once(self, world: WarehouseWorld) -> None:
        bench = Workbench(world, replace(coordinate_target(world), partitioning=WRITTEN, immutable=False))
        batch = [row("a", 0), row("b", 1)]
        assert [bounded(bench, *batch), bounded(bench, *batch)] == [(2, 0), (0, 0)]
        assert [set(one) for one in bench.rows()] == [{one.name for one in bench.target.columns}] * 2

    def test_a_newer_row_replaces_the_one_of_another_day(self, world: WarehouseWorld) -> None:
        bench = Workbench(world, replace(update_target(world), partitioning=WRITTEN, immutable=False))
        bounded(bench, row("a", 0))
        world.age(bench.target.table, 40)
        assert bounded(bench, row("a", 1, seconds=1)) == (0, 1)
        assert bench.notes() == {"a": "0/1"}

    def test_a_window_finds_what_was_written_lately_and_nothing_else(self, world: WarehouseWorld) -> None:
        looks: dict[str, Any] = {"partitioning": WRITTEN, "immutable": False, "dedup_window": timedelta(days=7)}
        bench = Workbench(world, replace(keep_target(world), **looks))
        assert bounded(bench, row("a", 0)) == (1, 0)
        world.age(bench.target.table, 6)
        assert bounded(bench, row("a", 1)) == (0, 0)
        world.age(bench.target.table, 6)
        assert bounded(bench, row("a", 2)) == (1, 0)

    def test_a_filter_that_is_required_is_there_where_nothing_prunes(self, world: WarehouseWorld) -> None:
        layouts: dict[str, Layout] = {"written": WRITTEN, "ranged": IntegerRange("version", 0, 10, 1)}
        for table, layout in layouts.items():
            target = replace(keep_target(world), partitioning=layout, options={"require_partition_filter": True})
            bench = Workbench(world, replace(target, table=replace(target.table, table=table)))
            facts = bench.warehouse.table(bench.target.table)
            assert facts is not None
            assert facts.require_partition_filter
            assert bounded(bench, row("a", 0)) == (1, 0)

    def test_the_estimate_of_a_window_stays_flat(self, world: WarehouseWorld) -> None:
        looks: dict[str, Any] = {"partitioning": WRITTEN, "immutable": False, "dedup_window": timedelta(days=7)}
        bench, batch = Workbench(world, replace(keep_target(world), **looks)), [row("new", 999)]
        bounded(bench, *[row(f"{number:03}", number) for number in range(300)])
        bounds = of_rows(bench.table(batch), bench.target, world.now())
        spec = bench.spec(bench.stage(*batch, bounds=bounds))
        whole = bench.warehouse.estimate(spec)
        world.age(bench.target.table, 40)
        bounded(bench, row("one more", 400))
        assert 0 < 5 * bench.warehouse.estimate(spec) < whole

    def test_ranges_prune_and_hide_nothing(self, world: WarehouseWorld) -> None:
        bench = Workbench(world, ranged(world))
        edges = [None, -(2**63), -1, 0, 99, 100, 999, 1000, 2**63 - 1]
        batch = [row(f"{number}", number, version=value) for number, value in enumerate(edges)]
        known = [one for one in batch if one["version"] is not None]
        assert bounded(bench, *known) == (len(known), 0)
        assert [bounded(bench, one) for one in known] == [(0, 0)] * len(known)
        assert bounded(bench, *known) == (0, 0)

    def test_the_estimate_of_ranges_stays_flat_while_others_grow(self, world: WarehouseWorld) -> None:
        bench, batch = Workbench(world, ranged(world)), [row(f"{number:03}", number, version=5) for number in range(3)]
        bounded(bench, *batch)
        spec = bench.spec(bench.stage(*batch, bounds=of_rows(bench.table(batch), bench.target)))
        before = bench.warehouse.estimate(spec)
        bounded(bench, *[row(f"{number:03}", number, version=500 + number) for number in range(3, 300)])
        assert 0 < before == bench.warehouse.estimate(spec)
        everywhere = replace(spec, staged=replace(spec.staged, bounds=()))
        assert bench.warehouse.estimate(everywhere) > 5 * before, "what the bounds save"
