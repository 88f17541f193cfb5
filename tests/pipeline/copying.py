"""Jobs whose dead letters are copied to a topic, in memory."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any, cast

import pyarrow as pa

from airflow_kafka_bq.pipeline.report import RunReport
from airflow_kafka_bq.pipeline.runner import run
from airflow_kafka_bq.ports import DeadLetterTopic
from airflow_kafka_bq.testing.memory import MemoryDeadLetterTopic
from airflow_kafka_bq.testing.memory.log import Record
from tests.pipeline.world import Hook, World

DEAD = "shop.orders.dead"
SETTINGS: dict[str, Any] = {"max_bad_ratio": None, "dead_letter_topic": DEAD, "batch_messages": 4}


def world_of(*values: bytes, topic: bool = True) -> World:
    """Bad messages among good ones."""
    world = World()
    if topic:
        world.cluster.create_topic(DEAD, 2)
    bad(world, *values)
    return world


def bad(world: World, *values: bytes) -> None:
    for number, value in enumerate(values):
        world.fill(1, number % 2)
        world.send(value, number % 2, key=value.decode())
        world.clock.advance(1)


def ran(world: World, hook: Hook | None = None, **settings: Any) -> RunReport:
    """A run that copies."""
    job = world.job(hook, **{**SETTINGS, **settings})
    topic: Any = MemoryDeadLetterTopic(world.cluster, DEAD)
    if hook is not None:
        topic = _Told(topic, hook)
    return run(replace(job, copies=cast(DeadLetterTopic, topic)))


class _Told:
    """Tells a hook of what is sent, before and after."""

    def __init__(self, topic: DeadLetterTopic, hook: Hook) -> None:
        self._topic, self._hook = topic, hook

    def send(self, copies: pa.Table) -> Any:
        self._hook("send", "before")
        found = self._topic.send(copies)
        self._hook("send", "after")
        return found


def copied(world: World) -> list[Record]:
    """All copies, in the order of their partitions."""
    return [record for part in (0, 1) for record in world.cluster.log(DEAD, part).records]


def values(world: World) -> Counter[bytes | None]:
    return Counter(record.value for record in copied(world))


def marked(world: World) -> Counter[bool]:
    return Counter(row["copied_at"] is not None for row in world.letters())


def told(report: RunReport) -> Any:
    """What the report says of copies."""
    found = report.to_json()["dead_letter_copies"]
    return found["copied"], found["waiting"], found["error"]
