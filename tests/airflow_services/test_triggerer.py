"""The lag sensor and the lag trigger in a real triggerer, on a real broker; it is killed and started again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_kafka_bq.testing.kafka import KafkaBroker, NewMessage, TopicFactory, produce
from airflow_kafka_bq.triggers.kafka_lag import SETTLE_SECONDS
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
    waited, watched = topics
    # A task that waits in the triggerer, and goes on where it was.
    services.ask("PATCH", "/dags/waits", {"is_paused": False})
    run_id = services.trigger("waits")
    services.ends("waits", run_id, "deferred")
    _fill(services, waited, 3)
    time.sleep(2)
    assert services.task("waits", run_id)["state"] == "deferred", "three are not enough"
    _fill(services, waited, 3)
    services.ends("waits", run_id, "success")
    assert "Trigger fired event" in services.log_of("waits", run_id), "it was woken, and did not look by itself"
    told = services.ask("GET", f"/dags/waits/dagRuns/{run_id}/taskInstances/orders/xcomEntries/return_value")
    assert "'lag': 6" in str(told["value"]) or '"lag": 6' in str(told["value"])

    # An asset that is watched starts a run for what is unread, and no other one while nothing comes.
    services.ask("PATCH", "/dags/watches", {"is_paused": False})
    _fill(services, watched, 6)
    first = (6, {"0": 3, "1": 3})
    services.until(lambda: _events(services) == [first])
    services.until(lambda: _runs(services) == 1)
    time.sleep(SETTLE_SECONDS + 2)  # by then the watermark is kept
    services.kill("triggerer")
    services.start("triggerer")
    time.sleep(SETTLE_SECONDS + 5)
    assert _events(services) == [first], "the same messages are told of once, also by the next triggerer"

    # What comes while no triggerer is there is not lost.
    services.kill("triggerer")
    _fill(services, watched, 8)
    services.start("triggerer")
    second = (8, {"0": 7, "1": 7})
    services.until(lambda: _events(services) == [first, second])
    services.until(lambda: _runs(services) == 2)
    time.sleep(SETTLE_SECONDS + 2)
    assert _events(services) == [first, second]
