"""The front dies at every point of a job; what it tells afterwards must be what happened."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pytest
import requests
from google.api_core.exceptions import Conflict, NotFound
from google.cloud import bigquery

from airflow_kafka_bq.testing.bigquery import LocalBigQuery
from tests.testing.bigquery.warehouse import NO_RETRY, Warehouse

_SCRIPT = (
    "BEGIN TRANSACTION; UPDATE DATASET.ledger SET revision = revision + 1 WHERE TRUE; INSERT INTO "
    "DATASET.t (k) VALUES (1); COMMIT TRANSACTION;"
)


@pytest.fixture(scope="module")
def killable() -> Iterator[LocalBigQuery]:
    with LocalBigQuery(in_process=False) as started:
        yield started


@pytest.fixture
def crashing(killable: LocalBigQuery, request: pytest.FixtureRequest) -> Iterator[Warehouse]:
    client = killable.client()
    warehouse = Warehouse(killable, client, f"c{abs(hash(request.node.name))}")
    client.create_dataset(warehouse.dataset)
    warehouse.query("CREATE TABLE DATASET.t (k INT64)")
    warehouse.query("CREATE TABLE DATASET.ledger AS SELECT 0 AS revision")
    yield warehouse
    client.close()


def _run(warehouse: Warehouse, kind: str, name: str) -> None:
    if kind == "load":
        warehouse.load(pa.table({"k": [1]}), "t", job_id=name)
    else:
        warehouse.query(_SCRIPT, job_id=name)


@pytest.mark.kill
@pytest.mark.parametrize(
    ("kind", "at", "applied"),
    [
        ("script", "before", None),
        ("script", "started", False),
        ("script", "start", False),
        ("script", "commit", False),
        ("script", "applied", True),
        ("script", "after", True),
        ("load", "commit", False),
        ("load", "applied", True),
    ],
)
def test_a_job_is_told_as_what_became_of_it(crashing: Warehouse, kind: str, at: str, applied: bool | None) -> None:
    name = f"{crashing.dataset}_job"
    crashing.local.faults.add("kill_front", kind=kind, at=at, job_id=name, call="jobs.insert")
    with pytest.raises(requests.exceptions.ConnectionError):
        _run(crashing, kind, name)
    crashing.local.restart_front()
    rows = crashing.rows("SELECT COUNT(*) FROM DATASET.t")[0][0]
    if applied is None:
        assert rows == 0
        with pytest.raises(NotFound):
            crashing.client.get_job(name, retry=NO_RETRY)
        _run(crashing, kind, name)
        return
    job = crashing.client.get_job(name, retry=NO_RETRY)
    assert job.state == "DONE"
    assert (job.error_result is None) == (rows == 1)
    if at != "after":  # an insert is answered after some seconds, done or not: on a busy machine the job may still run
        assert rows == int(applied)
    assert crashing.rows("SELECT revision FROM DATASET.ledger") == [(int(rows == 1 and kind == "script"),)]
    with pytest.raises(Conflict):
        _run(crashing, kind, name)


def test_tables_and_jobs_outlive_the_front(crashing: Warehouse) -> None:
    crashing.query("INSERT INTO DATASET.t (k) VALUES (1)", job_id=f"{crashing.dataset}_kept")
    etag = crashing.client.get_table(crashing.table("t")).etag
    url = crashing.local.url
    crashing.local.kill_front()
    crashing.local.restart_front()
    assert crashing.local.url == url
    assert crashing.client.get_table(crashing.table("t")).etag == etag
    kept = crashing.client.get_job(f"{crashing.dataset}_kept")
    assert isinstance(kept, bigquery.QueryJob)
    assert kept.num_dml_affected_rows == 1
