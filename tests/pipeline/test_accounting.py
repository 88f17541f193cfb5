"""What is checked before a MERGE: every message is accounted for, not too many are bad, and nobody asked to stop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from unittest import mock

import pyarrow as pa
import pytest

from airflow_kafka_bq.batch import JobResult
from airflow_kafka_bq.exceptions import AccountingError, BadMessagesError, MergeRejectedError
from airflow_kafka_bq.formats.records import Records, records
from airflow_kafka_bq.pipeline.runner import run
from airflow_kafka_bq.testing.memory import Fate, MemoryWarehouse
from tests.pipeline.world import World


def _untouched(world: World) -> None:
    assert (world.rows(), world.letters(), world.committed(), world.positions()) == ([], [], {}, {0: 0})


def test_a_message_that_is_neither_row_nor_dead_letter_nor_ignored_ends_the_run_before_anything_is_applied() -> None:
    world = World(1)
    world.fill(2)
    world.send(b"{")

    def forgetful(*arguments: Any) -> Records:
        return replace(records(*arguments), bad=())

    with (
        mock.patch("airflow_kafka_bq.pipeline.ahead.records", forgetful),
        pytest.raises(AccountingError, match="3 messages became 2 rows, 0 dead letters, 0 ignored"),
    ):
        world.run(max_bad_ratio=None)
    _untouched(world)
    world.run(max_bad_ratio=None)
    assert len(world.rows()) + len(world.letters()) == 3


@pytest.mark.parametrize("change", [{"output_rows": 2}, {"destination": "demo.analytics.elsewhere"}])
def test_a_load_job_that_did_something_else_ends_the_run_before_anything_is_applied(change: dict[str, Any]) -> None:
    world = World(1)
    world.fill(3)
    load = MemoryWarehouse.load

    def other(self: MemoryWarehouse, *arguments: Any) -> JobResult:
        return replace(load(self, *arguments), **change)

    with mock.patch.object(MemoryWarehouse, "load", other), pytest.raises(AccountingError, match="load job"):
        world.run()
    _untouched(world)


def test_a_report_adds_up() -> None:
    world = World(1)
    world.fill(3)
    for value in (b"{", None, {"id": "0-0", "n": 9}):
        world.send(value)
    settings: dict[str, Any] = {"on_tombstone": "ignore", "filter": lambda _table: pa.array([True] * 3 + [False])}
    report = world.run(max_bad_ratio=None, model=None, **settings)
    assert report.messages == sum(report.rows.values()) == 6
    assert (report.rows["inserted"], report.rows["dead_lettered"], report.rows["ignored"]) == (3, 1, 2)


@pytest.mark.parametrize("limit", [{"on_bad_message": "fail"}, {"max_bad_messages": 1, "max_bad_ratio": None}])
def test_too_many_bad_messages_are_found_before_their_batch_is_merged(limit: dict[str, Any]) -> None:
    world = World(1)
    world.fill(2)
    for _ in range(2):
        world.send(b"{")
    with pytest.raises(BadMessagesError) as caught:
        world.run(batch_messages=2, **limit)
    assert caught.value.offset == 2
    assert (world.positions(), world.committed(), world.letters()) == ({0: 2}, {0: 2}, [])


@pytest.mark.parametrize("call", ["load", "merge", "commit"])
@pytest.mark.parametrize("nth", [1, 2])
def test_nothing_is_merged_or_committed_after_a_stop(call: str, nth: int) -> None:
    """The stop comes while the n-th of these calls is on its way: that one ends, and no other begins."""
    world = World(1)
    world.fill(6)
    calls: list[str] = []
    stop: list[Callable[[], None]] = []

    def hook(name: str, phase: str) -> None:
        calls.append(f"{phase} {name}")
        if calls.count(f"before {call}") == nth and (name, phase) == (call, "before"):
            stop[0]()
            calls.append("stopped")

    job = world.job(hook, batch_messages=2)
    stop.append(job.stop.request)
    report = run(job)
    assert str(report.outcome) == "stopped"
    after = calls[calls.index("stopped") :]
    assert {"before merge", "before commit"} & set(after) == set()
    assert report.messages == world.positions()[0] == len(world.rows())
    assert report.committed is (world.committed() == world.positions() != {0: 0}) or not report.batches
    world.run(batch_messages=2)
    assert world.offsets() == {(0, offset): 1 for offset in range(6)}
    assert world.committed() == {0: 6}


def test_a_failed_merge_drops_what_was_prepared_behind_it() -> None:
    world = World(1)
    world.fill(6)
    world.database.script("kafka-bq-merge-*", Fate.REJECTED)
    with pytest.raises(MergeRejectedError):
        world.run(batch_messages=2)
    _untouched(world)
