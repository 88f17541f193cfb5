"""What every Warehouse promises about looking for duplicates and holes. Held by ``test_warehouse_*``."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from airflow_kafka_bq.batch import ColumnBounds, Kind, OffsetRange
from airflow_kafka_bq.exceptions import CostLimitError
from airflow_kafka_bq.inspection import DayCount, Scan, Shortage, Strays, Surplus
from airflow_kafka_bq.schema.target import Target
from tests.contract.warehouse_world import WarehouseWorld
from tests.contract.workbench import (
    PIPELINE,
    START,
    TOPIC,
    Workbench,
    at,
    coordinate_target,
    dead_letter,
    keep_target,
    row,
    update_target,
)

DAY = 86_400
TODAY, TOMORROW = date(2026, 1, 1), date(2026, 1, 2)


def scan_of(target: Target, **other: Any) -> Scan:
    """The whole table, by the day of its messages."""
    return Scan(target, target.column("_kafka_timestamp"), **other)


def stored(id: str | None, offset: int, **other: Any) -> dict[str, Any]:
    """A row of the table, as somebody else writes it."""
    one = {name: value for name, value in row(id, offset, **other).items() if name != "_tombstone"}
    return {**one, "_ingested_at": START}


def read(bench: Workbench, *ranges: OffsetRange, rows: int, kind: Kind = Kind.LIVE, ignored: int = 0) -> str:
    """A batch of the history; its id."""
    first = ranges[0]
    messages = [row(f"{one}", first.start_offset + one, partition=first.partition) for one in range(rows)]
    staged = replace(bench.stage(*messages), ranges=ranges, kind=kind, ignored=ignored, messages=rows + ignored)
    assert bench.merge(bench.spec(staged, bench.revision())).failure is None
    return staged.batch_id


class Duplicates:
    """Rows that are there more than once."""

    def bench(self, world: WarehouseWorld, target: Target, *rows: dict[str, Any]) -> Workbench:
        made = Workbench(world, target)
        world.insert(made.target.table, [{**dict.fromkeys(_names(target)), **one} for one in rows])
        return made

    def test_a_clean_table(self, world: WarehouseWorld) -> None:
        bench = self.bench(world, coordinate_target(world), stored("a", 0), stored("a", 1, seconds=DAY))
        found = bench.warehouse.audits.duplicates(scan_of(bench.target), None)
        assert (found.rows, found.null_keys) == (2, 0)
        assert found.by_key == found.by_coordinates == found.copies == Surplus()
        assert found.days == (DayCount(TODAY, 1, 0), DayCount(TOMORROW, 1, 0))
        assert bench.warehouse.audits.examples(scan_of(bench.target), 5, None) == ()

    def test_an_empty_table(self, world: WarehouseWorld) -> None:
        bench = self.bench(world, keep_target(world))
        found = bench.warehouse.audits.duplicates(scan_of(bench.target), None)
        assert (found.rows, found.by_key, found.days) == (0, Surplus(), ())

    def test_exact_copies_are_seen_by_key_and_by_coordinates(self, world: WarehouseWorld) -> None:
        rows = [stored("a", 0)] * 3 + [stored("b", 1, seconds=DAY)] * 2 + [stored("c", 2)]
        bench = self.bench(world, coordinate_target(world), *rows)
        found = bench.warehouse.audits.duplicates(scan_of(bench.target), None)
        assert found.by_key == found.by_coordinates == found.copies == Surplus(2, 3)
        assert found.days == (DayCount(TODAY, 4, 2), DayCount(TOMORROW, 2, 1))

    def test_offsets_of_a_topic_that_was_made_anew_are_no_duplicates(self, world: WarehouseWorld) -> None:
        bench = self.bench(world, coordinate_target(world), stored("a", 0), stored("a", 0, seconds=60))
        assert bench.warehouse.audits.duplicates(scan_of(bench.target), None).by_key == Surplus()

    def test_keys_coordinates_and_copies_are_told_apart(self, world: WarehouseWorld) -> None:
        rows = (
            stored("a", 0), stored("a", 1), stored("a", 2, seconds=DAY),  # one key, three messages
            stored("b", 3), stored("c", 3),  # one message, two keys
            stored("d", 4), stored("d", 4),  # a copy
        )  # fmt: skip
        bench = self.bench(world, keep_target(world), *rows)
        found = bench.warehouse.audits.duplicates(scan_of(bench.target), None)
        assert (found.by_key, found.by_coordinates, found.copies) == (Surplus(2, 3), Surplus(2, 2), Surplus(1, 1))
        assert found.days == (DayCount(TODAY, 6, 3), DayCount(TOMORROW, 1, 0))
        examples = bench.warehouse.audits.examples(scan_of(bench.target), 5, None)
        assert examples == (({"id": "a"}, 3), ({"id": "d"}, 2))
        assert bench.warehouse.audits.examples(scan_of(bench.target), 1, None) == examples[:1]

    def test_null_equals_nothing(self, world: WarehouseWorld) -> None:
        bench = self.bench(world, keep_target(world), stored(None, 0), stored(None, 1), stored("a", 2))
        found = bench.warehouse.audits.duplicates(scan_of(bench.target), None)
        assert (found.rows, found.null_keys, found.by_key) == (3, 2, Surplus())

    def test_a_range_bounds_what_is_seen(self, world: WarehouseWorld) -> None:
        rows = [stored("a", 0)] * 2 + [stored("b", 1, seconds=DAY)] * 3
        bench = self.bench(world, coordinate_target(world), *rows)
        bounds = ColumnBounds("_kafka_timestamp", ((at(DAY), at(2 * DAY)),))
        found = bench.warehouse.audits.duplicates(scan_of(bench.target, bounds=bounds), None)
        assert (found.rows, found.by_key, found.days) == (3, Surplus(1, 2), (DayCount(TOMORROW, 3, 2),))

    def test_a_table_without_coordinates(self, world: WarehouseWorld) -> None:
        target = keep_target(world)
        bare = replace(target, columns=target.columns[:3])
        rows = [{"id": "a", "version": 1, "note": "x"}] * 2
        bench = self.bench(world, bare, *rows)
        found = bench.warehouse.audits.duplicates(Scan(bench.target), None)
        assert (found.by_key, found.by_coordinates, found.copies) == (Surplus(1, 1), None, Surplus())
        assert found.days == (DayCount(None, 2, 1),)

    def test_what_costs_too_much_is_not_read(self, world: WarehouseWorld) -> None:
        bench = self.bench(world, update_target(world), stored("a", 0))
        with pytest.raises(CostLimitError, match="max_bytes_billed"):
            bench.warehouse.audits.duplicates(scan_of(bench.target), 1)
        assert bench.warehouse.audits.estimated_bytes == 0
        bench.warehouse.audits.duplicates(scan_of(bench.target), None)
        assert bench.warehouse.audits.estimated_bytes > 0


class Holes:
    """History, table and dead letters against each other."""

    def test_ranges_that_meet_or_overlap_are_one(self, world: WarehouseWorld) -> None:
        bench = Workbench(world, coordinate_target(world))
        assert bench.warehouse.audits.covered(bench.target, PIPELINE) == ()
        read(bench, OffsetRange(0, 0, 5), OffsetRange(1, 3, 4), rows=2)
        read(bench, OffsetRange(0, 5, 9), rows=1)
        read(bench, OffsetRange(0, 2, 7), rows=1, kind=Kind.WINDOW)
        read(bench, OffsetRange(0, 20, 22), OffsetRange(0, 30, 30), rows=1, kind=Kind.WINDOW)
        found = bench.warehouse.audits.covered(bench.target, PIPELINE)
        assert found == (OffsetRange(0, 0, 9), OffsetRange(0, 20, 22), OffsetRange(1, 3, 4))
        assert bench.warehouse.audits.covered(bench.target, PIPELINE, live=True) == (found[0], found[2])
        assert bench.warehouse.audits.covered(bench.target, "cluster/other") == ()

    def test_ranges_that_are_lost(self, world: WarehouseWorld) -> None:
        bench = Workbench(world, coordinate_target(world))
        lost = [
            {**dead_letter(at_, "lost", end), "_kafka_timestamp": at(-1_767_225_600)} for at_, end in ((9, 12), (9, 15))
        ]
        bench.apply(row("a", 0), dead=(dead_letter(4), *lost))
        assert bench.warehouse.audits.lost(bench.target, TOPIC) == (OffsetRange(0, 9, 15),)
        assert bench.warehouse.audits.lost(bench.target, "other") == ()

    def shortages(self, bench: Workbench, most: int = 10) -> tuple[Shortage, ...]:
        found = bench.warehouse.audits.shortages(scan_of(bench.target), TOPIC, PIPELINE, 2, most, None)
        return found

    def test_messages_of_a_batch_that_are_gone(self, world: WarehouseWorld) -> None:
        bench = Workbench(world, coordinate_target(world))
        whole = read(bench, OffsetRange(0, 0, 50), rows=3, ignored=2)  # holes between them are nobody's fault
        torn = read(bench, OffsetRange(0, 50, 60), OffsetRange(1, 0, 9), rows=3)
        assert self.shortages(bench) == ()
        world.forget_offsets(bench.target.table, 51)
        (found,) = self.shortages(bench)
        assert (found.batch_id, found.kind, found.expected, found.found) == (torn, "live", 3, 2)
        world.forget_offsets(bench.target.table, 0, 1, 2)
        assert [(one.batch_id, one.found) for one in self.shortages(bench)] == [(whole, 0), (torn, 2)]
        assert [one.batch_id for one in self.shortages(bench, 1)] == [whole]

    def test_dead_letters_are_no_loss_and_copies_hide_none(self, world: WarehouseWorld) -> None:
        bench = Workbench(world, coordinate_target(world))
        staged = replace(
            bench.stage(row("a", 1), row("b", 2), dead=(dead_letter(4), dead_letter(7, "lost", 9))), messages=3
        )
        assert bench.merge(bench.spec(staged)).failure is None
        assert self.shortages(bench) == ()
        world.forget_offsets(bench.target.table, 2)
        world.insert(bench.target.table, [{**dict.fromkeys(_names(bench.target)), **stored("a", 1)}])
        assert [(one.expected, one.found) for one in self.shortages(bench)] == [(3, 2)]

    def test_rows_that_no_batch_read(self, world: WarehouseWorld) -> None:
        bench = Workbench(world, coordinate_target(world))
        foreign = [stored("x", offset) for offset in (1, 2, 12, 40, 41)] + [stored("y", 3, partition=5)]
        others = [{**stored("z", 12), "_kafka_topic": "other"}]
        world.insert(bench.target.table, [{**dict.fromkeys(_names(bench.target)), **one} for one in foreign + others])
        known = (OffsetRange(0, 10, 20), OffsetRange(0, 30, 40), OffsetRange(1, 0, 9))
        found = bench.warehouse.audits.strays(scan_of(bench.target), TOPIC, known, {0: 10, 1: 0}, None)
        assert found == (
            Strays(0, 40, 41, 2, early=False),
            Strays(0, 1, 2, 2, early=True),
            Strays(5, 3, 3, 1, early=True),
        )
        assert sum(one.rows for one in bench.warehouse.audits.strays(scan_of(bench.target), TOPIC, (), {}, None)) == 6


class Traces:
    """What runs leave behind."""

    def test_staging_tables_and_batches(self, world: WarehouseWorld) -> None:
        bench = Workbench(world, coordinate_target(world))
        audits, begun = bench.warehouse.audits, world.now()
        assert (audits.leftovers(bench.target), audits.batches_since(bench.target, begun)) == ((), 0)
        staged = bench.stage(row("a", 0))
        (left,) = audits.leftovers(bench.target)
        assert left.table == staged.rows_tables[0].table
        assert left.expires_at is not None
        assert bench.merge(bench.spec(staged)).failure is None
        assert audits.batches_since(bench.target, begun) == 1
        assert audits.batches_since(bench.target, world.now() + timedelta(hours=1)) == 0


def _names(target: Target) -> tuple[str, ...]:
    return tuple(column.name for column in target.columns)
