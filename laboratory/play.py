"""One set-up, played: producers write all the while, and each topic's consumer is started again and again."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from airflow_kafka_bq.testing.kafka import new_producer, wait_until_visible
from laboratory.coordinator import CoordinatorLog
from laboratory.history import combined
from laboratory.setups import Setup, Sizes
from laboratory.slot import Slot, start, warm

_TICK_SECONDS = 0.1
_READY_SECONDS = 1.0  # until a process has begun
_VALUE = b'{"order_id": %d, "customer": "C%05d", "state": "paid", "amount": 12.50}'


def play(bootstrap: str, setup: Setup, sizes: Sizes, prefix: str, folder: Path) -> dict[str, Any]:
    """Topics, groups and tables of its own; what happened, for the result file.

    :param prefix: of the names of its topics and groups.
    :raises RuntimeError: a consumer died or hangs.
    """
    topics = sizes.names(prefix)
    create_topics(bootstrap, topics, sizes.partitions)
    warm()
    load, log = os.getloadavg()[0], CoordinatorLog(bootstrap)
    began, wall = time.monotonic() + _READY_SECONDS, time.time() + _READY_SECONDS
    slots = [Slot(setup, sizes, bootstrap, topics, number, folder) for number in range(sizes.topics)]
    waiting = [start(slot, began) for slot in slots]
    with ThreadPoolExecutor(1, thread_name_prefix="laboratory") as thread:
        produced = thread.submit(produce, bootstrap, topics, sizes, lambda: time.monotonic() - began)
        diaries = [ended() for ended in waiting]
    places = [(topic, partition) for topic in topics for partition in range(sizes.partitions)]
    rebalances = [one for one in log.rebalances() if one.group.startswith(f"{prefix}.")]
    return {
        "setup": setup.name,
        "load_before": load,
        "produced": produced.result(),
        "rebalances": [[round(one.at - wall, 2), one.members] for one in rebalances],
        **combined(diaries, places),
    }


def create_topics(bootstrap: str, topics: list[str], partitions: int) -> None:
    """All by one request. :raises KafkaException: the broker refused."""
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 3})
    for done in admin.create_topics([NewTopic(topic, partitions, 1) for topic in topics], request_timeout=20).values():
        done.result(20)
    for topic in topics:
        wait_until_visible(bootstrap, topic, partitions)


def produce(bootstrap: str, topics: list[str], sizes: Sizes, now: Callable[[], float]) -> int:
    """The same number into every partition, at the same pace; how many in all. :raises RuntimeError: one was lost."""
    producer = new_producer(bootstrap, {"linger.ms": 5})
    each = 0
    while (elapsed := now()) < sizes.seconds:
        due = max(each, int(elapsed * sizes.messages_per_second) + 1)
        for number in range(each, due):
            for topic in topics:
                for partition in range(sizes.partitions):
                    producer.produce(topic, _VALUE % (number, number % 99_999), partition=partition)
        each = due
        producer.poll(0)
        time.sleep(_TICK_SECONDS)
    if left := producer.flush(30):
        raise RuntimeError(f"{left} messages were not acknowledged")
    return each * len(topics) * sizes.partitions
