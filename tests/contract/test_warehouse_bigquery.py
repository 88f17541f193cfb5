"""The contract of a Warehouse, held by the adapter on the local BigQuery."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from google.cloud.bigquery import Client

from airflow_kafka_bq.testing.bigquery import LocalBigQuery
from tests.contract import (
    altering_contract,
    auditing_contract,
    comparing_contract,
    copies_contract,
    deletes_contract,
    fence_contract,
    isolation_contract,
    jobs_contract,
    letters_contract,
    merging_contract,
    partitions_contract,
    repairing_contract,
    together_contract,
    tombstones_contract,
    warehouse_contract,
)
from tests.contract.warehouse_world import LocalWorld, WarehouseWorld


@pytest.fixture
def world(bigquery: LocalBigQuery, bigquery_client: Client, dataset: str) -> Iterator[WarehouseWorld]:
    local = LocalWorld(bigquery, bigquery_client, dataset)
    yield local
    local.close()


class TestTables(warehouse_contract.Tables):
    """On the local BigQuery."""


class TestAltering(altering_contract.Altering):
    """On the local BigQuery."""


class TestLedger(warehouse_contract.Ledger):
    """On the local BigQuery."""


class TestJobs(jobs_contract.Jobs):
    """On the local BigQuery."""


class TestKeeping(merging_contract.Keeping):
    """On the local BigQuery."""


class TestUpdating(merging_contract.Updating):
    """On the local BigQuery."""


class TestPartitions(partitions_contract.Partitions):
    """On the local BigQuery."""


class TestTombstones(tombstones_contract.Tombstones):
    """On the local BigQuery."""


class TestDeletes(deletes_contract.Deletes):
    """On the local BigQuery."""


class TestFence(fence_contract.Fence):
    """On the local BigQuery."""


class TestIsolation(isolation_contract.Isolation):
    """On the local BigQuery."""


class TestLetters(letters_contract.Letters):
    """On the local BigQuery."""


class TestTogether(together_contract.Together):
    """On the local BigQuery."""


class TestCopies(copies_contract.Copies):
    """On the local BigQuery."""


class TestComparing(comparing_contract.Comparing):
    """On the local BigQuery."""


class TestDuplicates(auditing_contract.Duplicates):
    """On the local BigQuery."""


class TestHoles(auditing_contract.Holes):
    """On the local BigQuery."""


class TestRepairing(repairing_contract.Repairing):
    """On the local BigQuery."""


class TestTraces(auditing_contract.Traces):
    """On the local BigQuery."""
