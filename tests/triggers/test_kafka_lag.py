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


class Airflow:
    """What of Airflow a trigger meets: an event and the variable that it names are stored together, some time later."""

    def __init__(self) -> None:
        self.variables: dict[str, str] = {}
        self.stored: list[dict[str, Any]] = []
        self.stores = True

    def store(self, payload: dict[str, Any]) -> None:
        """As the triggerer's supervisor does, in one transaction."""
        if self.stores:
            self.stored.append(payload)
            self.variables[payload["watermark"]] = json.dumps({"ends": payload["ends"]})


@pytest.fixture(autouse=True)
def airflow(monkeypatch: pytest.MonkeyPatch) -> Airflow:
    found = Airflow()
    monkeypatch.setattr(kafka_lag, "variable", lambda key: found.variables.get(key))
    return found


def watching(world: World, **settings: Any) -> KafkaLagTrigger:
    """A trigger on the world's Kafka, put together as the triggerer does it."""
    path, given = KafkaLagTrigger(TOPIC, GROUP, poll_seconds=0.01, **{"min_lag": 3, **settings}).serialize()
    module, _, name = path.rpartition(".")
    made: KafkaLagTrigger = getattr(importlib.import_module(module), name)(**json.loads(json.dumps(given)))
    setattr(made, "_source", world.source)  # noqa: B010  # of a connection otherwise
    return made


def events(
    trigger: KafkaLagTrigger,
    seconds: float = 0.3,
    meanwhile: Callable[[], Awaitable[None]] | None = None,
    airflow: Airflow | None = None,
) -> list[dict[str, Any]]:
    """What it fires with until the triggerer ends."""
    found: list[dict[str, Any]] = []

    async def collect() -> None:
        async for event in trigger.run():
            found.append(event.payload)
            if airflow is not None:
                airflow.store(event.payload)

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


def test_a_restart_repeats_nothing_and_loses_nothing(airflow: Airflow) -> None:
    world = World(1)
    world.fill(4)
    assert len(events(watching(world), airflow=airflow)) == 1
    assert events(watching(world), airflow=airflow) == []
    world.fill(3)
    assert [one["lag"] for one in events(watching(world), airflow=airflow)] == [3]
    assert events(watching(world), airflow=airflow) == []


@pytest.mark.parametrize("stored", [False, True])
def test_killed_at_the_event_it_is_told_of_once(airflow: Airflow, stored: bool) -> None:
    """The triggerer dies after the trigger has fired: before the event is stored, or as soon as it is."""
    world = World(1)
    world.fill(4)
    airflow.stores = stored
    trigger = watching(world)

    async def until_it_fires() -> None:
        running = trigger.run()
        airflow.store((await anext(running)).payload)
        await running.aclose()  # type: ignore[attr-defined]

    asyncio.run(until_it_fires())
    airflow.stores = True
    for _ in range(2):
        events(watching(world), airflow=airflow)
    assert [one["ends"] for one in airflow.stored] == [{"0": 4}]


def test_nothing_but_the_event_says_that_it_was_told(airflow: Airflow) -> None:
    """Kept before the event is stored, by the trigger itself, a crash in between would lose the event."""
    world = World(1)
    world.fill(4)
    assert len(events(watching(world))) == 1
    assert airflow.variables == {}
    assert len(events(watching(world), airflow=airflow)) == 1


def test_without_the_plugin_it_says_so_once(
    airflow: Airflow, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(kafka_lag, "STORED_SECONDS", 0.05)
    world = World(1)
    world.fill(4)
    events(watching(world), airflow=airflow)
    assert "kafka_bq" not in caplog.text
    airflow.variables.clear()
    events(watching(world))
    assert caplog.text.count("the plugin kafka_bq is not loaded") == 1


def test_a_kafka_that_does_not_answer_is_asked_again() -> None:
    world = World(1)
    world.fill(4)
    world.cluster.fail_next("bounds", KafkaUnavailableError("later"), times=2)
    assert len(events(watching(world), 1.5)) == 1


def test_a_task_that_waits_gets_one_event_and_no_watermark(airflow: Airflow) -> None:
    world = World(1)
    world.fill(4)
    (event,) = events(watching(world, once=True))
    assert "watermark" not in event
    assert airflow.variables == {}


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
