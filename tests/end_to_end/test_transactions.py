"""Transactions, compaction and a producer that never stops: a run ends where the topic was stable when it began."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from confluent_kafka import Consumer, TopicPartition

from airflow_kafka_bq.testing.kafka import (
    NewMessage,
    OpenTransaction,
    TopicFactory,
    new_producer,
    offset_bounds,
    produce_in_transaction,
    send,
    wait_until,
)
from tests.end_to_end.frozen import NARROW, frozen
from tests.end_to_end.oracle import Oracle
from tests.end_to_end.pipe import Pipe

PipeFactory = Callable[..., Pipe]


def _numbers(first: int, count: int, **more: Any) -> list[dict[str, Any]]:
    return [{"n": number, **more} for number in range(first, first + count)]


def _in_transaction(oracle: Oracle, messages: list[Any], outcome: Any = "commit") -> None:
    """Kept by the oracle if they are committed: an aborted message was never there."""
    acknowledged = produce_in_transaction(oracle.pipe.bootstrap, oracle.pipe.topic, messages, outcome=outcome)
    if outcome == "commit":
        oracle.remember(messages, acknowledged)


@pytest.mark.fault("D1")
@pytest.mark.parametrize("batch", [1_000, 7])
def test_a_run_ends_in_front_of_an_open_transaction(pipe: PipeFactory, batch: int) -> None:
    """D1: over markers and aborted messages; what is open, or stands behind it, comes when that has ended."""
    made = pipe(partitions=1, batch_messages=batch)
    oracle = Oracle(made)
    _in_transaction(oracle, _numbers(0, 10))
    _in_transaction(oracle, _numbers(10, 10, aborted=True), "abort")
    oracle.produce(_numbers(20, 5))
    _in_transaction(oracle, _numbers(25, 5, aborted=True), "abort")  # the tail holds nothing to read
    assert oracle.settle("batch_messages=100000")["messages"] == 15
    with OpenTransaction(made.bootstrap) as transaction:
        pending = _numbers(30, 5)
        acknowledged = transaction.produce(made.topic, pending)
        behind = _numbers(35, 5)
        oracle.produce(behind)
        report = made.run()
        assert (report["outcome"], report["messages"]) == ("end", 0)
        assert made.ledger() == made.committed() == {0: 33}  # 10 and 10 and 5 and 5, and three markers
        oracle.prefix()
        transaction.commit()
    oracle.remember(pending, acknowledged)
    assert oracle.settle("batch_messages=100000")["messages"] == 10


@pytest.mark.fault("D1")
@pytest.mark.slow
def test_a_hung_transaction_holds_the_topic_until_the_broker_ends_it(pipe: PipeFactory) -> None:
    """D1: its producer is gone. Each run ends at once and green; afterwards its messages are those of nobody."""
    made = pipe(partitions=1)
    oracle = Oracle(made)
    oracle.produce(_numbers(0, 5))
    hung = OpenTransaction(made.bootstrap, expires_after_seconds=2)
    hung.produce(made.topic, _numbers(5, 5, hung=True))
    hung.abandon()
    oracle.produce(_numbers(10, 5))
    for messages in (5, 0):
        report = made.run()
        assert (report["outcome"], report["messages"]) == ("end", messages)
        assert made.ledger() == {0: 5}
    wait_until(lambda: offset_bounds(made.bootstrap, made.topic, [0])[0][1] > 15, "the broker's abort", 40)
    assert oracle.settle("batch_messages=100000")["messages"] == 5


COMPACTED = {
    "cleanup.policy": "compact",
    "segment.ms": "100",
    "min.cleanable.dirty.ratio": "0.01",
    "max.compaction.lag.ms": "100",
}


def _readable(bootstrap: str, topic: str) -> Counter[tuple[int, bytes | None]]:
    """What a plain reader finds now."""
    end = offset_bounds(bootstrap, topic, [0])[0][1]
    reader = Consumer({"bootstrap.servers": bootstrap, "group.id": "plain", "enable.partition.eof": True})
    reader.assign([TopicPartition(topic, 0, 0)])
    found: Counter[tuple[int, bytes | None]] = Counter()
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        for message in reader.consume(1_000, 0.2):
            if message.error() is not None:
                if (message.offset() or 0) >= end:
                    reader.close()
                    return found
                continue
            found[message.offset() or 0, message.value()] += 1
    raise TimeoutError("the plain reader did not reach the end")


def _compacted(made: Pipe, values: int) -> None:
    """Until the cleaner has left one message of each of ten keys, but for the newest segment."""

    def few() -> bool:
        send(producer, made.topic, [NewMessage({"roll": True}, key="roll", partition=0)])  # closes the segment before
        return sum(_readable(made.bootstrap, made.topic).values()) <= values

    producer = new_producer(made.bootstrap)
    wait_until(few, "compaction", 30)


@pytest.mark.fault("D1")
@pytest.mark.parametrize("when", ["before", "during"])
def test_compacted_holes_are_stepped_over(pipe: PipeFactory, kafka_topic: TopicFactory, when: str) -> None:
    """D1: before a run, and under one that has planned already; aborted messages and markers among them."""
    made = pipe(partitions=1, topic=kafka_topic(config=COMPACTED), batch_messages=50)
    made.write(kafka=NARROW)
    oracle = Oracle(made)
    oracle.produce([NewMessage({"n": at, "x": "y" * 500}, key=f"{at % 10}", partition=0) for at in range(300)])
    _in_transaction(oracle, [NewMessage({"t": at}, key=f"{at % 10}", partition=0) for at in range(10)], "abort")
    if when == "before":
        _compacted(made, 60)
        assert made.run()["outcome"] == "end"
    else:
        with frozen(made, "source.open") as child:
            _compacted(made, 60)
        assert child.finish()["outcome"] == "end"
    made.run()
    rows = Counter(made.query(f"SELECT _kafka_offset, TO_JSON_STRING(payload) FROM {made.name()}"))
    newest = {at for (_, at, _), value in oracle.sent.items() if value["n"] >= 290}
    assert newest <= {at for at, _ in rows}
    now = _readable(made.bootstrap, made.topic)
    assert {at for at, _ in now} - {at for at, _ in rows} <= {at for at, value in now if value and b"roll" in value}
    sent = {at: value for (_, at, _), value in oracle.sent.items()}
    assert [value for at, value in rows if "roll" not in value and at not in sent] == []
    assert set(rows.values()) == {1}
    assert made.ledger() == made.committed() == {0: offset_bounds(made.bootstrap, made.topic, [0])[0][1]}
    made.check_history()


@contextmanager
def producing(oracle: Oracle) -> Iterator[None]:
    """Somebody produces thousands of messages in a second, until the block ends."""
    enough = threading.Event()
    failed: list[BaseException] = []

    def work() -> None:
        producer = new_producer(oracle.pipe.bootstrap)
        first = 0
        try:
            while not enough.wait(0.01):
                messages = _numbers(first, 20, fast=True)
                oracle.remember(messages, send(producer, oracle.pipe.topic, messages))
                first += 20
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        wait_until(lambda: len(oracle.sent) >= 500, "a start", 30)
        yield
    finally:
        enough.set()
        thread.join(30)
    assert failed == []


@pytest.mark.fault("D2")
def test_a_run_ends_though_its_producer_is_faster(pipe: PipeFactory) -> None:
    """D2: at the end that was there when it began; what comes meanwhile is the next run's."""
    made = pipe(partitions=3, batch_messages=200)
    oracle = Oracle(made)
    with producing(oracle):
        with frozen(made, "source.open") as child:  # it has planned, and falls behind
            planned = len(oracle.sent)
            wait_until(lambda: len(oracle.sent) > 2 * planned, "twice as many messages", 60)
        report = child.finish()
        assert report["outcome"] == "end", report
        assert 500 <= report["messages"] <= planned
        assert sum(one["end"] for one in report["partitions"].values()) == report["messages"]
    assert oracle.settle("batch_messages=100000")["messages"] == len(oracle.sent) - report["messages"]
