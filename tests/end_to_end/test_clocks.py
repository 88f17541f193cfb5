"""Clocks that are wrong: the worker's, which jumps, and those that stamped the messages."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from airflow_kafka_bq.testing.kafka import NewMessage, TcpProxy
from airflow_kafka_bq.testing.kafka.topics import TopicFactory
from tests.end_to_end.altered import Altered
from tests.end_to_end.child import Blow
from tests.end_to_end.pipe import Pipe
from tests.end_to_end.promise import kept, restored

PipeFactory = Callable[..., Pipe]
HOUR, DAY = 3600.0, 86_400.0
CLOCKS = {
    "ahead": (HOUR,),
    "behind": (-HOUR,),
    "jumping on and back": (*(hours * HOUR for hours in range(9)), -HOUR),
}
FAR = int(datetime(2100, 1, 1, tzinfo=UTC).timestamp() * 1000)
ANY_TIME = {"message.timestamp.after.max.ms": str(200 * 365 * 86_400_000)}


@pytest.mark.fault("A6")
@pytest.mark.parametrize(
    "clock", [*list(CLOCKS)[2:], *(pytest.param(one, marks=pytest.mark.slow) for one in list(CLOCKS)[:2])]
)
def test_a_worker_with_a_wrong_clock_does_the_same(pipe: PipeFactory, clock: str) -> None:
    """Neither rows nor positions nor names of batches know what time it is at the worker."""
    made = pipe(batch_messages=4, max_bad_ratio=None)
    sent = made.produce([{"n": number} for number in range(9)] + [b"{poison"])
    report = Altered(clock_seconds=CLOCKS[clock]).run(made, "max_seconds=600", "batch_seconds=600")
    assert report.get("outcome") == "end", report
    assert all(0 <= seconds < 120 for seconds in report["seconds"].values()), report["seconds"]
    kept(made, sent, sent[-1:])
    ((far,),) = made.query(
        f"SELECT MAX(ABS(TIMESTAMP_DIFF(_ingested_at, CURRENT_TIMESTAMP(), SECOND))) FROM {made.name()}"
    )
    assert far < 600  # it is BigQuery's


@pytest.mark.fault("A6")
def test_a_clock_that_makes_staging_expire_before_it_is_there_is_named(pipe: PipeFactory) -> None:
    """BigQuery refuses an expiry in the past; nobody has to find out whose clock is wrong."""
    made = pipe(partitions=1, staging_expiration_hours=1)
    sent = made.produce([{"n": number} for number in range(4)])
    failure = Altered(clock_seconds=(-2 * HOUR,)).run(made)
    assert failure["error"] == "MergeRejectedError", failure
    assert "clock" in failure["remedy"]
    assert made.committed() == {}
    restored(made, sent)


@pytest.mark.fault("A6")
@pytest.mark.slow
def test_a_wrong_clock_gives_a_batch_no_other_name(pipe: PipeFactory) -> None:
    """The run that was killed an hour ahead, or behind, has staged what the next one attaches to."""
    made = pipe(partitions=1)
    sent = made.produce([{"n": number} for number in range(4)])
    Altered(clock_seconds=(HOUR,)).start(made, blow=Blow("warehouse.load", "after")).dies()
    Altered(clock_seconds=(-HOUR,)).start(made, blow=Blow("warehouse.merge", "before")).dies()
    assert len([name for name in made.tables() if "__stg_" in name]) == 1
    restored(made, sent)


@pytest.mark.fault("A6")
@pytest.mark.slow
def test_deadlines_hold_while_the_clock_jumps(pipe: PipeFactory) -> None:
    """BigQuery says nothing, and the time of day is another at each look: the run ends at its deadline."""
    made = pipe(partitions=1)
    sent = made.produce([{"n": number} for number in range(4)])
    with TcpProxy(int(made.api_endpoint.rsplit(":", 1)[1])) as proxy:
        made.write(bigquery={"project": "demo", "api_endpoint": f"http://{proxy.address}"})
        proxy.black_hole()
        began = time.monotonic()
        failure = Altered(call_seconds=1, deadline_seconds=4, clock_seconds=(HOUR, -HOUR, 0, DAY)).run(made)
        assert 3 < time.monotonic() - began < 60
        assert failure["error"] == "WarehouseUnavailableError", failure
        proxy.restore()
        restored(made, sent)


@pytest.mark.fault("A6")
def test_messages_of_1970_and_2100_are_rows_and_order_is_by_offset(
    pipe: PipeFactory, kafka_topic: TopicFactory
) -> None:
    """The later message of a partition wins, whatever its clock said, also when the older ones are replayed."""
    made = pipe(
        partitions=1, topic=kafka_topic(config=ANY_TIME), model="clock_orders:Order", dedup_key=["id"],
        on_duplicate="update",
    )  # fmt: skip
    lines = "from pydantic import BaseModel\nclass Order(BaseModel):\n    id: str\n    n: int\n"
    (made.folder / "clock_orders.py").write_text(lines)
    times = [FAR, 1, int(time.time() * 1000), FAR, 1]
    made.produce([NewMessage({"id": "a", "n": n}, timestamp_ms=at) for n, at in enumerate(times)])
    made.produce([NewMessage({"id": f"b{at}", "n": 9}, timestamp_ms=at) for at in sorted(set(times))])
    for size in (10, 1):
        report = made.run(f"batch_messages={size}")
        assert report.get("outcome") == "end", report
    shown = f"SELECT id, n, _kafka_offset, UNIX_MILLIS(_kafka_timestamp) FROM {made.name()} ORDER BY id, _kafka_offset"
    expected: list[Any] = [("a", 4, 4, 1), *((f"b{at}", 9, 5 + n, at) for n, at in enumerate(sorted(set(times))))]
    assert made.query(shown) == sorted(expected)
    assert made.run("window={from: {0: 0}, to: {0: 4}}")["outcome"] == "window"
    assert made.query(shown) == sorted(expected)
    assert made.committed() == made.ledger() == {0: 8}
