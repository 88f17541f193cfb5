"""A job as a task puts it together."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from airflow_kafka_bq.assembly import close
from airflow_kafka_bq.config import JobConfig
from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.operators.job import job_of
from airflow_kafka_bq.pipeline.stopping import Stop
from tests import airflow_home

CONTEXT: Any = {"ti": SimpleNamespace(dag_id="shop", task_id="orders", run_id="manual", try_number=2)}
GOOGLE = {"project": "demo", "api_endpoint": "http://127.0.0.1:9", "location": "EU"}


def _ignore(_key: str, _address: str) -> None:
    """Takes a link and forgets it."""


CONFIG = JobConfig.of(topic="shop.orders", table="analytics.orders", kafka_conn_id="kafka_x", gcp_conn_id="google_x")


def test_the_history_will_know_which_task_it_was() -> None:
    pushed: dict[str, str] = {}
    stop = Stop()
    with airflow_home.connections(kafka_x={"bootstrap.servers": "127.0.0.1:9"}, google_x=GOOGLE):
        job = job_of(CONFIG, CONTEXT, stop, pushed.__setitem__)
    close(job)
    assert str(job.target.table) == "demo.analytics.orders"
    who = job.context
    assert (who.dag_id, who.task_id, who.run_id, who.try_number) == ("shop", "orders", "manual", 2)
    assert who.who == "airflow shop.orders"
    assert job.stop is stop
    assert list(pushed) == ["kafka_bq_target_table"]


def test_a_mapped_task_is_called_by_its_index_too() -> None:
    """Else two of them, which move different partitions of one topic, would take each other for an earlier try."""
    mapped: Any = {"ti": SimpleNamespace(**vars(CONTEXT["ti"]), map_index=1)}
    with airflow_home.connections(kafka_x={"bootstrap.servers": "127.0.0.1:9"}, google_x=GOOGLE):
        job = job_of(CONFIG, mapped, Stop(), _ignore)
    close(job)
    assert (job.context.task_id, job.context.who) == ("orders[1]", "airflow shop.orders[1]")


@pytest.mark.parametrize("missing", ["kafka_x", "google_x"])
def test_a_connection_that_is_not_there_is_named(missing: str) -> None:
    there = {"kafka_x": {"bootstrap.servers": "127.0.0.1:9"}, "google_x": GOOGLE}
    del there[missing]
    with airflow_home.connections(**there), pytest.raises(ConfigError, match=f"'{missing}' is not defined"):
        job_of(CONFIG, CONTEXT, Stop(), _ignore)


def test_the_settings_of_a_connection_are_refused_when_they_contradict_the_promise() -> None:
    kafka = {"bootstrap.servers": "127.0.0.1:9", "enable.auto.commit": "true"}
    with (
        airflow_home.connections(kafka_x=kafka, google_x=GOOGLE),
        pytest.raises(ConfigError, match=r"enable\.auto\.commit"),
    ):
        job_of(CONFIG, CONTEXT, Stop(), _ignore)
