"""Lag: what is unread, how old it is, and how long it stays; from what Kafka and the ledger say, changing neither."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from airflow_kafka_bq.batch import RAW_SCHEMA, Polled, Position
from airflow_kafka_bq.operations import lag
from airflow_kafka_bq.operations.lag import lag_of, oldest_unread
from airflow_kafka_bq.testing.memory.kafka import WEEK_MS
from tests.pipeline.world import World

HOUR = timedelta(hours=1)


def partitions(world: World, **settings: Any) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = lag_of(world.job(**settings))["partitions"]
    return found


def ms(age: timedelta) -> int:
    return int((time.time() - age.total_seconds()) * 1000)


def test_lag_is_end_minus_position() -> None:
    world = World(2)
    world.fill(4, 0)
    world.run()
    world.fill(3, 0)
    world.fill(1, 1)
    found = lag_of(world.job())
    assert {part: line["lag"] for part, line in found["partitions"].items()} == {"0": 3, "1": 1}
    assert (found["lag"], found["revision"], found["pipeline"]) == (4, 1, "memory/shop.orders")


def test_the_ledger_decides_and_the_group_is_shown_beside_it() -> None:
    world = World(1)
    world.fill(4)
    world.run()
    world.commit({0: 1})
    line = partitions(world)["0"]
    assert (line["position"], line["committed"], line["lag"]) == (4, 1, 0)


def test_without_a_ledger_the_group_decides() -> None:
    world = World(2)
    world.fill(4, 0)
    world.commit({0: 3})
    for settings in ({}, {"fence": "none"}):
        line = partitions(world, **settings)["0"]
        assert (line["position"], line["lag"]) == (3, 1)


def test_a_partition_that_was_added_since_is_unread_from_its_beginning() -> None:
    world = World(1)
    world.fill(1, 0)
    world.run()
    world.cluster.add_partitions("shop.orders", 2)
    world.fill(2, 1)
    line = partitions(world)["1"]
    assert (line["position"], line["lag"]) == (0, 2)


def test_what_retention_took_is_no_lag() -> None:
    world = World(1)
    world.run()
    world.fill(6)
    world.cluster.delete_records("shop.orders", 0, 4)
    line = partitions(world)["0"]
    assert (line["position"], line["log_start"], line["lag"]) == (0, 4, 2)
    assert line["oldest_unread"] is not None


def test_what_is_behind_an_open_transaction_is_no_lag_yet() -> None:
    world = World(1)
    world.fill(2)
    world.cluster.transaction().produce("shop.orders", b"{}", partition=0)
    line = partitions(world)["0"]
    assert (line["lag"], line["end"], line["high_watermark"]) == (2, 2, 3)


def test_the_oldest_is_the_first_one_of_each_partition() -> None:
    """Each answer of a broker brings many messages: the last one's age would be a calm lie."""
    world = World(2)
    for part, first in ((0, 5 * HOUR), (1, 3 * HOUR)):
        for number in range(50):
            world.send({"n": number}, part, timestamp_ms=ms(first - number * timedelta(minutes=1)))
    for name, hours in (("0", 5), ("1", 3)):
        line = partitions(world)[name]
        age = datetime.now(UTC) - datetime.fromisoformat(line["oldest_unread"])
        assert hours * HOUR <= age < hours * HOUR + timedelta(seconds=30)
        left = WEEK_MS / 1000 - hours * 3600
        assert left - 30 < line["retention_takes_it_in_seconds"] <= left


@pytest.mark.parametrize("timestamp_ms", [None, 10**17, -(10**17)])
def test_a_timestamp_that_no_calendar_holds_has_no_age(timestamp_ms: int | None) -> None:
    """Nor does the next message's: it is not the oldest."""
    world = World(1)
    world.send({"n": 1}, timestamp_ms=timestamp_ms)
    world.send({"n": 2}, timestamp_ms=ms(HOUR))
    line = partitions(world)["0"]
    assert (line["lag"], line["oldest_unread"], line["retention_takes_it_in_seconds"]) == (2, None, None)


@pytest.mark.parametrize("retention_ms", [-1, None])
def test_what_is_kept_for_ever_or_not_known_has_no_end(
    retention_ms: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(1)
    world.send({"n": 1}, timestamp_ms=ms(HOUR))
    source = world.source()
    monkeypatch.setattr(source, "retention_ms", lambda: retention_ms)
    line = lag_of(world.job(source=source))["partitions"]["0"]
    assert line["oldest_unread"] is not None
    assert line["retention_takes_it_in_seconds"] is None


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
    monkeypatch.setattr(lag, "_PEEK_SECONDS", 0.05)
    source: Any = Answers(polled((0, 5, 1000)))
    began = time.monotonic()
    assert set(oldest_unread(source, {0: Position(5), 1: Position(7)})) == {0}
    assert time.monotonic() - began < 1


def test_nothing_unread_is_not_asked_for() -> None:
    source: Any = Answers()
    assert oldest_unread(source, {}) == {}
    assert source.opened == {}
