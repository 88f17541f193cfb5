from __future__ import annotations

import time

import pyarrow as pa
import pytest
import requests
from google.api_core.exceptions import BadRequest, Conflict, Forbidden, NotFound, ServiceUnavailable

from tests.testing.bigquery.warehouse import NO_RETRY, Warehouse

_INSERT = "INSERT INTO DATASET.t (k) VALUES (1)"


@pytest.fixture
def table(warehouse: Warehouse) -> Warehouse:
    warehouse.query("CREATE TABLE DATASET.t (k INT64)")
    return warehouse


def _count(table: Warehouse) -> int:
    return int(table.rows("SELECT COUNT(*) FROM DATASET.t")[0][0])


def _settle(table: Warehouse, job_id: str) -> None:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and table.client.get_job(job_id).state != "DONE":
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("action", "applied"), [("fail_before", 0), ("fail_after", 1), ("drop_before", 0), ("drop_after", 1)]
)
def test_a_call_fails_before_or_after_its_effect(table: Warehouse, action: str, applied: int) -> None:
    name = f"{table.dataset}_{action}"
    table.local.faults.add(action, call="jobs.insert", kind="dml")
    with pytest.raises((ServiceUnavailable, requests.exceptions.ConnectionError)):
        table.query(_INSERT, job_id=name)
    if applied:
        _settle(table, name)
        with pytest.raises(Conflict):
            table.query(_INSERT, job_id=name)
    else:
        with pytest.raises(NotFound):
            table.client.get_job(name, retry=NO_RETRY)
    assert _count(table) == applied


@pytest.mark.parametrize("applied", [True, False])
def test_a_call_is_never_answered(table: Warehouse, applied: bool) -> None:
    table.local.faults.add("never_answer", call="jobs.insert", kind="dml", applied=applied)
    with pytest.raises(requests.exceptions.ReadTimeout):
        table.client.query(_INSERT.replace("DATASET", table.dataset), job_retry=None, retry=NO_RETRY, timeout=0.5)
    time.sleep(0.3)
    assert _count(table) == int(applied)


def test_a_rule_strikes_the_nth_call_only(table: Warehouse) -> None:
    table.local.faults.add("fail_before", call="jobs.insert", kind="dml", nth=2, status=403, reason="rateLimitExceeded")
    table.query(_INSERT)
    with pytest.raises(Forbidden) as raised:
        table.query(_INSERT)
    assert raised.value.errors[0]["reason"] == "rateLimitExceeded"
    table.query(_INSERT)
    assert _count(table) == 2


def test_a_job_ends_with_an_error_and_applies_nothing(table: Warehouse) -> None:
    name = f"{table.dataset}_internal"
    table.local.faults.add("job_error", job_id="internal", reason="jobInternalError", message="an internal error")
    job = table.submit(_INSERT, job_id=name)
    with pytest.raises(Exception, match="an internal error"):
        job.result(retry=NO_RETRY, timeout=10)
    assert table.client.get_job(name).error_result == {"reason": "jobInternalError", "message": "an internal error"}
    with pytest.raises(Conflict):
        table.query(_INSERT, job_id=name)
    assert _count(table) == 0


def test_a_load_fails_the_same_ways(table: Warehouse) -> None:
    rows = pa.table({"k": [1]})
    table.local.faults.add("job_error", kind="load", reason="backendError", message="backend")
    with pytest.raises(Exception, match="backend"):
        table.load(rows, "t")
    table.local.faults.add("drop_after", call="jobs.insert", kind="load", job_id="dropped")
    with pytest.raises(requests.exceptions.ConnectionError):
        table.load(rows, "t", job_id=f"{table.dataset}_dropped")
    _settle(table, f"{table.dataset}_dropped")
    assert _count(table) == 1


def test_a_job_is_not_found_right_after_a_conflict(table: Warehouse) -> None:
    name = f"{table.dataset}_conflict"
    table.query(_INSERT, job_id=name)
    table.local.faults.add("404_after_409", job_id="conflict")
    with pytest.raises(Conflict):
        table.query(_INSERT, job_id=name)
    with pytest.raises(NotFound):
        table.client.get_job(name, retry=NO_RETRY)
    assert table.client.get_job(name, retry=NO_RETRY).state == "DONE"


def test_a_slow_job_runs_for_its_time(table: Warehouse) -> None:
    table.local.faults.add("slow", kind="dml", seconds=0.6)
    began = time.monotonic()
    job = table.submit(_INSERT)
    assert job.state == "RUNNING"
    job.result(retry=NO_RETRY, timeout=10)
    assert time.monotonic() - began >= 0.6


def test_access_can_be_denied(table: Warehouse) -> None:
    table.local.faults.add(
        "fail_before", call=r"tables\..*", status=403, reason="accessDenied", message="Access Denied: Table"
    )
    with pytest.raises(Forbidden, match="Access Denied"):
        table.client.get_table(table.table("t"), retry=NO_RETRY)


def test_the_log_tells_what_was_called(table: Warehouse) -> None:
    table.local.faults.forget_calls()
    table.query(_INSERT, job_id=f"{table.dataset}_logged")
    [call] = table.local.faults.calls("jobs.insert")
    assert (call["method"], call["kind"], call["job_id"], call["status"]) == (
        "POST",
        "dml",
        f"{table.dataset}_logged",
        200,
    )


def test_a_rule_with_a_wrong_word_is_refused(table: Warehouse) -> None:
    answer = requests.post(f"{table.local.url}/_front/faults", json={"action": "explode"}, timeout=5)
    assert answer.status_code == 400
    assert BadRequest.code == 400
