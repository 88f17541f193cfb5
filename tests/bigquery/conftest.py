from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from google.cloud.bigquery import Client

from airflow_kafka_bq.bigquery.client import connect
from airflow_kafka_bq.bigquery.warehouse import BigQueryWarehouse
from airflow_kafka_bq.testing.bigquery import LocalBigQuery
from tests.contract.warehouse_world import LocalWorld

Opened = Callable[..., BigQueryWarehouse]


@pytest.fixture
def world(bigquery: LocalBigQuery, bigquery_client: Client, dataset: str) -> Iterator[LocalWorld]:
    """A dataset of the test's own; afterwards the server has no faults."""
    local = LocalWorld(bigquery, bigquery_client, dataset)
    bigquery.faults.forget_calls()
    yield local
    local.close()


@pytest.fixture
def opened(bigquery: LocalBigQuery, world: LocalWorld) -> Iterator[Opened]:
    """Opens warehouses with a short deadline, which are closed after the test."""
    found: list[BigQueryWarehouse] = []

    def warehouse(deadline_seconds: float = 3.0, stop: threading.Event | None = None) -> BigQueryWarehouse:
        client = connect({"project": world.project, "api_endpoint": bigquery.url})
        found.append(BigQueryWarehouse(client, stop=stop, deadline_seconds=deadline_seconds))
        return found[-1]

    yield warehouse
    for one in found:
        one.close()
