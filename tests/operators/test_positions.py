"""Where a task reads on: the ledger says it, whatever date Airflow runs it for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from unittest import mock

import confluent_kafka
import pytest
from airflow.sdk import DAG
from google.cloud import bigquery

from airflow_kafka_bq.kafka import clients
from tests.operators.conftest import Wings, task


@pytest.mark.fault("A3")
def test_a_run_of_an_old_date_and_a_task_that_is_run_again_read_on_from_the_ledger(wings: Wings) -> None:
    """A backfill of dates long before the messages, one date twice as when a task is cleared, and a date to come."""
    today = datetime.now(UTC).replace(microsecond=0)
    with DAG("dates", schedule=None, start_date=today - timedelta(days=4000)) as dag:
        task(topic=wings.topic, table=wings.table)
    wings.fill(10)
    read = []
    for days in (0, -3000, -3000 + 1, -1, 0.5):
        found = wings.run_dag(dag, "load", logical_date=today + timedelta(days=days))
        assert found.state == "success"
        read.append(found.report["messages"])
    again = wings.run_dag(dag, "load", logical_date=today - timedelta(days=3000))  # its run is there: as cleared
    assert (again.state, again.report["messages"]) == ("success", 0)
    wings.fill(4, first=10)
    late = wings.run_dag(dag, "load", logical_date=today - timedelta(days=2000))
    assert (late.report["messages"], read) == (4, [10, 0, 0, 0, 0])
    assert wings.rows() == 14


@pytest.fixture
def no_clients() -> Iterator[list[mock.Mock]]:
    """Clients that tell when they are made."""
    made = [
        mock.patch.object(confluent_kafka, "Consumer"),
        mock.patch.object(clients, "Consumer"),
        mock.patch.object(clients, "AdminClient"),
        mock.patch.object(bigquery, "Client"),
    ]
    started = [one.start() for one in made]
    yield started
    for one in made:
        one.stop()


@pytest.mark.fault("A5")
def test_an_operator_that_is_made_when_a_dag_is_parsed_makes_no_client(no_clients: list[mock.Mock]) -> None:
    """The DAG processor and a worker's parent fork: a client of theirs would be broken in the child."""
    with DAG("parsed", schedule=None) as dag:
        task(topic="shop.orders", table="analytics.orders")
        task(task_id="templated", topic="{{ params.topic }}")
    assert len(dag.tasks) == 2
    assert [one.called for one in no_clients] == [False] * len(no_clients)
