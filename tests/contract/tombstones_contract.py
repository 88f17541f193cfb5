"""What every Warehouse promises about tombstones: soft deletes in Kafka's order. Held by ``test_warehouse_*``."""

from __future__ import annotations

from datetime import datetime

import pytest

from tests.contract.warehouse_world import WarehouseWorld
from tests.contract.workbench import Workbench, at, row, tombstone, update_target

State = dict[str, tuple[str | None, int, datetime | None]]


def state(bench: Workbench) -> State:
    """By id: whose content it is, the offset it stands at, and when it was deleted."""
    return {one["id"]: (one["note"], one["_kafka_offset"], one["_deleted_at"]) for one in bench.rows()}


class Tombstones:
    """They mark, they never remove."""

    @pytest.fixture
    def bench(self, world: WarehouseWorld) -> Workbench:
        return Workbench(world, update_target(world, "version"))

    def test_a_tombstone_marks_the_row_and_keeps_its_content(self, bench: Workbench) -> None:
        bench.apply(row("a", 0, version=3), row("b", 1))
        assert bench.counts(tombstone("a", 2, seconds=5)) == (0, 0, 1)
        assert state(bench) == {"a": ("0/0", 2, at(5)), "b": ("0/1", 1, None)}
        marked = bench.rows()[0]
        assert (marked["version"], marked["_kafka_timestamp"], marked["_kafka_partition"]) == (3, at(5), 0)

    def test_a_tombstone_without_a_row_does_nothing(self, bench: Workbench) -> None:
        assert bench.counts(tombstone("a", 0)) == (0, 0, 0)
        assert bench.rows() == []

    def test_a_tombstone_in_front_of_the_row_does_nothing(self, bench: Workbench) -> None:
        bench.apply(row("a", 5, version=1))
        assert bench.counts(tombstone("a", 4, seconds=99)) == (0, 0, 0)
        assert state(bench) == {"a": ("0/5", 5, None)}

    def test_a_tombstone_looks_at_no_version(self, bench: Workbench) -> None:
        bench.apply(row("a", 0, version=10**9))
        assert bench.counts(tombstone("a", 1)) == (0, 0, 1)

    def test_between_partitions_the_timestamp_decides(self, bench: Workbench) -> None:
        bench.apply(row("a", 9, seconds=5), row("b", 10, seconds=5))
        assert bench.counts(tombstone("a", 0, partition=1, seconds=6), tombstone("b", 1, partition=1, seconds=4)) == (
            0,
            0,
            1,
        )
        assert state(bench) == {"a": ("0/9", 0, at(6)), "b": ("0/10", 10, None)}

    def test_row_and_tombstone_in_one_batch(self, bench: Workbench) -> None:
        batch = [
            *[row("a", 0, version=1), tombstone("a", 1, seconds=1)],  # deleted
            *[tombstone("b", 2), row("b", 3, version=1)],  # written again
            *[row("c", 4), tombstone("c", 5), row("c", 6), tombstone("c", 7, seconds=7)],  # the last word counts
        ]
        assert bench.counts(*batch) == (3, 0, 2)
        expected = {"a": ("0/0", 1, at(1)), "b": ("0/3", 3, None), "c": ("0/6", 7, at(7))}
        assert state(bench) == expected
        assert bench.counts(*batch) == (0, 0, 0)
        assert state(bench) == expected

    def test_a_replay_over_several_batches_changes_nothing(self, bench: Workbench) -> None:
        batches = [[row("a", 0, version=1)], [tombstone("a", 1, seconds=1)], [row("a", 2, version=2)]]
        for batch in batches:
            bench.apply(*batch)
        assert state(bench) == {"a": ("0/2", 2, None)}
        for batch in (*batches, batches[1]):
            assert bench.counts(*batch) == (0, 0, 0)
        assert state(bench) == {"a": ("0/2", 2, None)}

    def test_a_newer_row_undeletes(self, bench: Workbench) -> None:
        bench.apply(row("a", 0, version=1))
        bench.apply(tombstone("a", 1))
        assert bench.counts(row("a", 2, version=1)) == (0, 1, 0)
        assert state(bench) == {"a": ("0/2", 2, None)}

    def test_an_older_row_does_not_undelete(self, bench: Workbench) -> None:
        bench.apply(row("a", 1, version=5))
        bench.apply(tombstone("a", 2, seconds=2))
        assert bench.counts(row("a", 3, version=4), row("a", 0, version=5)) == (0, 0, 0)
        assert state(bench) == {"a": ("0/1", 2, at(2))}

    def test_a_row_that_wins_by_version_before_the_tombstone_stays_deleted(self, bench: Workbench) -> None:
        bench.apply(row("a", 0, version=1))
        bench.apply(tombstone("a", 5, seconds=5))
        assert bench.counts(row("a", 3, version=2, seconds=3)) == (0, 1, 0)
        assert state(bench) == {"a": ("0/3", 5, at(5))}
        assert bench.counts(row("a", 4, version=2), row("a", 3, version=2)) == (0, 0, 0)
        (found,) = bench.rows()
        assert (found["version"], found["_kafka_timestamp"]) == (2, at(5))

    def test_a_later_tombstone_moves_the_mark(self, bench: Workbench) -> None:
        bench.apply(row("a", 0))
        bench.apply(tombstone("a", 1, seconds=1))
        assert bench.counts(tombstone("a", 2, seconds=2)) == (0, 0, 1)
        assert bench.counts(tombstone("a", 1, seconds=1)) == (0, 0, 0)
        assert state(bench) == {"a": ("0/0", 2, at(2))}
