"""Each test here runs on the local BigQuery, and with ``make test-bigquery`` in a real project."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator

import pytest
from google.cloud import bigquery

from airflow_kafka_bq.bigquery.client import connect
from tests.project.line import Line

PROJECT = "KAFKA_BQ_TEST_PROJECT"
LOCATION = "KAFKA_BQ_TEST_LOCATION"
_EXPIRY_MS = 24 * 3600 * 1000  # of all that a test leaves when it is killed

LineFactory = Callable[..., Line]


@pytest.fixture(scope="session")
def project_client() -> Iterator[bigquery.Client]:
    """A client of the project that the environment names, with default credentials."""
    name = os.environ.get(PROJECT)
    if not name:
        pytest.skip(f"set {PROJECT} to a project that your application default credentials may use")
    client = connect({"project": name})
    yield client
    client.close()


@pytest.fixture
def project_dataset(project_client: bigquery.Client) -> Iterator[str]:
    """A fresh dataset of the project; gone after the test."""
    dataset = bigquery.Dataset(f"{project_client.project}.kafka_bq_test_{uuid.uuid4().hex[:12]}")
    dataset.location = os.environ.get(LOCATION, "US")
    dataset.default_table_expiration_ms = _EXPIRY_MS
    project_client.create_dataset(dataset)
    yield dataset.dataset_id
    project_client.delete_dataset(dataset, delete_contents=True, not_found_ok=True)


@pytest.fixture(
    params=[
        pytest.param("local", marks=pytest.mark.bigquery),
        pytest.param("project", marks=pytest.mark.project),
    ]
)
def line(request: pytest.FixtureRequest) -> LineFactory:
    """``line()``, ``line("other.topic")``: pipelines into one table of a fresh dataset."""
    local = request.param == "local"
    client = request.getfixturevalue("bigquery_client" if local else "project_client")
    dataset = request.getfixturevalue("dataset" if local else "project_dataset")

    def make(*topic: str) -> Line:
        return Line(client, dataset, *topic)

    return make
