"""What every Warehouse promises where one MERGE applies several staged batches. Held by ``test_warehouse_*``."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pyarrow as pa

from airflow_kafka_bq.batch import ColumnBounds, Failure, JobResult, OffsetRange, Staged
from airflow_kafka_bq.config.rules import COORDINATES
from airflow_kafka_bq.config.values import TableId
from airflow_kafka_bq.pipeline.together import together
from tests.contract.warehouse_world import WarehouseWorld, soon
from tests.contract.workbench import (
    Workbench,
    at,
    coordinate_target,
    dead_letter,
    delete_target,
    keep_target,
    row,
    tombstone,
    update_target,
)


def batches(bench: Workbench, *found: list[Any], **dead: tuple[Any, ...]) -> list[Staged]:
    """Each staged by itself; their ranges follow each other."""
    staged = [bench.stage(*rows, dead=dead.get(f"dead_{number}", ())) for number, rows in enumerate(found)]
    return [
        replace(one, ranges=(OffsetRange(0, 100 * number, 100 * number + 100),)) for number, one in enumerate(staged)
    ]


def merged(bench: Workbench, parts: list[Staged]) -> JobResult:
    """All in one transaction."""
    return bench.merge(bench.spec(together(parts), bench.revision()))


class Together:
    """As if one after the other had been merged."""

    def test_all_rows_come_and_the_ledger_moves_once(self, world: WarehouseWorld) -> None:
        bench = Workbench(world, coordinate_target(world))
        parts = batches(bench, [row("a", 0), row("b", 1)], [row("c", 2)], [row("a", 3), row("d", 4)])
        before = bench.revision()
        done = merged(bench, parts)
        assert (done.failure, done.inserted) == (None, 5), done.error
        assert bench.revision() == before + 1
        (batch,) = world.rows(bench.target.history)
        assert batch["ranges"] == [{"partition": 0, "start_offset": 0, "end_offset": 300}]
        assert (batch["messages"], batch["rows_staged"], len(batch["load_job_ids"])) == (5, 5, 3)
        assert merged(bench, parts).inserted == 0

    def test_of_a_key_in_several_the_first_stays(self, world: WarehouseWorld) -> None:
        bench = Workbench(world, keep_target(world))
        parts = batches(bench, [row("a", 5), row("b", 6)], [row("a", 107), row("c", 108)])
        assert merged(bench, parts).inserted == 3
        assert bench.notes() == {"a": "0/5", "b": "0/6", "c": "0/108"}

    def test_without_coordinates_the_order_of_reading_decides(self, world: WarehouseWorld) -> None:
        """Each table numbers its rows from 0: without more, a row of the second would come before one of the first."""
        target = keep_target(world)
        bare = replace(target, columns=tuple(one for one in target.columns if not one.name.startswith("_")))
        bench = Workbench(world, bare)
        wanted = ("id", "version", "note", "_tombstone")
        first, second = (
            [{name: one[name] for name in wanted} for one in rows]
            for rows in ([row("x", 0), row("x", 1), row("a", 2)], [row("a", 100)])
        )
        assert merged(bench, batches(bench, first, second)).inserted == 2
        assert {one["id"]: one["note"] for one in world.rows(bare.table)} == {"x": "0/0", "a": "0/2"}

    def test_the_newest_of_all_wins_and_a_tombstone_counts_from_its_place(self, world: WarehouseWorld) -> None:
        bench = Workbench(world, update_target(world, "version"))
        parts = batches(
            bench,
            [row("a", 0, version=1), row("b", 1, version=5), row("c", 2)],
            [row("a", 100, version=3), row("b", 101, version=2), tombstone("c", 102, seconds=5)],
            [row("a", 200, version=2), row("c", 203, seconds=9)],
        )
        done = merged(bench, parts)
        assert done.failure is None, done.error
        assert bench.notes() == {"a": "0/100", "b": "0/1", "c": "0/203"}
        assert [one["id"] for one in bench.rows() if one["_deleted_at"]] == []

    def test_tombstones_of_several_remove(self, world: WarehouseWorld) -> None:
        bench = Workbench(world, delete_target(world))
        bench.apply(row("a", 0), row("b", 1))
        parts = batches(bench, [tombstone("a", 10, seconds=1)], [tombstone("b", 110, seconds=1), row("c", 111)])
        done = merged(bench, parts)
        assert (done.failure, done.inserted, done.deleted) == (None, 1, 2), done.error
        assert bench.notes() == {"c": "0/111"}

    def test_dead_letters_of_all_come_once(self, world: WarehouseWorld) -> None:
        bench = Workbench(world, coordinate_target(world))
        bench.warehouse.create_dead_letters(bench.target)
        parts = batches(bench, [row("a", 0)], [], dead_0=(dead_letter(1),), dead_1=(dead_letter(101), dead_letter(102)))
        for _ in range(2):
            assert merged(bench, parts).failure is None
            found = [one["_kafka_offset"] for one in world.rows(bench.target.dead_letters)]
            assert sorted(found) == [1, 101, 102]

    def test_each_staging_table_must_hold_its_batch(self, world: WarehouseWorld) -> None:
        """One that was made anew, empty: merged from the others, the position would move over rows that never came."""
        bench = Workbench(world, coordinate_target(world))
        for missing in range(2):
            parts = batches(bench, [row("a", 0), row("b", 1)], [row("c", 100), row("d", 101)])
            tables = [one.rows_tables[0] for one in parts]
            tables[missing] = replace(tables[missing], rows=3)
            whole = replace(together(parts), rows_tables=tuple(tables))
            before = bench.revision()
            done = bench.merge(bench.spec(whole, before))
            assert done.failure is not None
            assert (bench.revision(), bench.rows()) == (before, [])

    def test_a_staging_table_that_is_gone_is_named(self, world: WarehouseWorld) -> None:
        bench = Workbench(world, coordinate_target(world))
        parts = batches(bench, [row("a", 0)], [row("b", 100)])
        bench.warehouse.drop(TableId.parse(parts[1].rows_tables[0].table))
        done = merged(bench, parts)
        assert done.failure is Failure.TERMINAL
        assert bench.rows() == []

    def test_bounds_hold_for_all_of_them(self, world: WarehouseWorld) -> None:
        """Rows of the second batch are there already, in a day that the first does not touch."""
        bench = Workbench(world, coordinate_target(world))
        later = 5 * 86_400.0
        bench.apply(row("b", 100, seconds=later))
        days = [ColumnBounds("_kafka_timestamp", ((at(day), at(day + 86_400)),)) for day in (0.0, later)]
        parts = [
            replace(one, bounds=(day,))
            for one, day in zip(batches(bench, [row("a", 0)], [row("b", 100, seconds=later)]), days, strict=True)
        ]
        assert merged(bench, parts).inserted == 1
        assert [one["id"] for one in bench.rows()] == ["a", "b"]
        assert set(COORDINATES) <= {*bench.rows()[0]}

    def test_a_note_is_read_back_and_a_missing_one_is_none(self, world: WarehouseWorld) -> None:
        bench = Workbench(world, coordinate_target(world))
        table, text = bench.target.staging("note"), '{"a": "ü\\n\'`"}'
        assert bench.warehouse.note(table) is None
        note = bench.written(pa.table({"document": [text]}))
        done = bench.warehouse.load(bench.job_id("note"), table, note, bench.target, soon(world))
        assert (done.failure, done.output_rows) == (None, 1), done.error
        assert bench.warehouse.note(table) == text
        bench.warehouse.drop(table)
        assert bench.warehouse.note(table) is None
