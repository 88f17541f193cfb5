"""Foreign consumers that subscribe in our group."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from confluent_kafka import Consumer
from confluent_kafka.admin import AdminClient

from airflow_kafka_bq.testing.kafka import wait_until
from tests.end_to_end.pipe import Pipe

_SESSION_MS = 3_000
PROGRAM = """
import signal, sys
from confluent_kafka import Consumer
signal.signal(signal.SIGTERM, lambda *_: sys.exit())
consumer = Consumer({"bootstrap.servers": sys.argv[1], "group.id": sys.argv[2], "client.id": "doomed",
                     "session.timeout.ms": 8000, "heartbeat.interval.ms": 500})
consumer.subscribe([sys.argv[3]])
while not consumer.assignment():
    consumer.poll(0.1)
print("joined", flush=True)
try:
    while True:
        consumer.poll(0.2)
finally:
    consumer.close()
"""


def _settings(made: Pipe, protocol: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "bootstrap.servers": made.bootstrap,
        "group.id": made.group_id,
        "client.id": "stranger",
        "group.protocol": protocol,
        "enable.auto.commit": False,  # a member that reads a message and commits it on leaving is another fault
    }
    return found if protocol == "consumer" else {**found, "session.timeout.ms": _SESSION_MS}


@contextmanager
def member(made: Pipe, protocol: str = "classic") -> Iterator[Consumer]:
    """A subscriber with partitions, until the block ends."""
    consumer = Consumer(_settings(made, protocol))
    consumer.subscribe([made.topic])
    deadline = time.monotonic() + 30
    while not consumer.assignment():
        consumer.poll(0.1)
        assert time.monotonic() < deadline, "the foreign member did not get into the group"
    try:
        yield consumer
    finally:
        consumer.close()


@contextmanager
def rebalance_storm(made: Pipe, every_seconds: float = 1.0) -> Iterator[list[float]]:
    """Members join and leave all the time; yields when each was in."""
    over = threading.Event()
    joined: list[float] = []

    def work() -> None:
        while not over.is_set():
            with member(made):
                joined.append(time.monotonic())
                over.wait(every_seconds / 2)
            over.wait(every_seconds / 2)

    threads = [threading.Thread(target=work, daemon=True) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        wait_until(lambda: len(joined) >= 2, "two members", 30)
        yield joined
    finally:
        over.set()
        for thread in threads:
            thread.join(30)


@contextmanager
def stranger(made: Pipe) -> Iterator[subprocess.Popen[str]]:
    """A subscriber with partitions in a process of its own: to be frozen, thawed, killed."""
    command = [sys.executable, "-c", PROGRAM, made.bootstrap, made.group_id, made.topic]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "joined\n"
            yield process
        finally:
            process.terminate()  # it leaves the group, if it can
            with suppress(subprocess.TimeoutExpired):
                process.wait(5)
            process.kill()


@contextmanager
def killed_member(made: Pipe) -> Iterator[None]:
    """A subscriber that was SIGKILLed and is a member all the same until its session of 8 s ends."""
    with stranger(made) as process:
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        yield


def members(made: Pipe) -> int:
    """How many the group has now."""
    admin = AdminClient({"bootstrap.servers": made.bootstrap})
    return len(admin.describe_consumer_groups([made.group_id], request_timeout=20)[made.group_id].result(30).members)
