"""Duplicates removed: which row stays, what is kept, what happens when it dies, and how it is undone."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from airflow_kafka_bq.config.days import Between
from airflow_kafka_bq.exceptions import (
    MergeConflictError,
    StopRequested,
    WarehouseUnavailableError,
)
from airflow_kafka_bq.operations.audit import audit
from airflow_kafka_bq.operations.repair import rehearse, repair, undo
from airflow_kafka_bq.pipeline.job import Job
from airflow_kafka_bq.testing.memory import Killed
from tests.operations.doubling import DAY_MS, JANUARY_MS, copy, doubled, other_order
from tests.pipeline.world import KEEP, TABLE, UPDATE, Hook, Watched, World

BARE: dict[str, Any] = {**KEEP, "kafka_columns": "none"}


def three_days(**settings: Any) -> World:
    """Three days of rows; two of them have duplicates."""
    world = World(1)
    for at in range(6):
        day = JANUARY_MS + at // 2 * DAY_MS
        world.send({"id": f"{at}", "n": at, "updated": at}, timestamp_ms=day)
    world.run(**settings)
    for offset in (0, 4, 5):
        copy(world, offset, times=2)
    return world


def whole(world: World) -> Counter[str]:
    """The table as a multiset, times of arrival included."""
    return Counter(repr(sorted(row.items())) for row in world.rows())


def _watched(world: World, hook: Hook) -> Job:
    """A job whose repairs are told to a hook, outside of all locks."""
    job = world.job()
    warehouse: Any = job.warehouse
    warehouse.repairs = Watched(warehouse.repairs, hook)
    return job


def backups(world: World) -> list[str]:
    """Names of the backups that are there."""
    return [name.rpartition(".")[2] for name in world.database.table_names() if "__repair_" in name]


@pytest.mark.parametrize("settings", [{}, KEEP, UPDATE, BARE], ids=["coordinates", "keep", "update", "bare"])
def test_a_repair_leaves_what_the_job_wrote(settings: dict[str, Any]) -> None:
    world = doubled(**settings)
    before = whole(world)
    rows = world.rows()
    world.database.insert(TABLE, [rows[0], rows[0], rows[2]])
    job = world.job(**settings)
    told = rehearse(job)
    assert (told["dry_run"], sum(one["surplus"] for one in told["parts"]), backups(world)) == (True, 3, [])
    done = repair(job)
    assert (done["removed"], done["left"]["by_key"], done["parts"]) == (3, 0, told["parts"])
    assert whole(world) == before
    assert audit(world.job(**settings))["clean"]
    world.fill(1)
    world.run(**settings)
    assert len(world.rows()) == 5, "the live task goes on"


def test_keep_keeps_the_oldest_and_update_the_newest() -> None:
    for settings, kept in ((KEEP, 0), (UPDATE, 9)):
        world = doubled(**settings)
        other_order(world, "0-0", offset=9, n=9, updated=None)
        repair(world.job(**settings))
        assert [row["_kafka_offset"] for row in world.rows() if row["id"] == "0-0"] == [kept]


def test_partitions_without_duplicates_are_left_alone() -> None:
    world = three_days()
    done = repair(world.job())
    assert [(one["part"][:10], one["keys"], one["surplus"]) for one in done["parts"]] == [
        ("2026-01-01", 1, 2), ("2026-01-03", 2, 4),
    ]  # fmt: skip
    assert world.ledger().revision == 3, "one for the run, one for each part"


def test_a_range_means_whole_partitions() -> None:
    world = three_days()
    done = repair(world.job(), Between.of("2026-01-03T12:00:00", "2026-01-03T13:00:00"))
    assert (done["removed"], done["left"]["by_key"]) == (4, 0)
    assert audit(world.job())["duplicates"]["by_key"]["rows"] == 2


def test_a_clean_table_gets_no_backup() -> None:
    world = doubled()
    before = world.ledger()
    done = repair(world.job())
    assert (done["backup"], done["removed"], backups(world), world.ledger()) == (None, 0, [], before)


def test_undo_is_exact_and_twice_is_once() -> None:
    world = three_days()
    before = whole(world)
    name = str(repair(world.job())["backup"])
    assert undo(world.job(), name)["restored"] == 6
    assert whole(world) == before
    assert undo(world.job(), name.rpartition(".")[2])["restored"] == 0
    assert whole(world) == before
    assert repair(world.job())["removed"] == 6


@pytest.mark.parametrize("at", range(8))
def test_a_repair_that_dies_is_finished_by_another_one(at: int) -> None:
    """Before and after: ledger, backup, each part."""
    world = three_days()
    clean = Counter(row["_kafka_offset"] for row in world.rows()).keys()
    count = iter(range(100))

    def kill(_name: str, _phase: str) -> None:
        if next(count) == at:
            raise Killed

    before = whole(world)
    world.database.on_effect = kill
    died = False
    try:
        repair(world.job())
    except Killed:
        died = True
    world.database.on_effect = lambda _name, _phase: None
    assert died == (at < 6)
    gone = sum((before - whole(world)).values())
    saved = sum(one.removed for name in backups(world) for one in _saved(world, name))
    assert gone == saved, "what is gone is in the backup, and nothing else"
    repair(world.job())
    assert [row["_kafka_offset"] for row in sorted(world.rows(), key=lambda row: row["_kafka_offset"])] == sorted(clean)
    for name in backups(world):
        undo(world.job(), name)
    assert whole(world) == before


def _saved(world: World, name: str) -> Any:
    return world.warehouse().repairs.backed_up(TABLE.companion(name.partition("__")[2]))


@pytest.mark.parametrize("at", range(4))
def test_an_undo_that_dies_is_finished_by_another_one(at: int) -> None:
    world = three_days()
    before = whole(world)
    name = str(repair(world.job())["backup"])
    count = iter(range(100))

    def kill(_name: str, _phase: str) -> None:
        if next(count) == at:
            raise Killed

    world.database.on_effect = kill
    with pytest.raises(Killed):
        undo(world.job(), name)
    world.database.on_effect = lambda _name, _phase: None
    undo(world.job(), name)
    assert whole(world) == before


def test_a_run_between_two_parts_makes_it_lose() -> None:
    world = three_days()
    runs = list[int]()

    def run(name: str, phase: str) -> None:
        if (name, phase) == ("remove", "after") and not runs:
            world.fill(2)
            runs.append(world.run().messages)

    with pytest.raises(MergeConflictError, match="while it was repaired") as caught:
        repair(_watched(world, run))
    assert runs == [2]
    assert "pause the DAG" in str(caught.value)
    assert audit(world.job())["duplicates"]["by_key"]["rows"] == 4, "the first part is done, the second is whole"
    repair(world.job())
    assert audit(world.job())["clean"]


def test_a_run_that_is_overtaken_merges_again() -> None:
    world = three_days()
    world.send({"id": "late", "n": 1})
    done = list[int]()

    def overtake(name: str, phase: str) -> None:
        if (name, phase) == ("merge", "before") and not done:
            done.append(repair(world.job())["removed"])

    world.run(overtake)
    assert done == [6]
    assert audit(world.job())["clean"]
    assert len(world.rows()) == 7


def test_a_table_that_no_run_has_written_to_is_repaired_too() -> None:
    world = doubled(fence="none")
    copy(world, 1)
    assert repair(world.job())["removed"] == 1
    assert (world.positions(), world.ledger().revision) == ({}, 1)
    world.run()
    assert audit(world.job())["rows"] == 4, "positions of the group hold"


def test_what_the_rule_cannot_decide_is_left() -> None:
    world = doubled(**BARE)
    (row, *_) = world.rows()
    world.database.insert(TABLE, [{**row, "n": 77}])
    done = repair(world.job(**BARE))
    assert (done["removed"], done["left"]["by_key"], backups(world)) == (0, 1, [])


def test_trouble_of_bigquery_alone_is_ridden_out() -> None:
    world = three_days()
    world.database.fail_next("remove", WarehouseUnavailableError("once"))
    with pytest.raises(WarehouseUnavailableError):
        repair(world.job())
    assert repair(world.job())["removed"] == 6


def test_a_stop_ends_it_between_two_parts() -> None:
    world = three_days()
    job = _watched(world, lambda name, phase: job.stop.request() if (name, phase) == ("remove", "after") else None)
    with pytest.raises(StopRequested):
        repair(job)
    assert audit(world.job())["duplicates"]["by_key"]["rows"] == 4
