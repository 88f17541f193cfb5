"""Brokers that freeze or die under a source, with a real broker of their own."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from airflow_kafka_bq.batch import Position
from airflow_kafka_bq.kafka import KafkaSource
from airflow_kafka_bq.testing.kafka import KafkaBroker, create_topic, produce_bulk, warm_up

pytestmark = [pytest.mark.kafka, pytest.mark.kill, pytest.mark.slow]

PROGRAM = Path(__file__).with_name("coordinator_outage.py")
REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def broker() -> Iterator[KafkaBroker]:
    with KafkaBroker() as started:
        create_topic(started.bootstrap, "t")
        warm_up(started.bootstrap, "t")
        yield started


@pytest.mark.parametrize("client", ["fresh", "warm"])
@pytest.mark.parametrize("outage", ["frozen", "killed"])
def test_a_coordinator_that_comes_back_does_not_abort_the_process(
    broker: KafkaBroker, outage: str, client: str
) -> None:
    """librdkafka issue 4605 ends the process (SIGABRT) where the client itself gives such a request up."""
    command = [sys.executable, str(PROGRAM), broker.bootstrap, "t", client]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, stdin=pipe, stdout=pipe, text=True, cwd=REPOSITORY, env={"PYTHONPATH": str(REPOSITORY)}
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        (broker.pause if outage == "frozen" else broker.kill)()
        time.sleep(0.5)  # a process that is told to stop still answers for a moment
        process.stdin.write("\n")
        process.stdin.flush()
        said = [process.stdout.readline() for _ in range(2)]
        (broker.resume if outage == "frozen" else broker.restart)()
        process.stdin.write("\n")
        process.stdin.close()
        said += process.stdout.readlines()
    assert (process.returncode, said) == (0, ["refused True\n", "refused True\n", "committed 9\n"])


def test_a_broker_killed_in_the_middle_costs_no_message(broker: KafkaBroker) -> None:
    create_topic(broker.bootstrap, "bulk")
    produce_bulk(broker.bootstrap, "bulk", 100_000, 1)
    source = KafkaSource({"bootstrap.servers": broker.bootstrap, "queued.max.messages.kbytes": 1024}, "bulk", "g")
    source.open({0: Position(0)})
    offsets: list[int] = []
    while len(offsets) < 5_000:
        offsets += source.poll(1000, 0.2).messages.column("offset").to_pylist()  # type: ignore[arg-type]
    broker.kill()
    deadline = time.monotonic() + 20
    while source.connection_error() is None and time.monotonic() < deadline:
        offsets += source.poll(1000, 0.2).messages.column("offset").to_pylist()  # type: ignore[arg-type]
    assert source.connection_error()
    broker.restart()
    ended = False
    while not ended and time.monotonic() < deadline + 30:
        polled = source.poll(1000, 0.2)
        offsets += polled.messages.column("offset").to_pylist()  # type: ignore[arg-type]
        ended = bool(polled.ends)
    assert offsets == list(range(100_000))
    assert source.connection_error() is None
    source.close()


def test_closing_does_not_wait_for_a_frozen_broker(broker: KafkaBroker) -> None:
    source = KafkaSource({"bootstrap.servers": broker.bootstrap}, "t", "g")
    source.describe()
    source.open({0: Position(0)})
    source.poll(10, 0.2)
    broker.pause()
    started = time.monotonic()
    source.close()
    broker.resume()
    assert time.monotonic() - started < 5.5
