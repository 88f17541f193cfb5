"""``merge_per="run"``: batches are read and staged one by one, and one MERGE applies them all."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_kafka_bq.batch import Kind
from airflow_kafka_bq.config.letters import LetterSelection
from airflow_kafka_bq.exceptions import BadMessagesError, MergeRejectedError
from airflow_kafka_bq.pipeline import portions
from tests.pipeline.world import GROUP, KEEP, TOPIC, UPDATE, Assassin, World

RUN: dict[str, Any] = {"merge_per": "run", "batch_messages": 4}


def merges(world: World, **settings: Any) -> list[str]:
    """Effects of a run in their order."""
    seen = Assassin()
    world.run(seen, **{**RUN, **settings})
    return [name.removeprefix("before ") for name in seen.names if name.startswith("before ")]


def test_many_batches_are_one_merge_one_commit_and_one_row_of_history() -> None:
    world = World()
    world.fill(9, 0)
    world.fill(4, 1)
    effects = merges(world)
    assert [effects.count(one) for one in ("load", "merge", "commit")] == [4, 1, 1]
    assert effects.index("merge") > max(at for at, one in enumerate(effects) if one == "load")
    (batch,) = world.history()
    assert (batch["messages"], batch["rows_staged"], len(batch["load_job_ids"])) == (13, 13, 4)
    assert world.covered() == {0: (0, 9), 1: (0, 4)}
    assert (world.positions(), world.committed()) == ({0: 9, 1: 4}, {0: 9, 1: 4})
    assert world.staging() == []


def test_the_report_counts_batches_and_messages() -> None:
    world = World()
    world.fill(9, 0)
    report = world.run(**RUN)
    assert (report.messages, report.batches, report.rows["inserted"]) == (9, 3, 9)
    assert len(report.jobs) == 4
    assert report.revision == world.ledger().revision


@pytest.mark.parametrize("settings", [{}, KEEP, UPDATE, {**UPDATE, "on_tombstone": "delete"}], ids=str)
def test_the_table_is_what_a_merge_per_batch_would_leave(settings: dict[str, Any]) -> None:
    def prepared() -> World:
        world = World()
        for n in range(12):
            world.clock.advance(1)
            world.send({"id": f"k{n % 5}", "n": n, "updated": -n if n % 4 else n}, n % 5 % 2, key=f"k{n % 5}")
            if "updated" in str(settings) and n in {3, 7, 11}:
                world.send(None, n % 5 % 2, key=f"k{n % 5}")
        return world

    one, other = prepared(), prepared()
    one.run(**{**RUN, **settings})
    other.run(batch_messages=4, **settings)
    assert one.table() == other.table()
    assert one.positions() == other.positions()


def test_a_run_with_nothing_to_read_merges_nothing() -> None:
    world = World()
    world.run(**RUN)
    assert world.history() == []
    assert world.committed() == {0: 0, 1: 0}


def test_a_row_that_only_the_merge_rejects_is_found_while_its_message_is_at_hand() -> None:
    world = World()
    for n in range(10):
        world.send({"id": str(n), "n": n})
    world.database.reject_rows(lambda row: "not this one" if row.get("n") in {2, 9} else None, at="merge")
    report = world.run(**RUN, **KEEP, max_bad_ratio=None)
    assert (report.rows["inserted"], report.rows["dead_lettered"]) == (8, 2)
    assert {(one["_kafka_offset"], one["stage"], one["_kafka_value"][:9]) for one in world.letters()} == {
        (2, "merge", b'{"id": "2'),
        (9, "merge", b'{"id": "9'),
    }
    assert len(world.history()) == 1
    assert world.staging() == []


def test_rows_that_the_merge_rejects_although_they_were_tried_end_the_run() -> None:
    world = World()
    world.fill(9)

    def hook(name: str, phase: str) -> None:
        if (name, phase) == ("merge", "before"):
            world.database.reject_rows(lambda _row: "never", at="merge")

    with pytest.raises(MergeRejectedError, match="never"):
        world.run(hook, **RUN, **KEEP)
    assert (world.offsets(), world.positions()) == ({}, {0: 0, 1: 0})


def test_bad_messages_are_counted_before_anything_is_merged() -> None:
    world = World()
    world.fill(8)
    world.send(b"{broken")
    with pytest.raises(BadMessagesError):
        world.run(**RUN, **KEEP, max_bad_messages=0)
    assert (world.offsets(), world.positions()) == ({}, {0: 0, 1: 0})


def test_more_batches_than_a_statement_takes_are_several_merges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portions, "MAX_BATCHES", 2)
    world = World()
    world.fill(20)
    assert merges(world).count("merge") == 3
    assert world.covered() == {0: (0, 20)}


def test_more_days_than_a_statement_may_change_are_several_merges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portions, "MAX_PARTITIONS", 4)
    world = World(1)
    for day in range(12):
        world.send({"id": str(day), "n": day}, timestamp_ms=1_767_225_600_000 + 86_400_000 * (day // 2))
    assert merges(world).count("merge") == 2
    assert world.offsets().total() == 12


def test_limits_of_a_run_still_end_it() -> None:
    world = World(1)
    world.fill(20)
    report = world.run(**RUN, max_messages=10)
    assert (report.outcome, report.messages, len(world.history())) == ("limit", 10, 1)
    assert world.positions() == {0: 10}


def test_a_window_merges_once_and_moves_nothing() -> None:
    world = World(1)
    world.fill(12)
    world.run(**RUN, max_messages=2)
    before = world.positions()
    report = world.run(**RUN, window={"from": {0: 0}, "to": {0: 11}})
    assert (report.messages, report.rows["inserted"], report.outcome) == (11, 9, "window")
    assert (world.positions(), len(world.history(Kind.WINDOW))) == (before, 1)


def test_a_redrive_merges_once() -> None:
    world = World(1)
    for n in range(9):
        world.send({"id": str(n), "n": "x" if n % 2 else n})
    world.run(**RUN, **KEEP, max_bad_ratio=None)
    report = world.run(**{**RUN, "batch_messages": 2}, **KEEP, letters=LetterSelection.of(), max_bad_ratio=None)
    assert (report.messages, report.rows["dead_lettered"], len(world.history(Kind.REDRIVE))) == (4, 4, 1)


def test_a_writer_that_was_faster_costs_a_new_plan_and_no_row() -> None:
    """Everything is staged; before the MERGE another run reads the same messages and more."""
    world = World(1)
    world.fill(9)
    calls: list[str] = []

    def hook(name: str, phase: str) -> None:
        if (name, phase) == ("merge", "before") and not calls:
            calls.append(name)
            world.fill(2)
            world.run(batch_messages=3)

    report = world.run(hook, **RUN)
    assert report.outcome == "end"
    assert world.offsets().total() == len(world.offsets()) == 11
    assert world.positions() == world.committed() == {0: 11}
    assert world.cluster.groups.committed(GROUP, TOPIC)


def test_the_merge_that_died_unseen_is_found_by_the_next_run() -> None:
    """Killed behind its MERGE: the next run finds the ledger further on, and stages nothing again."""
    world = World(1)
    world.fill(9)
    effects = Assassin()
    world.run(effects, **RUN)
    for at, name in enumerate(effects.names):
        again = World(1)
        again.fill(9)
        again.kill(at, **RUN)
        again.run(**RUN)
        assert again.offsets().total() == len(again.offsets()) == 9, name
        assert again.positions() == again.committed() == {0: 9}, name
        assert again.covered() == {0: (0, 9)}, name
