"""What every Warehouse promises about rows that tombstones remove: none comes back. Held by ``test_warehouse_*``."""

from __future__ import annotations

import random
from typing import Any

import pytest

from tests.contract.warehouse_world import WarehouseWorld
from tests.contract.workbench import Workbench, at, delete_target, row, tombstone

Markers = dict[str, tuple[int | None, int]]


def markers(bench: Workbench) -> Markers:
    """By id: the version that is remembered, and the offset of the tombstone."""
    return {one["id"]: (one.get("version"), one["_kafka_offset"]) for one in bench.world.rows(bench.target.deletes)}


class Deletes:
    """Rows go, markers stay."""

    @pytest.fixture
    def bench(self, world: WarehouseWorld) -> Workbench:
        return Workbench(world, delete_target(world, "version"))

    def test_a_tombstone_removes_the_row_and_leaves_a_marker(self, bench: Workbench) -> None:
        bench.apply(row("a", 0, version=3), row("b", 1))
        assert bench.counts(tombstone("a", 2, seconds=5)) == (0, 0, 1)
        assert bench.notes() == {"b": "0/1"}
        (marker,) = bench.world.rows(bench.target.deletes)
        names = ("id", "version", "_kafka_topic", "_kafka_partition", "_kafka_offset", "_kafka_timestamp")
        assert [marker[name] for name in names] == ["a", 3, "shop.orders", 0, 2, at(5)]
        assert abs((marker["expires_at"] - bench.world.now()).total_seconds() - 30 * 86400) < 60

    def test_an_older_row_stays_out_and_a_newer_one_comes_in(self, bench: Workbench) -> None:
        bench.apply(row("a", 1, version=3))
        bench.apply(tombstone("a", 2))
        assert bench.counts(row("a", 1, version=3)) == (0, 0, 0)
        assert bench.counts(row("a", 0, version=9)) == (0, 0, 0)
        assert bench.rows() == []
        assert bench.counts(row("a", 3, version=9)) == (1, 0, 0)
        assert bench.notes() == {"a": "0/3"}

    def test_a_tombstone_without_a_row_leaves_a_marker_all_the_same(self, bench: Workbench) -> None:
        assert bench.counts(tombstone("a", 2)) == (0, 0, 0)
        assert markers(bench) == {"a": (None, 2)}
        assert bench.counts(row("a", 1)) == (0, 0, 0)
        assert bench.counts(row("a", 3)) == (1, 0, 0)

    def test_behind_the_tombstone_a_version_lower_than_the_removed_one_stays_out(self, bench: Workbench) -> None:
        bench.apply(row("a", 0, version=5))
        bench.apply(tombstone("a", 1))
        assert bench.counts(row("a", 2, version=4)) == (0, 0, 0)
        assert bench.counts(row("a", 3, version=5)) == (1, 0, 0)

    def test_a_row_in_front_of_the_tombstone_takes_a_lower_version_behind_it_along(self, bench: Workbench) -> None:
        """The log holds version 9, the tombstone, version 1: nothing is left of it, read backwards as well."""
        bench.apply(tombstone("a", 1))
        assert bench.counts(row("a", 2, version=1)) == (1, 0, 0)
        assert bench.counts(row("a", 0, version=9)) == (0, 0, 1)
        assert (bench.rows(), markers(bench)) == ([], {"a": (9, 1)})
        assert bench.counts(row("a", 2, version=1)) == (0, 0, 0)

    def test_row_and_tombstone_in_one_batch(self, bench: Workbench) -> None:
        batch = [
            *[row("a", 0, version=1), tombstone("a", 1, seconds=1)],  # deleted
            *[tombstone("b", 2), row("b", 3, version=1)],  # written again
            *[row("c", 4), tombstone("c", 5), row("c", 6), tombstone("c", 7, seconds=7)],  # the last word counts
        ]
        assert bench.counts(*batch) == (3, 0, 2)
        for _ in range(2):
            assert bench.notes() == {"b": "0/3"}
            assert markers(bench) == {"a": (1, 1), "b": (None, 2), "c": (None, 7)}
            assert bench.counts(*batch) == (0, 0, 0)

    def test_an_older_tombstone_changes_nothing(self, bench: Workbench) -> None:
        bench.apply(tombstone("a", 5), row("a", 7))
        assert bench.counts(tombstone("a", 4)) == (0, 0, 0)
        assert (bench.notes(), markers(bench)) == ({"a": "0/7"}, {"a": (None, 5)})
        assert bench.counts(tombstone("a", 6)) == (0, 0, 0)
        assert markers(bench) == {"a": (None, 6)}

    def test_between_partitions_the_timestamp_decides(self, bench: Workbench) -> None:
        bench.apply(tombstone("a", 9, seconds=5))
        assert bench.counts(row("a", 99, partition=1, seconds=4)) == (0, 0, 0)
        assert bench.counts(row("a", 0, partition=1, seconds=6)) == (1, 0, 0)

    def test_a_marker_that_has_expired_keeps_nothing_out(self, bench: Workbench) -> None:
        bench.apply(tombstone("a", 5), tombstone("b", 6))
        bench.world.expire(bench.target.deletes, "a")
        assert bench.counts(row("a", 0), row("b", 0)) == (1, 0, 0)
        bench.apply(tombstone("a", 7))
        assert bench.counts(row("a", 1)) == (0, 0, 0)
        assert bench.rows() == []

    def test_a_transaction_that_fails_leaves_no_marker(self, bench: Workbench) -> None:
        bench.apply(row("a", 0))
        late = bench.spec(bench.stage(tombstone("a", 1)), revision=0)
        assert bench.merge(late).failure is not None
        assert (bench.notes(), markers(bench)) == ({"a": "0/0"}, {})

    def test_without_a_version_kafkas_order_is_all(self, world: WarehouseWorld) -> None:
        bench = Workbench(world, delete_target(world))
        bench.apply(row("a", 0, version=9), row("b", 1))
        assert bench.counts(tombstone("a", 2), row("b", 3)) == (0, 1, 1)
        assert bench.counts(row("a", 1), row("a", 4, version=1)) == (1, 0, 0)
        assert bench.notes() == {"a": "0/4", "b": "0/3"}

    @pytest.mark.parametrize("seed", [pytest.param(1, marks=pytest.mark.slow), 2])
    def test_any_order_of_batches_with_any_replays_ends_alike(self, world: WarehouseWorld, seed: int) -> None:
        any_order(world, seed)


def any_order(world: WarehouseWorld, seed: int) -> None:
    """A log of two keys in two partitions, cut into batches, which come in any order, some of it again."""
    chance = random.Random(seed)
    versions: tuple[str, ...] = ("version",) if seed % 2 else ()
    log = [_drawn(chance, number) for number in range(14)]
    bench = Workbench(world, delete_target(world, *versions))
    for start, size in _cuts(chance, len(log)):
        bench.apply(*log[start : start + size])
    assert bench.notes() == _alive(log, versions), (seed, log)
    assert {key: offset for key, (_, offset) in markers(bench).items()} == _last_tombstones(log)


def _drawn(chance: random.Random, number: int) -> Any:
    """A message; the offset tells the order in both partitions, and so does the timestamp."""
    place = {"partition": chance.randrange(2), "seconds": number}
    key = chance.choice("ab")
    if chance.random() < 0.35:
        return tombstone(key, number, **place)
    return row(key, number, version=chance.choice([None, 1, 2, 3]), **place)


def _cuts(chance: random.Random, count: int) -> list[tuple[int, int]]:
    """Pieces that cover all of the log, and some of it more than once, in any order."""
    found, start = [], 0
    while start < count:
        size = chance.randrange(1, 5)
        found.append((start, size))
        start += size
    found += [(chance.randrange(count), chance.randrange(1, 5)) for _ in range(4)]
    chance.shuffle(found)
    return found


def _alive(log: list[Any], versions: tuple[str, ...]) -> dict[str, str]:
    """The rule: of each key the newest row, unless a tombstone lies behind it."""
    found = {}
    for key in "ab":
        rows = [one for one in log if one["id"] == key and not one["_tombstone"]]
        ends = [one["_kafka_offset"] for one in log if one["id"] == key and one["_tombstone"]]
        if rows:
            newest = max(rows, key=lambda one: (versions != () and (one["version"] or 0), one["_kafka_offset"]))
            if newest["_kafka_offset"] > max(ends, default=-1):
                found[key] = newest["note"]
    return found


def _last_tombstones(log: list[Any]) -> dict[str, int]:
    return {one["id"]: one["_kafka_offset"] for one in log if one["_tombstone"]}
