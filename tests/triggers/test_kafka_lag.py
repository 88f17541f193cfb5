"""The lag trigger: fires once for what is unread, forgets nothing over a restart, and leaves the group alone."""

from __future__ import annotations

import asyncio
import importlib
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from airflow_kafka_bq.exceptions import ConfigError, KafkaUnavailableError
from airflow_kafka_bq.testing.kafka import KafkaBroker, NewMessage, TopicFactory, produce
from airflow_kafka_bq.triggers import kafka_lag
from airflow_kafka_bq.triggers.kafka_lag import KafkaLagTrigger
from tests import airflow_home
from tests.pipeline.world import GROUP, TOPIC, World


class Store:
    """An asset's state, as the triggerer injects it; JSON, as Airflow keeps it."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}

    async def aget(self, key: str) -> Any:
        return json.loads(self.kept[key]) if key in self.kept else None

    async def aset(self, key: str, value: Any) -> None:
        self.kept[key] = json.dumps(value)


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka_lag, "SETTLE_SECONDS", 0.02)


def watching(world: World, store: Store | None = None, **settings: Any) -> KafkaLagTrigger:
    """A trigger on the world's Kafka, put together as the triggerer does it."""
    path, given = KafkaLagTrigger(TOPIC, GROUP, poll_seconds=0.01, **{"min_lag": 3, **settings}).serialize()
    module, _, name = path.rpartition(".")
    made: KafkaLagTrigger = getattr(importlib.import_module(module), name)(**json.loads(json.dumps(given)))
    setattr(made, "_source", world.source)  # noqa: B010  # of a connection otherwise
    made.asset_state_store = store  # type: ignore[assignment]
    return made


def events(
    trigger: KafkaLagTrigger, seconds: float = 0.3, meanwhile: Callable[[], Awaitable[None]] | None = None
) -> list[dict[str, Any]]:
    """What it fires with until the triggerer ends."""
    found: list[dict[str, Any]] = []

    async def collect() -> None:
        async for event in trigger.run():
            found.append(event.payload)

    async def work() -> None:
        task = asyncio.create_task(collect())
        if meanwhile is not None:
            await meanwhile()
        await asyncio.wait([task], timeout=seconds)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(work())
    return found


def test_it_fires_once_for_what_is_unread_and_again_for_what_comes() -> None:
    world = World(1)
    world.fill(4)

    async def more() -> None:
        await asyncio.sleep(0.2)
        world.fill(2)
        await asyncio.sleep(0.2)
        world.fill(1)

    found = events(watching(world), meanwhile=more)
    assert [(one["lag"], one["ends"]) for one in found] == [(4, {"0": 4}), (3, {"0": 7})]
    assert (found[0]["topic"], found[0]["group_id"]) == (TOPIC, GROUP)
    assert world.committed() == {}, "nothing is committed"


def test_below_the_threshold_it_waits() -> None:
    world = World(1)
    world.fill(2)
    assert events(watching(world), 0.1) == []


def test_a_restart_repeats_nothing_and_loses_nothing() -> None:
    world, store = World(1), Store()
    world.fill(4)
    assert len(events(watching(world, store))) == 1
    assert events(watching(world, store)) == []
    world.fill(3)
    assert [one["lag"] for one in events(watching(world, store))] == [3]
    other = watching(world, store, min_lag=1)
    assert events(other) == []


def test_killed_before_the_watermark_is_kept_the_event_comes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kept before the event were handed over, a crash in between would lose it."""
    world, store = World(1), Store()
    world.fill(4)
    monkeypatch.setattr(kafka_lag, "SETTLE_SECONDS", 60.0)
    trigger = watching(world, store)
    trigger.poll_seconds = 60.0
    assert len(events(trigger, 0.2)) == 1
    assert store.kept == {}
    monkeypatch.setattr(kafka_lag, "SETTLE_SECONDS", 0.02)
    assert len(events(watching(world, store))) == 1


def test_a_kafka_that_does_not_answer_is_asked_again() -> None:
    world = World(1)
    world.fill(4)
    world.cluster.fail_next("bounds", KafkaUnavailableError("later"), times=2)
    assert len(events(watching(world))) == 1


def test_a_task_that_waits_gets_one_event_and_no_state() -> None:
    world, store = World(1), Store()
    world.fill(4)
    assert len(events(watching(world, store, once=True))) == 1
    assert store.kept == {}


@pytest.mark.parametrize("wrong", [{}, {"min_lag": 0}, {"min_lag": 1, "poll_seconds": 0}])
def test_what_means_nothing_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        KafkaLagTrigger("t", "g", **wrong)


def test_the_age_of_the_oldest_on_a_real_broker(kafka: KafkaBroker, kafka_topic: TopicFactory) -> None:
    """By a connection, as in the triggerer."""
    topic = kafka_topic(partitions=2)
    old = int((time.time() - 3600) * 1000)
    messages = [NewMessage(b"x", partition=0, timestamp_ms=old + number) for number in range(50)]
    produce(kafka.bootstrap, topic, messages)
    trigger = KafkaLagTrigger(topic, f"group-{topic}", min_age_seconds=3000.0, poll_seconds=0.1, once=True)
    young = KafkaLagTrigger(topic, f"group-{topic}", min_age_seconds=4000.0, poll_seconds=0.1, once=True)
    with airflow_home.connections(kafka_default={"bootstrap.servers": kafka.bootstrap}):
        (found,) = events(trigger, 20.0)
        assert events(young, 2.0) == []
    assert 3590 < found["oldest_unread_seconds"] < 3700
    assert (found["lag"], found["ends"]) == (50, {"0": 50, "1": 0})
