"""What every Warehouse promises about removing duplicates and putting them back. Held by ``test_warehouse_*``."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from airflow_kafka_bq.batch import ColumnBounds, Failure, JobResult
from airflow_kafka_bq.config.values import TableId
from airflow_kafka_bq.exceptions import NotFoundError
from airflow_kafka_bq.inspection import BackedUp, Doubled, RepairSpec
from airflow_kafka_bq.schema.target import Target
from tests.contract.auditing_contract import DAY, scan_of, stored
from tests.contract.warehouse_world import WarehouseWorld, soon
from tests.contract.workbench import (
    CONTEXT,
    PIPELINE,
    START,
    Workbench,
    at,
    coordinate_target,
    keep_target,
    update_target,
)


class Bench:
    """A table with planted rows, and its repair."""

    def __init__(self, world: WarehouseWorld, target: Target, *rows: dict[str, Any]) -> None:
        self.work, self.world, self.target = Workbench(world, target), world, target
        names = [column.name for column in target.columns]
        self.add(*rows)
        self.names = tuple(names)
        self.backup = target.table.companion("repair_20260101t000000_00000000")
        self.repairs = self.work.warehouse.repairs

    def add(self, *rows: dict[str, Any]) -> None:
        """Somebody else's INSERT."""
        empty = dict.fromkeys(column.name for column in self.target.columns)
        self.world.insert(self.target.table, [{**empty, **row} for row in rows])

    def parts(self) -> tuple[Doubled, ...]:
        """Where duplicates lie."""
        return self.repairs.doubled(scan_of(self.target), None)

    def spec(self, part: Doubled, **other: Any) -> RepairSpec:
        """Its transaction at the revision of now."""
        by = self.target.partitioning
        ranges = tuple((day, at((day - START).total_seconds() + DAY)) for day in part.parts if day) if by else ()
        bounds = ColumnBounds(by.column, ranges) if by else None
        made = RepairSpec(
            self.target, self.names, PIPELINE, self.work.revision(), self.backup, part.first, part.name, bounds, CONTEXT
        )
        return replace(made, **other)

    def repair(self) -> list[JobResult]:
        """All parts, one after the other."""
        self.repairs.make_backup(self.target, self.backup, soon(self.world))
        return [self.remove(part) for part in self.parts()]

    def remove(self, part: Doubled, **other: Any) -> JobResult:
        """One part."""
        return self.repairs.remove(self.work.job_id("repair"), self.spec(part, **other), None)

    def table(self, name: TableId | None = None) -> Counter[Any]:
        """Rows as a multiset."""
        rows = self.world.rows(name or self.target.table)
        return Counter((row["id"], row["version"], row["_kafka_offset"], str(row["_ingested_at"])) for row in rows)

    def left(self) -> list[tuple[str, Any, int]]:
        """What stayed: key, version, offset."""
        return sorted((row["id"], row["version"], row["_kafka_offset"]) for row in self.work.rows())


def later(row: dict[str, Any], seconds: float) -> dict[str, Any]:
    """The same row, written later."""
    return {**row, "_ingested_at": at(seconds)}


class Repairing:
    """Backup, removal, fence, undo."""

    def test_of_exact_copies_one_stays(self, world: WarehouseWorld) -> None:
        one, two = stored("a", 0), stored("b", 1, seconds=DAY)
        bench = Bench(world, coordinate_target(world), one, one, one, two, later(two, 9), stored("c", 2))
        assert bench.parts() == (Doubled(at(0), (at(0),), 1, 3), Doubled(at(DAY), (at(DAY),), 1, 2))
        before = bench.table()
        assert [done.failure for done in bench.repair()] == [None, None]
        assert bench.table() == Counter([*{place for place in before if place[0] != "b"}, ("b", None, 1, str(at(0)))])
        assert bench.parts() == ()
        assert bench.work.revision() == 2
        saved = bench.repairs.backed_up(bench.backup)
        assert saved == (BackedUp(at(0).isoformat(), 1, 2), BackedUp(at(DAY).isoformat(), 1, 1))

    def test_the_rest_of_a_row_comes_along(self, world: WarehouseWorld) -> None:
        row = {**stored("a", 0), "note": "it's", "_kafka_key": "k", "version": 7}
        bench = Bench(world, coordinate_target(world), row, row)
        bench.repair()
        (left,) = bench.work.rows()
        assert {name: left[name] for name in row} == row

    def test_keep_keeps_the_oldest(self, world: WarehouseWorld) -> None:
        rows = (
            stored("a", 5, seconds=5), stored("a", 3, seconds=9), stored("a", 8, seconds=1),
            stored("b", 4, partition=1, seconds=1), stored("b", 1, seconds=2), stored("c", 7),
        )  # fmt: skip
        bench = Bench(world, keep_target(world), *rows)
        bench.repair()
        assert bench.left() == [("a", None, 3), ("b", None, 4), ("c", None, 7)]

    def test_update_keeps_the_newest_by_kafka(self, world: WarehouseWorld) -> None:
        rows = (
            stored("a", 5, seconds=5), stored("a", 8, seconds=1), stored("a", 3, seconds=9),
            stored("b", 4, partition=1, seconds=3), stored("b", 9, seconds=2),
        )  # fmt: skip
        bench = Bench(world, update_target(world), *rows)
        bench.repair()
        assert bench.left() == [("a", None, 8), ("b", None, 4)]

    def test_update_keeps_the_newest_by_version_first(self, world: WarehouseWorld) -> None:
        rows = (
            stored("a", 5, version=9), stored("a", 8, version=2), stored("a", 9),
            stored("b", 1, version=1), stored("b", 2, version=1),
        )  # fmt: skip
        bench = Bench(world, update_target(world, "version"), *rows)
        bench.repair()
        assert bench.left() == [("a", 9, 5), ("b", 1, 2)]

    def test_a_deletion_that_a_newer_version_lacks_is_left_to_a_person(self, world: WarehouseWorld) -> None:
        gone = {**stored("a", 8, version=1), "_deleted_at": at(3)}
        rows = (stored("a", 5, version=9), gone, stored("b", 1, version=1), stored("b", 2, version=1))
        bench = Bench(world, update_target(world, "version"), *rows)
        assert bench.parts() == (Doubled(None, (None,), 1, 2),)
        bench.repair()
        assert bench.left() == [("a", 1, 8), ("a", 9, 5), ("b", 1, 2)]

    def test_without_coordinates_only_equal_rows_are_removed(self, world: WarehouseWorld) -> None:
        target = replace(keep_target(world), columns=keep_target(world).columns[:3])
        same = {"id": "a", "version": 1, "note": "x"}
        bench = Bench(world, target, same, same, {**same, "id": "b"}, {**same, "id": "b", "note": "y"})
        (part,) = bench.repairs.doubled(replace(scan_of(target), day=None), None)
        assert (part.keys, part.rows) == (1, 2)
        bench.repairs.make_backup(target, bench.backup, soon(world))
        assert bench.remove(part).failure is None
        assert sorted((row["id"], row["note"]) for row in world.rows(target.table)) == [
            ("a", "x"), ("b", "x"), ("b", "y"),
        ]  # fmt: skip

    def test_rows_of_one_key_in_several_partitions(self, world: WarehouseWorld) -> None:
        target = replace(coordinate_target(world), key=("id",), by_coordinates=False, immutable=False)
        rows = (stored("a", 1, seconds=DAY), stored("a", 2, seconds=3 * DAY), stored("b", 3, seconds=3 * DAY))
        bench = Bench(world, target, *rows, stored("b", 4, seconds=3 * DAY))
        assert bench.parts() == (
            Doubled(at(DAY), (at(DAY), at(3 * DAY)), 1, 2),
            Doubled(at(3 * DAY), (at(3 * DAY),), 1, 2),
        )
        bench.repair()
        assert bench.left() == [("a", None, 1), ("b", None, 3)]

    def test_null_keys_are_no_duplicates(self, world: WarehouseWorld) -> None:
        bench = Bench(world, keep_target(world), stored(None, 1), stored(None, 2))
        assert bench.parts() == ()

    def test_a_run_in_between_makes_it_lose(self, world: WarehouseWorld) -> None:
        bench = Bench(world, keep_target(world), stored("a", 1), stored("a", 2))
        bench.repairs.make_backup(bench.target, bench.backup, soon(world))
        (part,) = bench.parts()
        spec = bench.spec(part)
        bench.work.apply()
        before = bench.table()
        lost = bench.repairs.remove(bench.work.job_id(), spec, None)
        assert lost.failure is Failure.LEDGER_MOVED
        assert lost.error is not None
        assert (bench.table(), bench.repairs.backed_up(bench.backup)) == (before, ())
        assert bench.remove(part).failure is None

    def test_it_makes_a_run_lose_that_is_under_way(self, world: WarehouseWorld) -> None:
        bench = Bench(world, keep_target(world), stored("a", 1), stored("a", 2))
        batch = bench.work.spec(bench.work.stage(), bench.work.revision())
        bench.repair()
        assert bench.work.merge(batch).failure is Failure.LEDGER_MOVED

    def test_a_part_that_the_backup_has_already_needs_another_name(self, world: WarehouseWorld) -> None:
        bench = Bench(world, keep_target(world), stored("a", 1), stored("a", 2))
        bench.repair()
        bench.add(stored("a", 3))
        (part,), before = bench.parts(), bench.table()
        assert bench.remove(part).failure is not None
        assert bench.table() == before
        named = replace(bench.spec(part), part=f"{part.name} #2")
        assert bench.repairs.remove(bench.work.job_id("repair"), named, None).failure is None
        assert bench.left() == [("a", None, 1)]
        assert [one.removed for one in bench.repairs.backed_up(bench.backup)] == [1, 1]

    def test_undo_puts_everything_back_once(self, world: WarehouseWorld) -> None:
        one = stored("a", 0)
        bench = Bench(world, coordinate_target(world), one, one, later(one, 7), stored("b", 1))
        before = bench.table()
        bench.repair()
        assert bench.table() != before
        (part,) = bench.repairs.backed_up(bench.backup)
        spec = replace(bench.spec(Doubled(None, (), 0, 0)), part=part.part)
        assert bench.repairs.restore(bench.work.job_id(), spec, None).failure is None
        assert bench.table() == before
        assert bench.repairs.backed_up(bench.backup) == ()
        again = replace(spec, revision=bench.work.revision())
        assert bench.repairs.restore(bench.work.job_id(), again, None).failure is None
        assert bench.table() == before
        stale = bench.repairs.restore(bench.work.job_id(), spec, None)
        assert stale.failure is Failure.LEDGER_MOVED

    def test_a_backup_expires(self, world: WarehouseWorld) -> None:
        bench = Bench(world, keep_target(world), stored("a", 1), stored("a", 2))
        with pytest.raises(NotFoundError):
            bench.repairs.backed_up(bench.backup)
        bench.repairs.make_backup(bench.target, bench.backup, soon(world, 2))
        world.wait(2.5)
        with pytest.raises(NotFoundError):
            bench.repairs.backed_up(bench.backup)

    def test_bytes_are_told_before(self, world: WarehouseWorld) -> None:
        bench = Bench(world, coordinate_target(world), stored("a", 0), stored("a", 0), stored("b", 1, seconds=DAY))
        (part,) = bench.parts()
        one = bench.repairs.estimate(bench.spec(part))
        every = bench.repairs.estimate(bench.spec(part, bounds=None))
        assert 0 < one < every
