"""A task's next try: a seek that moved is not done again, a repair that died is finished in the same backup."""

from __future__ import annotations

import logging
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from airflow_kafka_bq.config.destination import Destination
from airflow_kafka_bq.operations.audit import audit
from airflow_kafka_bq.operations.repair import repair, undo
from airflow_kafka_bq.operations.seek import Wish, seek
from airflow_kafka_bq.operations.undo import of
from airflow_kafka_bq.schema.columns import Column
from airflow_kafka_bq.testing.memory import Killed
from tests.operations.doubling import DAY_MS, JANUARY_MS, copy
from tests.operations.seeking import killed_at
from tests.pipeline.world import TABLE, Hook, World

READ, ENDS = {0: 3, 1: 3}, {0: 6, 1: 6}


def _world(read: bool = True) -> World:
    """Six messages in each of two partitions, half of them read."""
    world = World(2)
    for _ in range(2):
        for part in (0, 1):
            world.fill(3, part)
        if read and world.committed() != READ:
            world.run()
    return world


def _stands(world: World) -> dict[int, int]:
    """Where the ledger says; nowhere without one."""
    try:
        return world.positions()
    except AssertionError:
        return {}


def _task(
    world: World, to: Any, folder: Path, hook: Hook | None = None, run_id: str = "first", undo: Any = None
) -> dict[str, Any]:
    """One try of a task that seeks."""
    job = world.job(hook)
    job = replace(job, context=replace(job.context, run_id=run_id))
    wish = Wish(None if to is None else Destination.of(to), undo=undo)
    return seek(job, wish, undo_file=folder / "undo.json", once=True)


@pytest.mark.parametrize("read", [True, False], ids=["read", "new"])
def test_the_end_of_the_log_is_the_one_of_the_try_that_moved(read: bool, tmp_path: Path) -> None:
    """Messages that came between two tries would be skipped, and nobody asked for that."""
    places = []
    for at in range(12):
        world = _world(read)
        places.append(killed_at(at, lambda hook, world=world: _task(world, "latest", tmp_path, hook)))
        moved = _stands(world) == ENDS
        for part in (0, 1):
            world.fill(1, part)
        again = _task(world, "latest", tmp_path)
        stands = ENDS if moved else {0: 7, 1: 7}
        assert (again["changed"], world.positions()) == (not moved, stands), places[-1]
        assert world.committed() == stands, "the group has followed"
        assert world.run().messages == (2 if moved else 0)
        if places[-1] is None:
            break
    assert (places[-1], len(places) > 3) == (None, True)


def test_what_runs_have_read_on_since_is_not_read_once_more(tmp_path: Path) -> None:
    world = _world()
    first = _task(world, "earliest", tmp_path)
    kept = (tmp_path / "undo.json").read_text("utf-8")
    world.run()
    before, committed = world.ledger(), world.committed()
    again = _task(world, "earliest", tmp_path)
    assert (first["changed"], again["changed"], again["undo_file"], again["re_read"]) == (True, False, None, 0)
    assert (world.ledger(), world.committed(), (tmp_path / "undo.json").read_text("utf-8")) == (before, committed, kept)
    later = _task(world, "earliest", tmp_path, run_id="second")
    assert (later["changed"], world.positions()) == (True, {0: 0, 1: 0})


def test_taken_back_it_is_not_moved_by_another_try(tmp_path: Path) -> None:
    world = _world(read=False)
    first = _task(world, "latest", tmp_path)
    assert (first["changed"], world.positions()) == (True, ENDS)
    back = of((tmp_path / "undo.json").read_text("utf-8"))
    assert _task(world, None, tmp_path, run_id="undo", undo=back)["changed"]
    assert world.positions() == {}
    assert _task(world, "latest", tmp_path)["changed"] is False
    assert world.positions() == {}
    assert world.run(start="earliest").messages == 12


def test_the_undo_file_is_in_the_log_before_anything_moves(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A worker's disk may go with the worker."""
    world = _world()
    with caplog.at_level(logging.INFO, "airflow_kafka_bq"):
        assert killed_at(0, lambda hook: _task(world, "earliest", tmp_path, hook)) is not None
    (line,) = [one.getMessage() for one in caplog.records if one.getMessage().startswith("undo file ")]
    assert world.positions() == READ
    told = of(line.partition(": ")[2])
    assert {part: at.next_offset for part, at in told.job("seek", "shop.orders", str(TABLE)).positions.items()} == READ


def _doubled() -> World:
    """Three days of rows; two of them have duplicates."""
    world = World(1)
    for at in range(6):
        world.send({"id": f"{at}", "n": at}, timestamp_ms=JANUARY_MS + at // 2 * DAY_MS)
    world.run()
    for offset in (0, 4, 5):
        copy(world, offset, times=2)
    return world


def _whole(world: World) -> Counter[str]:
    return Counter(repr(sorted(row.items())) for row in world.rows())


def _backups(world: World) -> list[str]:
    return [name for name in world.database.table_names() if "__repair_" in name]


@pytest.mark.parametrize("at", range(8))
def test_all_tries_of_a_repair_have_one_backup_and_the_last_tells_of_all(at: int) -> None:
    world = _doubled()
    before, count = _whole(world), iter(range(100))

    def kill(_name: str, _phase: str) -> None:
        if next(count) == at:
            raise Killed

    world.database.on_effect = kill
    with suppress(Killed):
        repair(world.job(), once=True)
    world.database.on_effect = lambda _name, _phase: None
    done = repair(world.job(), once=True)
    assert (done["removed"], done["left"]["by_key"], _backups(world)) == (6, 0, [done["backup"]])
    assert audit(world.job())["clean"]
    assert undo(world.job(), str(done["backup"]))["restored"] == 6
    assert _whole(world) == before


def test_what_was_doubled_again_meanwhile_is_removed_and_put_back_too() -> None:
    """The backup has rows of that partition already, and the one that stayed must not come twice."""
    world = _doubled()
    clean = len(world.rows()) - 6
    first = repair(world.job(), once=True)
    copy(world, 0, times=3)
    before = _whole(world)
    again = repair(world.job(), once=True)
    assert (again["backup"], again["removed"], len(world.rows())) == (first["backup"], 9, clean)
    assert audit(world.job())["clean"]
    assert undo(world.job(), str(again["backup"]))["restored"] == 9
    assert len(world.rows()) == clean + 9
    assert before - _whole(world) == Counter()


def test_a_backup_that_lacks_a_column_of_the_table_is_left_alone() -> None:
    world = _doubled()
    first = repair(world.job(), once=True)
    facts = world.database.tables.get(TABLE)
    world.database.tables.alter(TABLE, (*facts.columns, Column("late", "STRING")))
    for row in facts.rows.values():
        assert isinstance(row, dict)
        row["late"] = None
    copy(world, 0)
    again = repair(world.job(), once=True)
    assert again["backup"] != first["backup"]
    assert len(_backups(world)) == 2


def test_of_other_runs_and_other_tasks_each_has_its_own() -> None:
    world = _doubled()
    names = []
    for number, (task_id, run_id) in enumerate((("a", "1"), ("b", "1"), ("a", "2"))):
        copy(world, number)
        job = world.job()
        job = replace(job, context=replace(job.context, task_id=task_id, run_id=run_id))
        names.append(repair(job, once=True)["backup"])
    assert len(set(names)) == 3
