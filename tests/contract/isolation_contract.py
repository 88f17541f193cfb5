"""What every Warehouse promises of transactions that overlap without a fence. Held by ``test_warehouse_*``.

That it is so is why there is a fence (https://cloud.google.com/bigquery/docs/transactions#transaction_concurrency).
"""

from __future__ import annotations

from airflow_kafka_bq.batch import Failure, JobResult
from tests.contract.warehouse_world import WarehouseWorld
from tests.contract.workbench import Workbench, dead_letter, keep_target, row, tombstone, update_target


def together(bench: Workbench, *batches: tuple[object, ...]) -> list[JobResult]:
    """Batches without a fence, all of them begun before the first commits."""
    specs = [bench.spec(bench.stage(*batch), None) for batch in batches]
    return bench.world.merge_together(*[(bench.job_id("merge"), spec) for spec in specs])


class Isolation:
    """A transaction reads tables as they were when it began; who changes what another changes is cancelled."""

    def test_inserts_of_the_same_key_overlap_and_double(self, world: WarehouseWorld) -> None:
        bench = Workbench(world, keep_target(world))
        bench.apply(row("old", 0))
        results = together(bench, (row("old", 1), row("a", 2)), (row("a", 3), row("b", 4)))
        assert [(result.failure, result.inserted) for result in results] == [(None, 1), (None, 2)]
        assert [one["id"] for one in bench.rows()] == ["a", "a", "b", "old"]

    def test_dead_letters_of_the_same_message_overlap_and_double(self, world: WarehouseWorld) -> None:
        bench = Workbench(world, keep_target(world))
        specs = [bench.spec(bench.stage(row(f"id-{n}", n), dead=(dead_letter(9),)), None) for n in range(2)]
        results = world.merge_together(*[(bench.job_id("merge"), spec) for spec in specs])
        assert [result.failure for result in results] == [None, None]
        assert [one["_kafka_offset"] for one in world.rows(bench.target.dead_letters)] == [9, 9]

    def test_updates_of_different_rows_of_a_table_conflict(self, world: WarehouseWorld) -> None:
        """By table, whichever rows either touches."""
        bench = Workbench(world, update_target(world))
        bench.apply(row("a", 0), row("b", 1))
        results = together(bench, (row("a", 2),), (row("b", 3),))
        assert sorted(str(result.failure) for result in results) == ["None", str(Failure.CONFLICT)]
        winner = [result.failure for result in results].index(None)
        assert bench.notes() == ({"a": "0/2", "b": "0/1"} if winner == 0 else {"a": "0/0", "b": "0/3"})

    def test_a_mark_conflicts_as_an_update_does(self, world: WarehouseWorld) -> None:
        bench = Workbench(world, update_target(world))
        bench.apply(row("a", 0), row("b", 1))
        results = together(bench, (tombstone("a", 2),), (row("b", 3),))
        assert sorted(str(result.failure) for result in results) == ["None", str(Failure.CONFLICT)]

    def test_an_insert_beside_an_update_is_let_through(self, world: WarehouseWorld) -> None:
        """Where the MERGE may update but meets no row, it only inserts."""
        bench = Workbench(world, update_target(world))
        bench.apply(row("a", 0))
        results = together(bench, (row("a", 2),), (row("new", 3),))
        assert [result.failure for result in results] == [None, None]
        assert bench.notes() == {"a": "0/2", "new": "0/3"}
