from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from airflow_kafka_bq.testing.bigquery import LocalBigQuery
from tests.testing.bigquery.warehouse import Warehouse

_NUMBERS = itertools.count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "testing/bigquery" in str(item.path):
            item.add_marker(pytest.mark.bigquery)


@pytest.fixture
def local(bigquery: LocalBigQuery) -> LocalBigQuery:
    return bigquery


@pytest.fixture
def warehouse(local: LocalBigQuery) -> Iterator[Warehouse]:
    client = local.client()
    dataset = f"d{next(_NUMBERS)}"
    client.create_dataset(dataset)
    yield Warehouse(local, client, dataset)
    local.faults.clear()
    local.faults.forget_calls()
    client.close()
