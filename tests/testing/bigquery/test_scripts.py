"""MERGE, DML and scripts, as the pipeline sends them."""

from __future__ import annotations

import pytest
from google.api_core.exceptions import BadRequest

from tests.testing.bigquery.warehouse import Warehouse

_COMMIT = """BEGIN TRANSACTION;
UPDATE DATASET.ledger SET
  revision = IF(revision = {revision}, {revision} + 1, CAST(ERROR('ledger moved from {revision}') AS INT64)),
  batch_id = 'b1',
  positions = ARRAY<STRUCT<partition INT64, next_offset INT64, leader_epoch INT64>>[(0, 5, NULL), (1, 2, 3)],
  updated_at = CURRENT_TIMESTAMP() WHERE pipeline = '{pipeline}';
SELECT IF((SELECT COUNT(*) FROM DATASET.ledger WHERE pipeline = '{pipeline}' AND revision = {revision} + 1) = 1, 1,
  CAST(ERROR('ledger row missing or doubled') AS INT64));
MERGE DATASET.t T USING (SELECT 1 AS k, 'new' AS v) S ON T.k = S.k
  WHEN MATCHED THEN UPDATE SET v = S.v WHEN NOT MATCHED THEN INSERT (k, v) VALUES (S.k, S.v);
INSERT INTO DATASET.batches (batch_id) VALUES ('b1');
COMMIT TRANSACTION;"""


@pytest.fixture
def tables(warehouse: Warehouse) -> Warehouse:
    warehouse.query("CREATE TABLE DATASET.t (k INT64, v STRING)")
    warehouse.query("CREATE TABLE DATASET.batches (batch_id STRING)")
    warehouse.query(
        "CREATE TABLE IF NOT EXISTS DATASET.ledger AS SELECT 'p' AS pipeline, 0 AS revision, '' AS batch_id, "
        "ARRAY<STRUCT<partition INT64, next_offset INT64, leader_epoch INT64>>[] AS positions, "
        "CURRENT_TIMESTAMP() AS updated_at"
    )
    return warehouse


def _state(tables: Warehouse) -> list[tuple[object, ...]]:
    return tables.rows(
        "SELECT (SELECT SUM(revision) FROM DATASET.ledger), (SELECT COUNT(*) FROM DATASET.t), "
        "(SELECT COUNT(*) FROM DATASET.batches)"
    )


def test_the_whole_script_lands(tables: Warehouse) -> None:
    job = tables.query(_COMMIT.format(revision=0, pipeline="p"), job_id=f"{tables.dataset}_commit")
    assert job.statement_type == "SCRIPT"
    assert job.num_child_jobs == 6
    assert _state(tables) == [(1, 1, 1)]
    children = {child.statement_type: child for child in tables.client.list_jobs(parent_job=job.job_id)}
    assert set(children) == {"BEGIN_TRANSACTION", "UPDATE", "SELECT", "MERGE", "INSERT", "COMMIT_TRANSACTION"}
    stats = children["MERGE"].dml_stats
    assert (stats.inserted_row_count, stats.updated_row_count, stats.deleted_row_count) == (1, 0, 0)
    assert children["UPDATE"].num_dml_affected_rows == 1
    positions = tables.rows("SELECT positions FROM DATASET.ledger")[0][0]
    assert positions == [
        {"partition": 0, "next_offset": 5, "leader_epoch": None},
        {"partition": 1, "next_offset": 2, "leader_epoch": 3},
    ]


@pytest.mark.parametrize(
    ("revision", "pipeline", "message"),
    [(4, "p", "ledger moved from 4 at [2:1]"), (0, "nobody", "ledger row missing or doubled at [7:1]")],
)
def test_an_error_undoes_the_whole_script(tables: Warehouse, revision: int, pipeline: str, message: str) -> None:
    with pytest.raises(BadRequest) as raised:
        tables.query(_COMMIT.format(revision=revision, pipeline=pipeline))
    assert raised.value.errors[0]["reason"] == "invalidQuery"
    assert message in raised.value.message
    assert _state(tables) == [(0, 0, 0)]


def test_an_error_in_the_last_statement_undoes_the_first(tables: Warehouse) -> None:
    script = _COMMIT.format(revision=0, pipeline="p").replace("('b1');", "(CAST(ERROR('late') AS STRING));")
    with pytest.raises(BadRequest, match="late at"):
        tables.query(script)
    assert _state(tables) == [(0, 0, 0)]


def test_a_doubled_ledger_row_is_seen(tables: Warehouse) -> None:
    tables.query("INSERT INTO DATASET.ledger (pipeline, revision) VALUES ('p', 0)")
    with pytest.raises(BadRequest, match="missing or doubled"):
        tables.query(_COMMIT.format(revision=0, pipeline="p"))
    assert _state(tables) == [(0, 0, 0)]


def test_a_script_that_ends_in_a_transaction_loses_it(tables: Warehouse) -> None:
    tables.query("BEGIN TRANSACTION; INSERT INTO DATASET.batches (batch_id) VALUES ('x'); SELECT 1")
    tables.query("BEGIN TRANSACTION; INSERT INTO DATASET.batches (batch_id) VALUES ('x'); ROLLBACK TRANSACTION;")
    assert _state(tables) == [(0, 0, 0)]


def test_ddl_in_a_transaction_is_refused(tables: Warehouse) -> None:
    with pytest.raises(BadRequest, match="not allowed in a transaction"):
        tables.query("BEGIN TRANSACTION; CREATE TABLE DATASET.x (k INT64); COMMIT TRANSACTION;")


def test_an_unknown_statement_stops_the_script_before_it_starts(tables: Warehouse) -> None:
    with pytest.raises(BadRequest, match="does not play"):
        tables.query("INSERT INTO DATASET.batches (batch_id) VALUES ('x'); WHILE TRUE DO SELECT 1; END WHILE;")
    assert _state(tables) == [(0, 0, 0)]


def test_a_new_pipeline_is_inserted_once(tables: Warehouse) -> None:
    script = (
        "BEGIN TRANSACTION; UPDATE DATASET.ledger SET revision = revision + 1 WHERE pipeline = 'p'; "
        "INSERT INTO DATASET.ledger (pipeline, revision) SELECT 'q', 0 FROM (SELECT 1) "
        "WHERE NOT EXISTS (SELECT 1 FROM DATASET.ledger WHERE pipeline = 'q'); COMMIT TRANSACTION;"
    )
    tables.query(script)
    tables.query(script)
    assert tables.rows("SELECT COUNT(*) FROM DATASET.ledger") == [(2,)]


def test_variables_are_declared_and_set(tables: Warehouse) -> None:
    script = (
        'DECLARE wanted INT64 DEFAULT 3; DECLARE name STRING; SET name = "it\'s"; SET wanted = wanted + 1; '
        "INSERT INTO DATASET.t (k, v) SELECT wanted, name; SELECT k, v FROM DATASET.t WHERE k = wanted"
    )
    assert tables.rows(script) == [(4, "it's")]


def test_a_doubled_source_row_fails_a_merge_that_updates(tables: Warehouse) -> None:
    tables.query("INSERT INTO DATASET.t (k, v) VALUES (1, 'old')")
    source = "(SELECT 1 AS k, 'a' AS v UNION ALL SELECT 1, 'b')"
    for branch in ("UPDATE SET v = S.v", "DELETE"):
        with pytest.raises(BadRequest, match="UPDATE/MERGE must match at most one source row for each target row"):
            tables.query(f"MERGE DATASET.t T USING {source} S ON T.k = S.k WHEN MATCHED THEN {branch}")
    assert tables.rows("SELECT v FROM DATASET.t") == [("old",)]


def test_only_source_rows_that_a_branch_takes_are_counted(tables: Warehouse) -> None:
    tables.query("INSERT INTO DATASET.t (k, v) VALUES (1, 'old')")
    tables.query(
        "MERGE DATASET.t T USING (SELECT 1 AS k, 'a' AS v UNION ALL SELECT 1, 'b') S ON T.k = S.k "
        "WHEN MATCHED AND S.v = 'b' THEN UPDATE SET v = S.v"
    )
    assert tables.rows("SELECT v FROM DATASET.t") == [("b",)]


def test_an_insert_only_merge_inserts_doubled_source_rows(tables: Warehouse) -> None:
    job = tables.query(
        "MERGE DATASET.t T USING (SELECT 1 AS k UNION ALL SELECT 1) S ON T.k = S.k WHEN NOT MATCHED "
        "THEN INSERT (k) VALUES (S.k)"
    )
    assert job.num_dml_affected_rows == 2
    assert tables.rows("SELECT k FROM DATASET.t") == [(1,), (1,)]


def test_a_merge_tells_what_it_did(tables: Warehouse) -> None:
    tables.query("INSERT INTO DATASET.t (k, v) VALUES (1, 'a'), (2, 'b'), (3, 'c')")
    job = tables.query(
        "MERGE DATASET.t T USING (SELECT 1 AS k, 'x' AS v UNION ALL SELECT 2, NULL UNION ALL SELECT "
        "9, 'n' UNION ALL SELECT 3, 'c') S "
        "ON T.k = S.k WHEN MATCHED AND S.v IS NULL THEN DELETE WHEN MATCHED AND S.v != T.v THEN "
        "UPDATE SET v = IF(S.v > T.v, S.v, T.v) "
        "WHEN NOT MATCHED THEN INSERT (k, v) VALUES (S.k, S.v)"
    )
    assert job.dml_stats is not None
    assert (job.dml_stats.inserted_row_count, job.dml_stats.updated_row_count, job.dml_stats.deleted_row_count) == (
        1,
        1,
        1,
    )
    assert job.num_dml_affected_rows == 3
    assert tables.rows("SELECT k, v FROM DATASET.t ORDER BY k") == [(1, "x"), (3, "c"), (9, "n")]


def test_plain_dml_tells_what_it_did(tables: Warehouse) -> None:
    insert = tables.query("INSERT INTO DATASET.t (k) VALUES (1), (2), (3)")
    update = tables.query("UPDATE DATASET.t SET v = 'u' WHERE k > 1")
    delete = tables.query("DELETE FROM DATASET.t WHERE k = 3")
    counted = [job.dml_stats for job in (insert, update, delete) if job.dml_stats is not None]
    assert [(stats.inserted_row_count, stats.updated_row_count, stats.deleted_row_count) for stats in counted] == [
        (3, 0, 0),
        (0, 2, 0),
        (0, 0, 1),
    ]


def test_a_dry_run_changes_nothing_and_finds_mistakes(tables: Warehouse) -> None:
    job = tables.submit("SELECT k FROM DATASET.t", dry_run=True)
    assert job.schema is not None
    assert job.schema[0].field_type == "INTEGER"
    tables.submit(_COMMIT.format(revision=0, pipeline="p"), dry_run=True)
    tables.submit("INSERT INTO DATASET.t (k) VALUES (1)", dry_run=True)
    tables.submit("CREATE TABLE DATASET.x (k INT64)", dry_run=True)
    assert _state(tables) == [(0, 0, 0)]
    assert {table.table_id for table in tables.client.list_tables(tables.dataset)} == {"t", "batches", "ledger"}
    for wrong in ("SELECT nope FROM DATASET.t", "SELEC", "INSERT INTO DATASET.t (nope) VALUES (1)"):
        with pytest.raises(BadRequest):
            tables.submit(wrong, dry_run=True)
