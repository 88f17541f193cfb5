"""The contract of a Warehouse, held by BigQuery itself."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from google.cloud import bigquery

from airflow_kafka_bq.batch import JobResult
from airflow_kafka_bq.bigquery.client import connect
from airflow_kafka_bq.bigquery.warehouse import BigQueryWarehouse
from airflow_kafka_bq.ports import MergeSpec, Warehouse
from tests.contract import fence_contract, jobs_contract, merging_contract, tombstones_contract, warehouse_contract
from tests.contract.warehouse_world import ClientWorld, WarehouseWorld, at_once

pytestmark = [pytest.mark.project, pytest.mark.timeout(600)]


class ProjectWorld(ClientWorld):
    """A dataset of a real project."""

    def warehouse(self) -> Warehouse:
        self._opened.append(BigQueryWarehouse(connect({"project": self.project}), deadline_seconds=120))
        return self._opened[-1]

    def merge_together(self, *jobs: tuple[str, MergeSpec]) -> list[JobResult]:
        """As near as a client can: BigQuery cannot be told to hold a transaction."""
        calls: list[Any] = [partial(self.warehouse().merge, job_id, spec, None) for job_id, spec in jobs]
        return at_once(*calls)


@pytest.fixture
def world(project_client: bigquery.Client, project_dataset: str) -> Iterator[WarehouseWorld]:
    made = ProjectWorld(project_client, project_dataset)
    yield made
    made.close()


class TestTables(warehouse_contract.Tables):
    """In a real project."""


class TestLedger(warehouse_contract.Ledger):
    """In a real project."""


class TestJobs(jobs_contract.Jobs):
    """In a real project."""


class TestKeeping(merging_contract.Keeping):
    """In a real project."""


class TestUpdating(merging_contract.Updating):
    """In a real project."""


class TestTombstones(tombstones_contract.Tombstones):
    """In a real project."""


class TestFence(fence_contract.Fence):
    """In a real project."""
