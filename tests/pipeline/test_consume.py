"""Bounded batches, exact ends, and silence that is never taken for the end."""

from __future__ import annotations

from typing import Any, cast

import pyarrow as pa
import pytest

from airflow_kafka_bq.batch import RAW_SCHEMA, Polled
from airflow_kafka_bq.exceptions import KafkaUnavailableError, OffsetGapError, StalledError, TopicChangedError
from airflow_kafka_bq.pipeline import consume, pieces, row_files
from airflow_kafka_bq.pipeline.held import Places
from airflow_kafka_bq.pipeline.runner import run
from airflow_kafka_bq.ports import Source
from airflow_kafka_bq.testing.memory import MemorySource
from tests.pipeline.world import GROUP, TOPIC, World


def _when_planned(world: World, action: Any) -> None:
    """Do something once the end is fixed and before anything is fetched."""

    def hook(name: str, phase: str) -> None:
        if (name, phase) == ("create_ledger", "after"):
            world.database.on_effect = lambda *_: None
            action()

    world.database.on_effect = hook


@pytest.mark.parametrize("batch", [1, 2, 3, 5, 100])
@pytest.mark.parametrize("most", [None, 1, 4, 6])
def test_batches_and_runs_are_exact_to_the_message(batch: int, most: int | None) -> None:
    world = World(2)
    world.fill(4, 0)
    world.fill(3, 1)
    report = world.run(batch_messages=batch, max_messages=most)
    assert report.messages == (most or 7)
    sizes = [row["messages"] for row in world.history()]
    assert sizes[:-1] == [min(batch, most or 7)] * (len(sizes) - 1)
    assert max(sizes) <= batch
    assert str(report.outcome) == ("limit" if most else "end")
    world.run()
    assert sum(world.offsets().values()) == len(world.offsets()) == 7


def test_a_piece_is_as_large_as_a_slice_of_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """To the message: else each slice would be copied from two pieces."""
    assert pieces.PIECE_MESSAGES == row_files.SLICE_ROWS
    monkeypatch.setattr(pieces, "PIECE_MESSAGES", 3)
    monkeypatch.setattr(consume, "POLL_MESSAGES", 2)
    closed: list[int] = []
    held = Places.held

    def noted(self: Places, messages: pa.RecordBatch) -> pa.RecordBatch:
        if messages.schema == RAW_SCHEMA:
            closed.append(messages.num_rows)
        return held(self, messages)

    monkeypatch.setattr(Places, "held", noted)
    world = World(1)
    world.fill(10)
    world.run(batch_messages=8)
    assert closed == [3, 3, 2, 2]


def test_bytes_close_a_batch_and_a_run() -> None:
    world = World(1)
    world.fill(6)
    one = len(b'{"id": "0-0", "n": 0}') + len(b"0-0")
    report = world.run(batch_messages=2, batch_bytes=10 * one, max_bytes=3 * one)
    assert (str(report.outcome), report.messages, report.batches) == ("limit", 4, 2)
    assert world.run(batch_bytes=1).batches == 1


def test_what_comes_after_the_plan_is_left_to_the_next_run() -> None:
    world = World(1)
    world.fill(3)
    _when_planned(world, lambda: world.fill(4))
    report = world.run()
    assert (report.messages, world.positions()) == (3, {0: 3})
    assert world.offsets() == {(0, offset): 1 for offset in range(3)}


def test_silence_is_not_the_end() -> None:
    world = World(2)
    world.fill(2, 0)
    world.fill(2, 1)
    _when_planned(world, lambda: world.cluster.stall(TOPIC, 1))
    began = world.clock.monotonic()
    with pytest.raises(StalledError, match=r"partitions \[1\] did not reach their ends"):
        world.run(stall_timeout_seconds=30)
    assert 30 <= world.clock.monotonic() - began < 40
    world.cluster.unstall(TOPIC, 1)
    world.run()
    assert len(world.offsets()) == 4


def test_silence_with_a_reason_says_the_reason() -> None:
    world = World(1)
    world.fill(2)
    _when_planned(world, lambda: world.cluster.take_down("all brokers are down"))
    with pytest.raises(KafkaUnavailableError, match="all brokers are down"):
        world.run()
    assert world.rows() == []


class TellsTheEndEarly(MemorySource):
    """A new leader whose last stable offset lags behind what the old one said: the client reports an end there."""

    told = False

    def poll(self, max_messages: int, timeout_seconds: float) -> Polled:
        if not self.told:
            self.told = True
            return Polled(pa.RecordBatch.from_pylist([], schema=RAW_SCHEMA), ends={0: 1})
        return super().poll(max_messages, timeout_seconds)


def test_an_end_of_partition_below_the_end_is_not_the_end() -> None:
    world = World(1)
    world.fill(3)
    run(world.job(source=cast(Source, TellsTheEndEarly(world.cluster, TOPIC, GROUP))))
    assert world.offsets() == {(0, offset): 1 for offset in range(3)}


def test_markers_and_aborted_messages_at_the_end_are_stepped_over() -> None:
    world = World(1)
    world.fill(1)
    for commit in (False, True, False):
        transaction = world.cluster.transaction()
        transaction.produce(TOPIC, b'{"id": "t", "n": 1}')
        (transaction.commit if commit else transaction.abort)()
    report = world.run()
    assert (report.messages, world.positions(), world.committed()) == (2, {0: 7}, {0: 7})


@pytest.mark.parametrize("taken", [2, 4, 6])
def test_retention_that_overtakes_the_run(taken: int) -> None:
    for on_gap in ("fail", "record"):
        world = World(1)
        world.fill(6)
        _when_planned(world, lambda there=world: there.cluster.delete_records(TOPIC, 0, taken))
        if on_gap == "fail":
            with pytest.raises(OffsetGapError, match=f"offsets 0 to {taken - 1}"):
                world.run()
            assert world.rows() == []
            continue
        report = world.run(on_gap="record")
        assert [(gap.start_offset, gap.end_offset) for gap in report.gaps] == [(0, taken)]
        assert world.covered() == {0: (0, 6)}
        assert world.offsets() == {(0, offset): 1 for offset in range(taken, 6)}


def test_a_log_that_is_truncated_under_the_run_is_no_gap() -> None:
    world = World(1)
    world.fill(6)
    world.run(max_messages=4)
    _when_planned(world, lambda: world.cluster.truncate(TOPIC, 0, 2))
    with pytest.raises(TopicChangedError, match="not in the log"):
        world.run(on_gap="record")
