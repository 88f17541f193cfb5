"""Runs whose tombstones remove rows: accounting, replays, and windows that reach behind the markers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from airflow_kafka_bq.exceptions import ConfigError, SchemaDriftError, WarehouseUnavailableError
from airflow_kafka_bq.operations.preview import preview
from airflow_kafka_bq.testing.memory.clock import milliseconds
from tests.pipeline.actors import Actor, in_step
from tests.pipeline.world import KEEP, TABLE, UPDATE, World

DELETE: dict[str, Any] = {**UPDATE, "on_tombstone": "delete", "delete_expiration_days": 10}
DELETES = TABLE.companion("deletes")
COUNTS = ("inserted", "updated", "deleted", "unchanged", "dead_lettered", "ignored")


def _order(world: World, key: str, n: int, updated: int | None = None, days_ago: float = 0) -> None:
    at = milliseconds(world.clock() - timedelta(days=days_ago))
    world.send({"id": key, "n": n, "updated": updated}, key=key, timestamp_ms=at)


def _gone(world: World, key: str | None, days_ago: float = 0) -> None:
    world.send(None, key=key, timestamp_ms=milliseconds(world.clock() - timedelta(days=days_ago)))


def _window(start: int, end: int) -> dict[str, Any]:
    return {**DELETE, "window": {"from": {0: start}, "to": {0: end}}}


def _ids(world: World) -> dict[str, int]:
    return {row["id"]: row["n"] for row in world.rows()}


def _log() -> World:
    """a is removed; b is removed and comes again; c was never there; d has no key."""
    world = World(1)
    _order(world, "a", 0, 5)
    _order(world, "b", 1, 5)
    _gone(world, "a")
    _gone(world, "b")
    _gone(world, "c")
    _order(world, "b", 5, 6)
    _gone(world, None)
    return world


@pytest.mark.parametrize(("size", "deleted"), [(1, 2), (2, 2), (3, 1), (100, 1)])
def test_every_message_is_accounted_for(size: int, deleted: int) -> None:
    """Where b's tombstone and its next row are in one batch, b is never gone."""
    world = _log()
    report = world.run(**DELETE, batch_messages=size, max_bad_ratio=None)
    assert report.messages == sum(report.rows.values()) == 7
    assert report.rows["deleted"] == deleted
    assert report.rows["dead_lettered"] == 1
    assert _ids(world) == {"b": 5}
    assert {row["id"]: row["updated"] for row in world.database.rows(DELETES)}["c"] is None


def test_a_replay_of_any_window_changes_nothing() -> None:
    world = _log()
    world.run(**DELETE, batch_messages=2, max_bad_ratio=None)
    before = world.table()
    for start in range(7):
        for end in range(start + 1, 8):
            report = world.run(**_window(start, end), max_bad_ratio=None)
            assert report.rows["unchanged"] + report.rows["dead_lettered"] == end - start
            assert world.table() == before, (start, end)


def test_a_crash_anywhere_is_made_good_by_the_next_run() -> None:
    expected = _log()
    expected.run(**DELETE, batch_messages=2, max_bad_ratio=None)
    at = 0
    while True:
        world = _log()
        if world.kill(at, **DELETE, batch_messages=2, max_bad_ratio=None) is None:
            break
        world.run(**DELETE, batch_messages=2, max_bad_ratio=None)
        assert world.table() == expected.table(), at
        world.run(**_window(0, 2))
        assert world.table() == expected.table(), at
        at += 1
    assert at > 20


@pytest.mark.parametrize("fence", ["ledger", "none"])
def test_markers_hold_with_and_without_a_ledger(fence: str) -> None:
    world = _log()
    world.run(**DELETE, fence=fence, max_bad_ratio=None)
    if fence == "none":
        world.commit({0: 0})
        world.run(**DELETE, fence=fence, max_messages=2, batch_messages=1)
        assert _ids(world) == {"b": 5}, "the first two are read again, and their tombstones not"
    assert len(world.database.rows(DELETES)) == 3


def test_a_tombstone_of_a_structured_key_removes_its_row() -> None:
    world = World(1)
    settings = {**DELETE, "dedup_key": ["id", "n"], "key_format": "json", "tombstone_key": {"id": "name", "n": "no"}}
    world.send({"id": "a", "n": 1}, key='{"name": "a", "no": 1}')
    world.send({"id": "a", "n": 2}, key='{"name": "a", "no": 2}')
    world.send(None, key='{"no": 1, "name": "a"}')
    report = world.run(**settings)
    assert (report.rows["inserted"], report.rows["deleted"]) == (2, 1)
    assert [row["n"] for row in world.rows()] == [2]


def test_a_window_of_times_that_begins_behind_the_markers_is_refused() -> None:
    world = World(1)
    _order(world, "a", 0)
    now = world.clock()
    early, fits = (now - timedelta(days=days) for days in (10.5, 9.5))
    ends = {"to": (now + timedelta(days=1)).isoformat()}
    with pytest.raises(ConfigError, match=r"delete_expiration_days=10.*bring it back") as caught:
        world.run(**DELETE, window={"from": early.isoformat(), **ends})
    assert "begin the window later" in (caught.value.remedy or "")
    assert world.database.table_names() == [], "nothing was created"
    assert world.run(**DELETE, window={"from": fits.isoformat(), **ends}).messages == 1


def test_a_window_that_reaches_behind_the_markers_is_refused() -> None:
    """A replay of the first message alone would bring back what the second removed."""
    world = World(1)
    _order(world, "a", 0, days_ago=30)
    _gone(world, "a", days_ago=20)
    _order(world, "b", 2, days_ago=5)
    world.run(**DELETE)
    world.clock.advance(12 * 86400)
    with pytest.raises(ConfigError, match=r"offset 0 of partition 0, before 20\d\d-") as caught:
        world.run(**_window(0, 1))
    assert (caught.value.partition, caught.value.offset) == (0, 0)
    assert _ids(world) == {"b": 2}
    with pytest.raises(ConfigError, match="offset 2"):
        world.run(**_window(2, 3))  # it was produced more than ten days ago by now
    assert world.run(**_window(2, 2)).messages == 0
    _order(world, "c", 3)
    assert world.run(**_window(3, 4)).messages == 1


def test_other_jobs_read_windows_as_old_as_they_like() -> None:
    world = World(1)
    _order(world, "a", 0, days_ago=300)
    for settings in (KEEP, UPDATE, {**UPDATE, "on_tombstone": "ignore"}):
        assert world.run(**{**_window(0, 1), "on_tombstone": None, **settings}).messages == 1


def test_a_preview_refuses_the_same_window() -> None:
    world = World(1)
    _order(world, "a", 0, days_ago=30)
    with pytest.raises(ConfigError, match="bring it back"):
        preview(world.job(**_window(0, 1)))


def test_a_preview_names_the_table_of_markers_until_it_is_there() -> None:
    world = _log()
    assert str(DELETES) in preview(world.job(**DELETE))["would_create"]
    world.run(**DELETE, max_messages=1)
    shown = preview(world.job(**DELETE))
    assert shown["would_create"] == []
    assert "orders__deletes" in shown["merge"]


def test_a_window_that_slept_is_not_merged() -> None:
    world = World(1)
    _order(world, "a", 0)
    with in_step():
        held = Actor(world, **_window(0, 1)).until("merge")
        world.clock.advance(25 * 3600)
        held.finish()
    assert isinstance(held.error, WarehouseUnavailableError)
    assert "since this window was planned" in str(held.error)
    assert world.rows() == []
    assert world.run(**_window(0, 1)).messages == 1


def test_a_live_run_that_slept_is_merged() -> None:
    world = _log()
    with in_step():
        held = Actor(world, **DELETE, max_bad_ratio=None).until("merge")
        world.clock.advance(25 * 3600)
        held.finish()
    assert held.error is None
    assert _ids(world) == {"b": 5}


def test_markers_of_another_key_are_refused() -> None:
    world = _log()
    world.run(**DELETE, max_bad_ratio=None)
    with pytest.raises(SchemaDriftError, match=r"orders__deletes lacks \['n'\]"):
        world.run(**{**DELETE, "version": ["n"]})


def test_a_table_that_soft_delete_filled_is_refused() -> None:
    world = _log()
    world.run(**UPDATE, max_bad_ratio=None)
    with pytest.raises(SchemaDriftError, match="_deleted_at is of on_tombstone='soft_delete'"):
        world.run(**DELETE)
