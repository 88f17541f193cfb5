"""Ctrl-C and SIGTERM during a command: it stops at a safe point, says so in its exit code, and the next run goes on."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from airflow_kafka_bq.testing.bigquery import LocalBigQuery
from airflow_kafka_bq.testing.kafka.waiting import wait_until
from tests.end_to_end.pipe import ROOT, Pipe

pytestmark = pytest.mark.kill
PipeFactory = Callable[..., Pipe]
SIGNALS = [signal.SIGINT, signal.SIGTERM]


@contextmanager
def command(made: Pipe, *arguments: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """A command that is under way; killed if a test leaves it so."""
    process = subprocess.Popen(
        [sys.executable, "-m", "airflow_kafka_bq", *arguments, "--json"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=made.folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@contextmanager
def silent_broker() -> Iterator[tuple[str, Callable[[], bool]]]:
    """Takes connections and never answers; its address, and whether anybody has come."""
    came: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)

        def has_come() -> bool:
            with suppress(BlockingIOError):
                came.append(server.accept()[0])
            return bool(came)

        yield f"127.0.0.1:{server.getsockname()[1]}", has_come
        for one in came:
            one.close()


@pytest.fixture
def held(pipe: PipeFactory, bigquery: LocalBigQuery) -> Iterator[Pipe]:
    """A pipe whose second MERGE does not end."""
    made = pipe(partitions=1, batch_messages=4)
    made.produce_ten()
    bigquery.faults.forget_calls()
    bigquery.faults.add("hold", kind="script", job_id="kafka-bq-merge", nth=2, name="second")
    yield made
    bigquery.faults.release("second")
    bigquery.faults.clear()


def merging(bigquery: LocalBigQuery) -> bool:
    return sum("kafka-bq-merge" in str(call) for call in bigquery.faults.calls("jobs.insert")) >= 2


@pytest.mark.parametrize("number", SIGNALS)
def test_a_run_stops_and_the_next_one_goes_on(held: Pipe, bigquery: LocalBigQuery, number: signal.Signals) -> None:
    """The MERGE that BigQuery is working on is left to it; nothing further is merged or committed."""
    with command(held, "run", str(held.path)) as process:
        wait_until(lambda: merging(bigquery), "the second MERGE", 30)
        began = time.monotonic()
        process.send_signal(number)
        out, _ = process.communicate(timeout=20)
    assert time.monotonic() - began < 5
    assert process.returncode == 128 + number
    report: dict[str, Any] = json.loads(out)
    assert (report["outcome"], report["messages"], report["batches"]) == ("stopped", 4, 1)
    assert held.committed() == {0: 4}
    bigquery.faults.release("second")
    assert held.run()["outcome"] == "end"
    assert sorted(held.coordinates().elements()) == [(0, offset) for offset in range(10)]
    assert held.committed() == held.ledger() == {0: 10}
    held.check_history()


def test_a_run_for_people_says_that_it_was_stopped(held: Pipe, bigquery: LocalBigQuery) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "airflow_kafka_bq", "run", str(held.path)],
        stdout=subprocess.PIPE, text=True, cwd=held.folder, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    with process:
        wait_until(lambda: merging(bigquery), "the second MERGE", 30)
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=20)
    assert process.returncode == 143
    assert "outcome: stopped" in out
    assert "4 messages in 1 batch" in out


@pytest.mark.parametrize("number", SIGNALS)
def test_the_second_signal_ends_at_once(pipe: PipeFactory, number: signal.Signals) -> None:
    """A broker that never answers holds the first one up until its time limit."""
    made = pipe(partitions=1)
    with silent_broker() as (address, has_come):
        made.write(kafka={"bootstrap.servers": address})
        with command(made, "run", str(made.path)) as process:
            wait_until(has_come, "a connection", 30)
            time.sleep(0.5)
            process.send_signal(number)
            time.sleep(0.3)
            assert process.poll() is None
            began = time.monotonic()
            process.send_signal(number)
            out, _ = process.communicate(timeout=20)
    assert time.monotonic() - began < 2
    assert (process.returncode, out) == (128 + number, "")


def test_the_first_signal_alone_ends_it_in_time_and_as_interrupted(pipe: PipeFactory) -> None:
    made = pipe(partitions=1)
    with silent_broker() as (address, has_come):
        made.write(kafka={"bootstrap.servers": address})
        with command(made, "run", str(made.path)) as process:
            wait_until(has_come, "a connection", 30)
            process.send_signal(signal.SIGTERM)
            out, _ = process.communicate(timeout=40)
    assert process.returncode == 143
    assert json.loads(out)["error"] == "KafkaUnavailableError"


@pytest.mark.parametrize("name", ["plan", pytest.param("lag", marks=pytest.mark.slow)])
@pytest.mark.parametrize("number", SIGNALS)
def test_what_only_looks_ends_at_the_first_signal(pipe: PipeFactory, name: str, number: signal.Signals) -> None:
    made = pipe(partitions=1)
    with silent_broker() as (address, has_come):
        made.write(kafka={"bootstrap.servers": address})
        with command(made, name, str(made.path)) as process:
            wait_until(has_come, "a connection", 30)
            began = time.monotonic()
            process.send_signal(number)
            out, _ = process.communicate(timeout=20)
    assert time.monotonic() - began < 2
    assert (process.returncode, out) == (128 + number, "")


def test_before_anything_is_read_a_signal_is_an_interruption_too(pipe: PipeFactory) -> None:
    """While Python still imports: not 70, and no finding."""
    made = pipe(partitions=1)
    made.produce_ten()
    for seconds in (0.0, 0.02, 0.1, 0.3, 0.6):
        with command(made, "run", str(made.path), PYTHONPROFILEIMPORTTIME="1") as process:
            assert process.stderr
            # Before that it is Python that starts, and not us.
            assert any(line.rstrip().endswith("airflow_kafka_bq.cli") for line in process.stderr)
            time.sleep(seconds)
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=30)
        assert process.returncode in {-signal.SIGINT, 130}
