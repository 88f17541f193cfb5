"""A run in slices: as a whole or not at all, and the same as in one task."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_kafka_bq.exceptions import BadMessagesError, ConfigError, MergeConflictError
from airflow_kafka_bq.pipeline import portions
from airflow_kafka_bq.pipeline.report import RunReport
from airflow_kafka_bq.pipeline.slices import merge_slices, plan_slices, stage_slice
from airflow_kafka_bq.testing.memory import Killed
from tests.pipeline.world import KEEP, UPDATE, Assassin, Hook, World

BATCH: dict[str, Any] = {"batch_messages": 4}


def told(found: Any) -> Any:
    """As an XCom gives it to the next task."""
    return json.loads(json.dumps(found))


def planned(world: World, most: int = 3, hook: Hook | None = None, **settings: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = told(plan_slices(world.job(hook, **{**BATCH, **settings}), most))
    return found


def staged(world: World, document: dict[str, Any], hook: Hook | None = None, **settings: Any) -> dict[str, Any]:
    found: dict[str, Any] = told(stage_slice(world.job(hook, **{**BATCH, **settings}), document))
    return found


def merged(world: World, documents: list[dict[str, Any]], hook: Hook | None = None, **settings: Any) -> RunReport:
    return merge_slices(world.job(hook, **{**BATCH, **settings}), documents)


def sliced(world: World, most: int = 3, **settings: Any) -> RunReport:
    documents = planned(world, most, **settings)
    return merged(world, [staged(world, one, **settings) for one in documents], **settings)


def filled(partitions: int = 4) -> World:
    world = World(partitions)
    for part in range(partitions):
        world.fill(3 * part + 2, part)
    return world


def keyed(world: World) -> World:
    for n in range(14):
        world.clock.advance(1)
        name = f"k{n % 5}"
        world.send({"id": name, "n": n, "updated": n * 7 % 5}, n % 5 % 2, key=name)
        if n in {6, 9}:
            world.send(None, n % 5 % 2, key=name)
    return world


def calls(world: World, step: Any, *arguments: Any, **settings: Any) -> list[str]:
    seen: list[str] = []
    step(world, *arguments, lambda name, phase: seen.append(name) if phase == "before" else None, **settings)
    return seen


@pytest.mark.parametrize(
    "settings",
    [{}, KEEP, UPDATE, {**UPDATE, "on_tombstone": "delete"}, {**KEEP, "on_tombstone": "dead_letter"}],
    ids=str,
)
def test_slices_leave_what_one_task_leaves(settings: dict[str, Any]) -> None:
    one, other = keyed(World()), keyed(World())
    report, alone = sliced(one, 2, **settings), other.run(**BATCH, merge_per="run", **settings)
    assert (one.table(), one.dead() if "dead" in str(settings) else None) == (
        other.table(), other.dead() if "dead" in str(settings) else None,
    )  # fmt: skip
    assert one.positions() == other.positions() == one.committed()
    assert report.rows == alone.rows
    assert {n: (p["start"], p["end"], p["lag_after"]) for n, p in report.partitions.items()} == {
        n: (p["start"], p["end"], p["lag_after"]) for n, p in alone.partitions.items()
    }
    assert one.staging() == []


def test_one_merge_one_ledger_move_one_commit() -> None:
    world = filled()
    documents = planned(world)
    assert sorted(one["lag"] for one in documents) == [7, 8, 11]
    done = [staged(world, one) for one in documents]
    assert world.offsets().total() == 0
    assert world.positions() == dict.fromkeys(range(4), 0)
    effects = Assassin()
    report = merged(world, done, effects)
    assert [effects.names.count(f"before {one}") for one in ("load", "merge", "commit")] == [0, 1, 1]
    assert (report.messages, report.outcome, len(world.history())) == (26, "end", 1)
    assert world.covered() == {part: (0, 3 * part + 2) for part in range(4)}


def test_nothing_to_read_is_one_slice_and_refreshes_the_commit() -> None:
    world = World()
    report = sliced(world)
    assert (report.messages, report.committed, world.committed()) == (0, True, {0: 0, 1: 0})
    assert world.history() == []


def test_a_slice_that_fails_leaves_the_table_as_it_was_and_is_retried_alone() -> None:
    world = filled()
    documents = planned(world)
    done = [staged(world, one) for one in documents[:2]]

    def broken(name: str, _phase: str) -> None:
        if name == "poll":
            raise RuntimeError("the worker is gone")

    with pytest.raises(RuntimeError):
        staged(world, documents[2], broken)
    with pytest.raises(ConfigError, match="slices"):
        merged(world, done)
    assert world.offsets().total() == 0
    done.append(staged(world, documents[2]))
    assert merged(world, done).messages == 26


def test_a_retried_slice_that_finds_its_staging_done_reads_nothing() -> None:
    world = filled()
    first, *_ = planned(world)
    once = staged(world, first)
    seen = calls(world, staged, first)
    assert "poll" not in seen
    assert "load" not in seen
    assert staged(world, first) == once


def test_a_retried_slice_whose_staging_expired_reads_again() -> None:
    world = filled()
    documents = planned(world)
    done = [staged(world, one) for one in documents]
    gone = done[0]["portions"][0]["portion"]["staged"]["rows_tables"][0]["table"]
    world.database.drop_table(world.target(world.config()).staging(gone.rpartition("__stg_")[2]))
    again = staged(world, documents[0])
    assert again["portions"] != done[0]["portions"]
    assert merged(world, [again, *done[1:]]).messages == 26


@pytest.mark.parametrize("settings", [{}, UPDATE, {"on_gap": "record"}], ids=str)
def test_killed_at_any_effect_of_any_step_a_retry_ends_well(settings: dict[str, Any]) -> None:
    def prepared() -> World:
        world = keyed(World())
        if settings.get("on_gap"):
            world.run(**BATCH, max_messages=2, **settings)
            world.cluster.delete_records("shop.orders", 0, 5)
        return world

    whole = prepared()
    whole.run(**BATCH, merge_per="run", **settings)
    counter = Assassin()
    trial = prepared()
    documents = planned(trial, 2, counter, **settings)
    merged(trial, [staged(trial, one, counter, **settings) for one in documents], counter, **settings)
    assert counter.count > 10
    for at in range(counter.count):
        world, killer = prepared(), Assassin(at)

        def tried(step: Any, *arguments: Any, killer: Assassin = killer, world: World = world) -> Any:
            try:
                return step(world, *arguments, killer, **settings)
            except Killed:
                killer.dead, killer.at = False, None  # the next try is a process of its own
                return step(world, *arguments, **settings)

        documents = tried(planned, 2)
        tried(merged, [tried(staged, one) for one in documents])
        assert (world.table(), world.dead()) == (whole.table(), whole.dead()), killer.names[at]
        assert world.positions() == world.committed() == whole.positions(), killer.names[at]


def test_another_writer_in_between_is_named_and_nothing_is_doubled() -> None:
    world = filled()
    done = [staged(world, one) for one in planned(world)]
    world.run(batch_messages=3)
    with pytest.raises(MergeConflictError, match="since the slices were planned"):
        merged(world, done)
    assert world.offsets().total() == len(world.offsets()) == 26
    assert sliced(world).messages == 0


def test_a_window_run_between_plan_and_merge_does_no_harm() -> None:
    """It moves the revision alone: the same staging is submitted at the new one."""
    world = filled()
    done = [staged(world, one) for one in planned(world)]
    world.run(window={"from": {0: 0}, "to": {0: 1}})
    report = merged(world, done)
    assert (report.messages, report.rows["inserted"]) == (26, 25)


def test_other_settings_or_code_since_the_plan_are_refused() -> None:
    world = filled()
    documents = planned(world)
    with pytest.raises(ConfigError, match="changed since"):
        staged(world, documents[0], **KEEP)
    done = [staged(world, one) for one in documents]
    with pytest.raises(ConfigError, match="changed since"):
        merged(world, done, **KEEP)


def test_slices_of_two_plans_are_not_mixed() -> None:
    world = filled()
    old = [staged(world, one) for one in planned(world)]
    world.run(**BATCH)
    for part in range(4):
        world.fill(3, part)
    new = [staged(world, one) for one in planned(world)]
    assert len(new) == len(old)
    with pytest.raises(ConfigError, match="all of one plan"):
        merged(world, [*new[:1], *old[1:]])


def test_too_many_bad_messages_stop_their_slice() -> None:
    world = filled()
    world.send(b"{broken", 2)
    documents = planned(world, max_bad_messages=0)
    (bad,) = (one for one in documents if "2" in one["plan"]["partitions"])
    with pytest.raises(BadMessagesError):
        staged(world, bad, max_bad_messages=0)
    assert world.offsets().total() == 0


def test_more_than_a_statement_takes_is_several_merges_and_a_retry_finds_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portions, "MAX_BATCHES", 2)
    world = filled()
    done = [staged(world, one) for one in planned(world)]
    report = merged(world, done)
    assert (report.messages, len(world.history())) == (26, 4)
    again = merged(world, done)
    assert (again.messages, len(world.history())) == (26, 4)
    assert (
        again.rows["inserted"] == world.history()[-1]["rows_staged"]
    )  # of the last, whose job is found; no other counts
    assert world.positions() == world.committed()


def test_a_window_is_sliced_too_and_moves_nothing() -> None:
    world = filled()
    world.run(**BATCH, max_messages=5)
    before = world.positions()
    window: dict[str, Any] = {
        "window": {"from": dict.fromkeys(range(4), 0), "to": {part: 3 * part + 2 for part in range(4)}}
    }
    report = sliced(world, **window)
    assert (report.messages, report.outcome, report.rows["inserted"]) == (26, "window", 21)
    assert world.positions() == before
