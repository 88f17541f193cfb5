"""The next message of each partition is read, and no other one; what does not answer is left out."""

from __future__ import annotations

import time
from typing import Any

import pyarrow as pa
import pytest

from airflow_kafka_bq.batch import RAW_SCHEMA, Polled, Position
from airflow_kafka_bq.operations import peek
from airflow_kafka_bq.operations.peek import oldest_unread


class Answers:
    """A source that gives these answers, one to each poll."""

    def __init__(self, *answers: Polled) -> None:
        self.answers, self.finished, self.opened = list(answers), list[int](), dict[int, Position]()

    def open(self, positions: dict[int, Position]) -> None:
        self.opened = dict(positions)

    def poll(self, *_: Any) -> Polled:
        return self.answers.pop(0) if self.answers else Polled(pa.RecordBatch.from_pylist([], RAW_SCHEMA))

    def finish(self, partition: int) -> None:
        self.finished.append(partition)


def polled(*messages: tuple[int, int, int], **events: Any) -> Polled:
    rows = [{"partition": part, "offset": offset, "timestamp_ms": at} for part, offset, at in messages]
    return Polled(pa.RecordBatch.from_pylist(rows, RAW_SCHEMA), **events)


def test_a_partition_is_left_as_soon_as_it_has_answered() -> None:
    source: Any = Answers(polled((0, 5, 1000), (0, 6, 2000)), polled((1, 7, 3000)), polled((1, 8, 4000)))
    found = oldest_unread(source, {0: Position(5), 1: Position(7)})
    assert {part: at.timestamp() for part, at in found.items()} == {0: 1.0, 1: 3.0}
    assert source.finished == [0, 1]
    assert len(source.answers) == 1  # nothing is asked that is known


def test_aborted_messages_and_a_log_that_moved_leave_no_age() -> None:
    source: Any = Answers(polled(ends={0: 9}), polled(out_of_range={1: 3}))
    assert oldest_unread(source, {0: Position(5), 1: Position(3)}) == {}
    assert source.finished == [0, 1]


def test_a_partition_that_does_not_answer_is_left_out_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peek, "_PEEK_SECONDS", 0.05)
    source: Any = Answers(polled((0, 5, 1000)))
    began = time.monotonic()
    assert set(oldest_unread(source, {0: Position(5), 1: Position(7)})) == {0}
    assert time.monotonic() - began < 1


def test_nothing_unread_is_not_asked_for() -> None:
    source: Any = Answers()
    assert oldest_unread(source, {}) == {}
    assert source.opened == {}
