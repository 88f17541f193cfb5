"""Jobs that overlap: the ones that BigQuery lets pass, and the ones that it cancels."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from google.api_core.exceptions import BadRequest

from tests.testing.bigquery.warehouse import NO_RETRY, Warehouse

_LEDGER = (
    "BEGIN TRANSACTION; UPDATE DATASET.ledger SET revision = revision + 1 WHERE TRUE; "
    "INSERT INTO DATASET.t (k, v) VALUES (7, 'tx'); COMMIT TRANSACTION;"
)
_INSERT_ONLY = (
    "MERGE DATASET.t T USING (SELECT 1 AS k UNION ALL SELECT 2) S ON T.k = S.k "
    "WHEN NOT MATCHED THEN INSERT (k, v) VALUES (S.k, 'new')"
)
_UPSERT = (
    "MERGE DATASET.t T USING (SELECT 1 AS k) S ON T.k = S.k WHEN MATCHED THEN UPDATE SET v = 'again' "
    "WHEN NOT MATCHED THEN INSERT (k, v) VALUES (S.k, 'new')"
)


@pytest.fixture
def tables(warehouse: Warehouse) -> Warehouse:
    warehouse.query("CREATE TABLE DATASET.t (k INT64, v STRING)")
    warehouse.query("CREATE TABLE DATASET.ledger AS SELECT 1 AS revision")
    return warehouse


def _failure(warehouse: Warehouse, sql: str) -> str:
    with pytest.raises(BadRequest) as raised:
        warehouse.query(sql)
    assert raised.value.errors[0]["reason"] == "invalidQuery"
    return str(raised.value)


def test_overlapping_insert_only_merges_both_insert(tables: Warehouse) -> None:
    tables.local.faults.add("hold", kind="merge", job_id="first")
    first = tables.submit(_INSERT_ONLY, job_id=f"{tables.dataset}_first")
    second = tables.query(_INSERT_ONLY)
    tables.local.faults.release()
    first.result(retry=NO_RETRY, timeout=10)
    assert second.num_dml_affected_rows == 2
    assert first.num_dml_affected_rows == 2
    assert tables.rows("SELECT k, COUNT(*) FROM DATASET.t GROUP BY k ORDER BY k") == [(1, 2), (2, 2)]


def test_a_merge_after_the_other_inserts_nothing(tables: Warehouse) -> None:
    assert tables.query(_INSERT_ONLY).num_dml_affected_rows == 2
    assert tables.query(_INSERT_ONLY).num_dml_affected_rows == 0


def test_an_upsert_that_only_inserts_conflicts_with_nothing(tables: Warehouse) -> None:
    tables.local.faults.add("hold", kind="merge", job_id="first")
    first = tables.submit(_UPSERT, job_id=f"{tables.dataset}_first")
    tables.query(_UPSERT)
    tables.local.faults.release()
    first.result(retry=NO_RETRY, timeout=10)
    assert tables.rows("SELECT COUNT(*) FROM DATASET.t") == [(2,)]


@pytest.mark.parametrize("at", ["start", "commit"])
def test_a_statement_that_conflicts_cannot_be_serialized(tables: Warehouse, at: str) -> None:
    tables.query("INSERT INTO DATASET.t (k, v) VALUES (1, 'a'), (2, 'b')")
    tables.local.faults.add("hold", kind="dml", job_id="first", at=at)
    first = tables.submit("UPDATE DATASET.t SET v = 'x' WHERE k = 1", job_id=f"{tables.dataset}_first")
    other = "UPDATE DATASET.t SET v = 'y' WHERE k = 2"
    message = f"Could not serialize access to table demo:{tables.dataset}.t due to concurrent update"
    if at == "commit":
        assert message in _failure(tables, other)
        tables.local.faults.release()
        first.result(retry=NO_RETRY, timeout=10)
        assert tables.rows("SELECT v FROM DATASET.t ORDER BY k") == [("x",), ("b",)]
    else:
        tables.query(other)
        tables.local.faults.release()
        with pytest.raises(BadRequest, match=message):
            first.result(retry=NO_RETRY, timeout=10)
        assert tables.rows("SELECT v FROM DATASET.t ORDER BY k") == [("a",), ("y",)]


def test_the_later_transaction_is_cancelled_and_leaves_nothing(tables: Warehouse) -> None:
    tables.local.faults.add("hold", kind="script", job_id="first")
    first = tables.submit(_LEDGER, job_id=f"{tables.dataset}_first")
    message = _failure(tables, _LEDGER)
    assert (
        f"Transaction is aborted due to concurrent update against table demo:{tables.dataset}.ledger. Transaction ID:"
        in message
    )
    tables.local.faults.release()
    first.result(retry=NO_RETRY, timeout=10)
    assert tables.rows("SELECT revision FROM DATASET.ledger") == [(2,)]
    assert tables.rows("SELECT COUNT(*) FROM DATASET.t") == [(1,)]


def test_a_transaction_that_lost_while_it_waited_is_cancelled(tables: Warehouse) -> None:
    tables.local.faults.add("hold", kind="script", job_id="first", at="start")
    first = tables.submit(_LEDGER, job_id=f"{tables.dataset}_first")
    tables.query(_LEDGER)
    tables.local.faults.release()
    with pytest.raises(BadRequest, match="Transaction is aborted due to concurrent update"):
        first.result(retry=NO_RETRY, timeout=10)
    assert tables.rows("SELECT revision FROM DATASET.ledger") == [(2,)]
    assert tables.rows("SELECT COUNT(*) FROM DATASET.t") == [(1,)]


def test_a_statement_against_a_transaction_under_way_is_cancelled(tables: Warehouse) -> None:
    tables.local.faults.add("hold", kind="script", job_id="first")
    first = tables.submit(_LEDGER, job_id=f"{tables.dataset}_first")
    assert "Transaction is aborted due to concurrent update" in _failure(
        tables, "DELETE FROM DATASET.ledger WHERE TRUE"
    )
    tables.local.faults.release()
    first.result(retry=NO_RETRY, timeout=10)


def test_appends_pass_a_transaction_under_way(tables: Warehouse) -> None:
    tables.local.faults.add("hold", kind="script", job_id="first")
    first = tables.submit(_LEDGER, job_id=f"{tables.dataset}_first")
    tables.query("INSERT INTO DATASET.t (k, v) VALUES (8, 'beside')")
    tables.query("INSERT INTO DATASET.ledger (revision) VALUES (9)")
    tables.local.faults.release()
    first.result(retry=NO_RETRY, timeout=10)
    assert tables.rows("SELECT v FROM DATASET.t ORDER BY k") == [("tx",), ("beside",)]
    assert tables.rows("SELECT revision FROM DATASET.ledger ORDER BY 1") == [(2,), (9,)]


def test_a_transaction_reads_the_snapshot_of_its_start(tables: Warehouse) -> None:
    tables.local.faults.add("hold", kind="script", job_id="reader", at="start")
    script = (
        "BEGIN TRANSACTION; INSERT INTO DATASET.ledger (revision) SELECT COUNT(*) FROM DATASET.t; COMMIT TRANSACTION;"
    )
    reader = tables.submit(script, job_id=f"{tables.dataset}_reader")
    tables.query("INSERT INTO DATASET.t (k, v) VALUES (1, 'later')")
    tables.local.faults.release()
    reader.result(retry=NO_RETRY, timeout=10)
    assert tables.rows("SELECT revision FROM DATASET.ledger ORDER BY 1") == [(0,), (1,)]


def test_two_mutating_statements_run_and_twenty_wait(tables: Warehouse) -> None:
    tables.local.faults.add("hold", kind="dml", times=0, at="start", job_id="queue")
    sql = "UPDATE DATASET.t SET v = 'q' WHERE k = 1"
    with ThreadPoolExecutor(22) as pool:  # a job that waits is answered after a moment only
        jobs = list(pool.map(lambda number: tables.submit(sql, job_id=f"{tables.dataset}_queue_{number}"), range(22)))
    refused = tables.submit(sql, job_id=f"{tables.dataset}_last")
    with pytest.raises(BadRequest, match="Too many DML statements outstanding against table"):
        refused.result(retry=NO_RETRY, timeout=10)
    tables.local.faults.clear()
    deadline = time.monotonic() + 20
    while any(tables.client.get_job(job.job_id).state != "DONE" for job in jobs) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert {tables.client.get_job(job.job_id).state for job in jobs} == {"DONE"}
