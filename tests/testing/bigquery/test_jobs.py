from __future__ import annotations

import time

import pytest
from google.api_core.exceptions import BadRequest, Conflict, NotFound

from tests.testing.bigquery.warehouse import NO_RETRY, Warehouse


def test_a_job_id_is_taken_by_its_first_use(warehouse: Warehouse) -> None:
    warehouse.query("CREATE TABLE DATASET.t (k INT64)")
    warehouse.query("INSERT INTO DATASET.t (k) VALUES (1)", job_id=f"{warehouse.dataset}_insert")
    with pytest.raises(Conflict, match=r"Already Exists: Job demo:US\.") as raised:
        warehouse.query("INSERT INTO DATASET.t (k) VALUES (1)", job_id=f"{warehouse.dataset}_insert")
    assert raised.value.errors[0]["reason"] == "duplicate"
    assert warehouse.rows("SELECT COUNT(*) FROM DATASET.t") == [(1,)]


def test_the_id_of_a_failed_job_is_burnt(warehouse: Warehouse) -> None:
    with pytest.raises(BadRequest):
        warehouse.query("SELECT CAST(ERROR('no') AS INT64)", job_id=f"{warehouse.dataset}_burnt")
    with pytest.raises(Conflict):
        warehouse.query("SELECT 1", job_id=f"{warehouse.dataset}_burnt")
    job = warehouse.client.get_job(f"{warehouse.dataset}_burnt")
    assert job.state == "DONE"
    assert job.error_result == {"reason": "invalidQuery", "message": "no", "location": "query"}


def test_the_same_id_in_another_location_is_another_job(warehouse: Warehouse) -> None:
    name = f"{warehouse.dataset}_place"
    warehouse.client.query("SELECT 1", job_id=name, location="europe-west1", job_retry=None).result()
    warehouse.query("SELECT 2", job_id=name)
    assert warehouse.client.get_job(name, location="europe-west1").location == "europe-west1"


def test_a_job_outside_us_and_eu_is_only_found_with_its_location(warehouse: Warehouse) -> None:
    name = f"{warehouse.dataset}_far"
    warehouse.client.query("SELECT 1", job_id=name, location="europe-west1", job_retry=None).result()
    for location in (None, "US", "us-east1"):
        with pytest.raises(NotFound):
            warehouse.client.get_job(name, location=location, retry=NO_RETRY)


def test_a_job_runs_where_its_data_is(warehouse: Warehouse) -> None:
    dataset = f"{warehouse.dataset}_eu"
    from google.cloud import bigquery

    described = bigquery.Dataset(f"demo.{dataset}")
    described.location = "EU"
    warehouse.client.create_dataset(described)
    assert warehouse.client.query(f"CREATE TABLE {dataset}.t (k INT64)", job_retry=None).location == "EU"


def test_a_job_goes_on_without_its_client(warehouse: Warehouse) -> None:
    warehouse.query("CREATE TABLE DATASET.t (k INT64)")
    warehouse.local.faults.add("hold", kind="dml")
    job = warehouse.submit("INSERT INTO DATASET.t (k) VALUES (1)")
    assert job.state == "RUNNING"
    assert not job.done(retry=NO_RETRY)
    assert warehouse.rows("SELECT COUNT(*) FROM DATASET.t") == [(0,)], "a running job shows nothing of what it does"
    warehouse.local.faults.release()
    deadline = time.monotonic() + 5
    while warehouse.client.get_job(job.job_id).state != "DONE" and time.monotonic() < deadline:
        time.sleep(0.05)
    assert warehouse.rows("SELECT COUNT(*) FROM DATASET.t") == [(1,)]


def test_a_cancelled_job_applies_nothing(warehouse: Warehouse) -> None:
    warehouse.query("CREATE TABLE DATASET.t (k INT64)")
    warehouse.local.faults.add("hold", kind="dml")
    job = warehouse.submit("INSERT INTO DATASET.t (k) VALUES (1)")
    job.cancel(retry=NO_RETRY)
    done = warehouse.client.get_job(job.job_id)
    assert done.state == "DONE"
    assert done.error_result is not None
    assert done.error_result["reason"] == "stopped"
    assert warehouse.rows("SELECT COUNT(*) FROM DATASET.t") == [(0,)]


def test_jobs_are_listed_by_state_and_parent(warehouse: Warehouse) -> None:
    warehouse.query("CREATE TABLE DATASET.t (k INT64)")
    warehouse.query("SELECT 1; INSERT INTO DATASET.t (k) VALUES (1); SELECT 2", job_id=f"{warehouse.dataset}_parent")
    warehouse.local.faults.add("hold", kind="query", job_id="waits")
    running = warehouse.submit("SELECT 3", job_id=f"{warehouse.dataset}_waits")
    listed = {job.job_id for job in warehouse.client.list_jobs(state_filter="running")}
    assert running.job_id in listed
    assert f"{warehouse.dataset}_parent" not in listed
    children = list(warehouse.client.list_jobs(parent_job=f"{warehouse.dataset}_parent"))
    assert [child.statement_type for child in reversed(children)] == ["SELECT", "INSERT", "SELECT"]
    assert {child.parent_job_id for child in children} == {f"{warehouse.dataset}_parent"}
    assert not {child.job_id for child in children} & {job.job_id for job in warehouse.client.list_jobs()}


def test_results_come_in_pages(warehouse: Warehouse) -> None:
    job = warehouse.query("SELECT n FROM UNNEST(GENERATE_ARRAY(1, 25)) n ORDER BY n")
    assert [row.n for row in job.result(page_size=10)] == list(range(1, 26))
    assert [row.n for row in warehouse.client.query_and_wait("SELECT 7 AS n")] == [7]


def test_a_missing_dataset_or_table_is_not_found(warehouse: Warehouse) -> None:
    with pytest.raises(NotFound, match=r"Not found: Table demo:d\d+\.nope"):
        warehouse.query("SELECT * FROM DATASET.nope")
    with pytest.raises(NotFound, match="Not found: Dataset demo:nowhere"):
        warehouse.query("SELECT * FROM nowhere.nope")


@pytest.mark.parametrize(
    "sql",
    ["SELEC 1", "SELECT nope FROM DATASET.t", "SELECT 'a' + 1", "SELECT nofunction(1)", "CALL thing()", "EXPORT DATA"],
)
def test_wrong_sql_is_a_bad_request_and_never_a_server_error(warehouse: Warehouse, sql: str) -> None:
    warehouse.query("CREATE TABLE DATASET.t (k INT64)")
    with pytest.raises(BadRequest) as raised:
        warehouse.query(sql)
    assert raised.value.errors[0]["reason"] == "invalidQuery"
