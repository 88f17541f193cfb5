"""What every Warehouse promises about rows: kept, replaced, never doubled. Held by ``test_warehouse_*``."""

from __future__ import annotations

from dataclasses import replace

from airflow_kafka_bq.batch import ColumnBounds
from airflow_kafka_bq.schema.columns import Column
from tests.contract.warehouse_world import WarehouseWorld
from tests.contract.workbench import (
    TOPIC,
    Workbench,
    at,
    coordinate_target,
    dead_letter,
    keep_target,
    row,
    update_target,
)


class Keeping:
    """The row that is there stays."""

    def test_a_replay_by_coordinates_changes_nothing(self, world: WarehouseWorld) -> None:
        bench = Workbench(world, coordinate_target(world))
        batch = [row("a", 0), row("a", 1), row(None, 2), row("a", 0, partition=1)]
        assert bench.counts(*batch) == (4, 0, 0)
        before = bench.rows()
        assert bench.counts(*batch, row("new", 3)) == (1, 0, 0)
        assert [one for one in bench.rows() if one["id"] != "new"] == before

    def test_a_row_comes_whole(self, world: WarehouseWorld) -> None:
        bench = Workbench(world, coordinate_target(world))
        headers = [{"key": "h", "value": b"\x00"}, {"key": "h", "value": None}]
        bench.apply(row("ü", 7, version=-(2**63), partition=3, seconds=0.001) | {"_kafka_headers": headers})
        (found,) = bench.rows()
        ingested_at = found.pop("_ingested_at")
        assert abs((ingested_at - world.now()).total_seconds()) < 60
        assert found == {
            "id": "ü",
            "version": -(2**63),
            "note": "3/7",
            "_kafka_topic": TOPIC,
            "_kafka_partition": 3,
            "_kafka_offset": 7,
            "_kafka_timestamp": at(0.001),
            "_kafka_key": "ü",
            "_kafka_headers": headers,
        }

    def test_the_same_offset_of_a_topic_created_again_is_another_message(self, world: WarehouseWorld) -> None:
        bench = Workbench(world, coordinate_target(world))
        bench.apply(row("a", 0, seconds=1))
        assert bench.counts(row("b", 0, seconds=2)) == (1, 0, 0)

    def test_the_first_row_of_a_key_stays(self, world: WarehouseWorld) -> None:
        bench = Workbench(world, keep_target(world))
        assert bench.counts(row("a", 5, version=1)) == (1, 0, 0)
        assert bench.counts(row("a", 6, version=9), row("a", 4), row("b", 7)) == (1, 0, 0)
        assert bench.notes() == {"a": "0/5", "b": "0/7"}

    def test_of_one_batch_the_oldest_of_a_key_wins(self, world: WarehouseWorld) -> None:
        bench = Workbench(world, keep_target(world))
        # in a partition the offset decides, whatever the clock says; between partitions the timestamp, then the number
        bench.apply(
            *[row("a", 3, seconds=1), row("a", 2, seconds=9)],
            *[row("b", 1, seconds=5), row("b", 0, seconds=7), row("b", 8, partition=1, seconds=6)],
            *[row("c", 4, partition=2, seconds=1), row("c", 6, partition=1, seconds=1)],
        )
        assert bench.notes() == {"a": "0/2", "b": "1/8", "c": "1/6"}

    def test_null_equals_nothing(self, world: WarehouseWorld) -> None:
        bench = Workbench(world, keep_target(world))
        assert bench.counts(row(None, 0)) == (1, 0, 0)
        assert bench.counts(row(None, 0)) == (1, 0, 0)

    def test_bounds_of_the_batch_hide_nothing_of_it(self, world: WarehouseWorld) -> None:
        bench = Workbench(world, coordinate_target(world))
        day = ColumnBounds("_kafka_timestamp", ((at(0), at(86400)),))
        offsets = ColumnBounds("_kafka_offset", ((10, 12),))
        batch = [row("a", 10), row("b", 11), row("c", 12, seconds=86399)]
        for expected in (3, 0):
            assert bench.apply(*batch, bounds=(day, offsets)).inserted == expected

    def test_wrong_bounds_would_hide_a_row(self, world: WarehouseWorld) -> None:
        bench = Workbench(world, coordinate_target(world))
        bench.apply(row("a", 12))
        assert bench.apply(row("a", 12), bounds=(ColumnBounds("_kafka_offset", (), (11, 13)),)).inserted == 1

    def test_a_table_of_others_gets_no_coordinates(self, world: WarehouseWorld) -> None:
        columns = (Column("id", "STRING"), Column("version", "INT64"))
        bench = Workbench(world, replace(keep_target(world), columns=columns))
        for expected in (2, 0):
            batch = [{"id": name, "version": 1, "_tombstone": False} for name in ("a", "b", "a")]
            assert bench.counts(*batch) == (expected, 0, 0)
        assert sorted(one["id"] for one in world.rows(bench.target.table)) == ["a", "b"]

    def test_dead_letters_come_once(self, world: WarehouseWorld) -> None:
        bench = Workbench(world, keep_target(world))
        letters = (dead_letter(4), dead_letter(9, "lost", 12))
        bench.apply(row("a", 0), dead=letters)
        bench.apply(dead=(*letters, dead_letter(5), dead_letter(9, "lost", 15)))
        found = sorted(world.rows(bench.target.dead_letters), key=lambda one: int(one["_kafka_offset"]))
        assert [
            (one["_kafka_topic"], one["_kafka_offset"], one["stage"], one["_kafka_end_offset"]) for one in found
        ] == [
            (TOPIC, 4, "decode", None),
            (TOPIC, 5, "decode", None),
            (TOPIC, 9, "lost", 12),
            (TOPIC, 9, "lost", 15),  # more was lost since
        ]
        assert found[0]["_kafka_value"] == b"\x00{"
        assert found[0]["batch_id"] == found[2]["batch_id"] != found[1]["batch_id"]
        assert found[0]["failed_at"] is not None
        assert found[0]["redriven_at"] is None


class Updating:
    """A newer row wins."""

    def test_the_greater_version_wins_whenever_it_comes(self, world: WarehouseWorld) -> None:
        bench = Workbench(world, update_target(world, "version"))
        assert bench.counts(row("a", 1, version=5)) == (1, 0, 0)
        assert bench.counts(row("a", 2, version=4)) == (0, 0, 0)
        assert bench.counts(row("a", 0, version=6)) == (0, 1, 0)
        assert bench.notes() == {"a": "0/0"}
        assert [one["_kafka_offset"] for one in bench.rows()] == [0]

    def test_a_replay_changes_nothing(self, world: WarehouseWorld) -> None:
        bench = Workbench(world, update_target(world, "version"))
        batch = [row("a", 0, version=1), row("a", 1, version=1), row("b", 2)]
        assert bench.counts(*batch) == (2, 0, 0)
        before = bench.rows()
        assert bench.counts(*batch) == (0, 0, 0)
        assert bench.counts(batch[0]) == (0, 0, 0)
        assert bench.rows() == before

    def test_null_is_the_lowest_version(self, world: WarehouseWorld) -> None:
        bench = Workbench(world, update_target(world, "version"))
        bench.apply(row("a", 5), row("a", 4, version=-9))
        assert bench.notes() == {"a": "0/4"}
        assert bench.counts(row("a", 6)) == (0, 0, 0)
        bench.apply(row("b", 7))
        assert bench.counts(row("b", 3, version=-9)) == (0, 1, 0)
        assert bench.notes() == {"a": "0/4", "b": "0/3"}

    def test_ties_go_to_the_greater_offset_whatever_the_clock_says(self, world: WarehouseWorld) -> None:
        bench = Workbench(world, update_target(world))
        bench.apply(row("a", 3, seconds=1), row("a", 2, seconds=9))
        assert bench.notes() == {"a": "0/3"}
        assert bench.counts(row("a", 2, seconds=99)) == (0, 0, 0)
        assert bench.counts(row("a", 4, seconds=0)) == (0, 1, 0)

    def test_between_partitions_the_later_timestamp_wins_then_the_number(self, world: WarehouseWorld) -> None:
        bench = Workbench(world, update_target(world))
        bench.apply(row("a", 0, partition=1, seconds=5))
        assert bench.counts(row("a", 90, partition=0, seconds=4)) == (0, 0, 0)
        assert bench.counts(row("a", 91, partition=0, seconds=5)) == (0, 0, 0)
        assert bench.counts(row("a", 1, partition=2, seconds=5)) == (0, 1, 0)
        assert bench.counts(row("a", 92, partition=0, seconds=6)) == (0, 1, 0)
        assert bench.notes() == {"a": "0/92"}

    def test_of_one_batch_the_newest_of_a_key_wins(self, world: WarehouseWorld) -> None:
        bench = Workbench(world, update_target(world, "version"))
        bench.apply(
            *[row("a", 0, version=2), row("a", 1, version=1), row("a", 2, version=2), row("a", 3, version=1)],
            *[row("b", 4, version=1, seconds=9), row("b", 0, version=2, partition=1, seconds=1)],
            *[row("c", 5, seconds=1), row("c", 6, seconds=0), row("c", 1, partition=1, seconds=0.5)],
            *[row("d", 9, seconds=3), row("d", 2, partition=1, seconds=3)],
        )
        # of c, partition 0 offers its last message, which has the earlier timestamp
        assert bench.notes() == {"a": "0/2", "b": "1/0", "c": "1/1", "d": "1/2"}

    def test_an_update_replaces_every_column(self, world: WarehouseWorld) -> None:
        bench = Workbench(world, update_target(world))
        bench.apply(row("a", 0, version=7))
        bench.apply(row("a", 1, seconds=60) | {"note": None})
        (found,) = bench.rows()
        names = ("version", "note", "_kafka_offset", "_kafka_timestamp", "_deleted_at")
        assert [found[name] for name in names] == [None, None, 1, at(60), None]
