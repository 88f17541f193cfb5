"""The lag sensor and the lag trigger in a real triggerer, on a real broker; it is killed and started again."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_kafka_bq.testing.kafka import KafkaBroker, NewMessage, TopicFactory, produce
from tests.airflow_services.conftest import Services, running

pytestmark = [pytest.mark.airflow, pytest.mark.kill, pytest.mark.slow, pytest.mark.timeout(600)]

WAITS = """
from airflow.sdk import DAG
from airflow_kafka_bq import KafkaLagSensor

with DAG("waits", schedule=None):
    KafkaLagSensor(
        task_id="orders", topic="{waited}", group_id="waits", min_lag=5, poke_interval=0.5, timeout=120, deferrable=True
    )
"""
# What it starts reads nothing: all stays unread, so that a watermark that is forgotten would show.
WATCHES = """
from airflow.sdk import DAG, Asset, AssetWatcher, task
from airflow_kafka_bq import KafkaLagTrigger

enough = KafkaLagTrigger("{watched}", "watches", min_lag=5, poll_seconds=0.5)
unread = Asset("kafka://broker/watched", watchers=[AssetWatcher(name="enough", trigger=enough)])

with DAG("watches", schedule=[unread]):

    @task
    def orders():
        pass

    orders()
"""


@pytest.fixture
def topics(kafka_topic: TopicFactory) -> tuple[str, str]:
    return kafka_topic(partitions=2), kafka_topic(partitions=2)


@pytest.fixture
def services(kafka: KafkaBroker, topics: tuple[str, str], tmp_path: Path) -> Iterator[Services]:
    waited, watched = topics
    dags = {"waits": WAITS.format(waited=waited), "watches": WATCHES.format(watched=watched)}
    with running(tmp_path, kafka.bootstrap, dags) as found:
        yield found


def _fill(services: Services, topic: str, count: int) -> None:
    produce(services.bootstrap, topic, [NewMessage(b"{}", partition=number % 2) for number in range(count)])


def _events(services: Services) -> list[Any]:
    """What the trigger told of, the oldest first."""
    found = sorted(services.ask("GET", "/assets/events?limit=50")["asset_events"], key=lambda one: int(one["id"]))
    told = [one["extra"].get("payload", one["extra"]) for one in found]
    return [(one["lag"], one["ends"]) for one in told]


def _runs(services: Services) -> int:
    runs = services.ask("GET", "/dags/watches/dagRuns")["dag_runs"]
    return sum(one["state"] == "success" for one in runs)


def test_a_deferred_sensor_is_woken_and_a_watcher_starts_a_run_once_for_each_watermark(
    services: Services, topics: tuple[str, str]
) -> None:
    """In one test: the services take a quarter of a minute to start."""
    waited, watched = topics
    _a_task_waits_and_goes_on_where_it_was(services, waited)
    services.ask("PATCH", "/dags/watches", {"is_paused": False})
    _fill(services, watched, 6)
    told = [(6, {"0": 3, "1": 3})]
    _killed_at_once_behind_the_event(services, told)
    told.append((8, {"0": 7, "1": 7}))
    _what_comes_while_no_triggerer_is_there(services, watched, told)
    told.append((6, {"0": 10, "1": 10}))
    _killed_while_the_event_is_stored(services, watched, told)
    services.until(lambda: _runs(services) == len(told))
    time.sleep(3)
    assert _events(services) == told


def _a_task_waits_and_goes_on_where_it_was(services: Services, topic: str) -> None:
    services.ask("PATCH", "/dags/waits", {"is_paused": False})
    run_id = services.trigger("waits")
    services.ends("waits", run_id, "deferred")
    _fill(services, topic, 3)
    time.sleep(2)
    assert services.task("waits", run_id)["state"] == "deferred", "three are not enough"
    _fill(services, topic, 3)
    services.ends("waits", run_id, "success")
    assert "Trigger fired event" in services.log_of("waits", run_id), "it was woken, and did not look by itself"
    told = services.ask("GET", f"/dags/waits/dagRuns/{run_id}/taskInstances/orders/xcomEntries/return_value")
    assert "'lag': 6" in str(told["value"]) or '"lag": 6' in str(told["value"])


def _killed_at_once_behind_the_event(services: Services, told: list[Any]) -> None:
    """A run for what is unread, and no other one while nothing comes; also by the next triggerer."""
    services.until(lambda: _events(services) == told)  # it has been there for less than half a second
    services.kill("triggerer")
    _again(services)
    assert _events(services) == told, "the same messages are told of once"


def _what_comes_while_no_triggerer_is_there(services: Services, topic: str, told: list[Any]) -> None:
    services.kill("triggerer")
    _fill(services, topic, 8)
    services.start("triggerer")
    services.until(lambda: _events(services) == told)
    services.until(lambda: _runs(services) == len(told))


def _killed_while_the_event_is_stored(services: Services, topic: str, told: list[Any]) -> None:
    """As soon as the trigger has fired: the event is stored about now, or not yet."""
    fired = _fired(services)
    _fill(services, topic, 6)
    services.until(lambda: _fired(services) > fired)
    services.kill("triggerer")
    _again(services)
    services.until(lambda: _events(services) == told)


def _fired(services: Services) -> int:
    """How often a trigger of this triggerer has fired."""
    return (services.folder / "triggerer.log").read_text("utf-8", "replace").count("Trigger fired event")


def _starts(services: Services) -> int:
    """How often a trigger was started: a dead triggerer's are taken over after half a minute."""
    return len(re.findall("trigger .*starting", (services.folder / "triggerer.log").read_text("utf-8", "replace")))


def _again(services: Services) -> None:
    """The next triggerer, until its trigger has looked a few times."""
    started = _starts(services)
    services.start("triggerer")
    services.until(lambda: _starts(services) > started)
    time.sleep(5)
