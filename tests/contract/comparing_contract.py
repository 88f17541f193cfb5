"""What every Warehouse tells of rows that a MERGE would insert or replace, without merging."""

from __future__ import annotations

import pytest

from airflow_kafka_bq.batch import Absence, Absent
from airflow_kafka_bq.exceptions import CostLimitError
from tests.contract.warehouse_world import WarehouseWorld
from tests.contract.workbench import (
    Workbench,
    coordinate_target,
    delete_target,
    keep_target,
    row,
    tombstone,
    update_target,
)


def asked(bench: Workbench, *rows: object, most: int = 10, limit: int | None = None) -> Absence:
    """Stage, and ask."""
    return bench.warehouse.absent(bench.spec(bench.stage(*rows), None), most, limit)


class Comparing:
    """The same answer as the MERGE would give, and nothing changes."""

    def test_of_messages_without_a_row_all_are_told_once(self, world: WarehouseWorld) -> None:
        bench = Workbench(world, coordinate_target(world))
        bench.apply(row("a", 0), row("b", 2))
        found = asked(bench, row("a", 0), row("x", 1), row("b", 2), row("y", 3), most=1)
        assert (found.missing, found.older, [one.offset for one in found.places]) == (2, 0, [1])
        assert bench.counts(row("a", 0), row("x", 1), row("y", 3)) == (2, 0, 0), "nothing was changed"
        assert asked(bench, row("a", 0), row("x", 1), row("b", 2), row("y", 3)) == Absence()

    def test_keep_asks_for_the_key_alone(self, world: WarehouseWorld) -> None:
        bench = Workbench(world, keep_target(world))
        bench.apply(row("a", 5))
        found = asked(bench, row("a", 0), row("a", 9), row("b", 3), row("b", 4))
        assert found == Absence(1, 0, (Absent({"id": "b"}, 0, 3, missing=True),))

    def test_update_asks_for_a_row_that_is_no_older(self, world: WarehouseWorld) -> None:
        bench = Workbench(world, update_target(world, "version"))
        bench.apply(row("a", 5, version=7), row("b", 6, version=2), row("c", 7))
        found = asked(bench, row("a", 9, version=3), row("b", 1, version=3), row("c", 6), row("d", 8))
        older, missing = Absent({"id": "b"}, 0, 1, missing=False), Absent({"id": "d"}, 0, 8, missing=True)
        assert found == Absence(1, 1, (older, missing))

    def test_a_row_that_is_there_twice_is_there(self, world: WarehouseWorld) -> None:
        bench = Workbench(world, update_target(world, "version"))
        bench.apply(row("a", 5, version=7))
        copies = [{**one} for one in world.rows(bench.target.table)]
        world.insert(bench.target.table, copies)
        assert asked(bench, row("a", 4, version=6)) == Absence()
        assert asked(bench, row("a", 6, version=8)).older == 1

    @pytest.mark.parametrize("target", [update_target, delete_target])
    def test_what_a_tombstone_removed_is_not_asked_for(self, world: WarehouseWorld, target: object) -> None:
        assert callable(target)
        bench = Workbench(world, target(world, "version"))
        bench.apply(row("a", 1, version=1), tombstone("a", 2))
        assert asked(bench, row("a", 1, version=1)) == Absence()
        assert asked(bench, row("b", 1, version=1)).missing == 1

    def test_it_obeys_the_gate(self, world: WarehouseWorld) -> None:
        bench = Workbench(world, update_target(world))
        bench.apply(*(row(f"{number}", number) for number in range(50)))
        with pytest.raises(CostLimitError):
            asked(bench, row("a", 90), limit=1)
