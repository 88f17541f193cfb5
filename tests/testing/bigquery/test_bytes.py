from __future__ import annotations

import pytest
from google.api_core.exceptions import BadRequest, GoogleAPICallError

from tests.testing.bigquery.warehouse import Warehouse

_ROWS = 40  # ten in each of four days
_LEAST = 10 * 1024 * 1024


@pytest.fixture
def table(warehouse: Warehouse) -> Warehouse:
    warehouse.query("CREATE TABLE DATASET.t (k INT64, v STRING, ts TIMESTAMP) PARTITION BY DATE(ts) CLUSTER BY k")
    warehouse.query(
        "INSERT INTO DATASET.t (k, v, ts) SELECT n, 'abcdefgh', TIMESTAMP_ADD(TIMESTAMP '2026-01-01 00:00:00+00', "
        "INTERVAL CAST(FLOOR(n / 10) AS INT64) DAY) FROM UNNEST(GENERATE_ARRAY(0, 39)) n"
    )
    return warehouse


def _bytes(table: Warehouse, sql: str) -> int:
    processed = table.submit(sql, dry_run=True).total_bytes_processed
    assert processed is not None
    return int(processed)


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT k FROM DATASET.t", 40 * 8),
        ("SELECT * FROM DATASET.t", 40 * 26),
        ("SELECT COUNT(*) FROM DATASET.t", 0),
        ("SELECT k FROM DATASET.t WHERE ts >= TIMESTAMP '2026-01-03 00:00:00+00'", 20 * 16),
        (
            (
                "SELECT k FROM DATASET.t WHERE ts = TIMESTAMP '2026-01-03 05:00:00+00' OR ts < TIMESTAMP "
                "'2026-01-02 00:00:00+00'"
            ),
            20 * 16,
        ),
        ("SELECT k FROM DATASET.t WHERE ts IN (TIMESTAMP '2026-01-03 05:00:00+00') AND k = 4", 10 * 16),
        ("SELECT k FROM DATASET.t WHERE ts IS NULL", 0),
        ("SELECT k FROM DATASET.t WHERE DATE(ts) = DATE '2026-01-01'", 40 * 16),
        ("SELECT k FROM DATASET.t WHERE ts = (SELECT MAX(ts) FROM DATASET.t)", 40 * 16 + 40 * 16),
        ("SELECT k FROM DATASET.t WHERE k = 1", 40 * 8),
        ("DELETE FROM DATASET.t WHERE ts < TIMESTAMP '2026-01-02 00:00:00+00'", 10 * 8 + 10 * 26),
        ("UPDATE DATASET.t SET v = 'x' WHERE k = 1", 40 * 8 + 40 * 26),
        ("INSERT INTO DATASET.t (k) SELECT 1", 0),
    ],
)
def test_columns_and_constant_bounds_decide(table: Warehouse, sql: str, expected: int) -> None:
    if sql.count("DATASET.t") == 2:
        assert _bytes(table, sql) > 40 * 16
        return
    assert _bytes(table, sql) == expected


def _merge(on: str, branches: str) -> str:
    return (
        f"MERGE DATASET.t T USING (SELECT 1 AS k, TIMESTAMP '2026-01-01 00:00:00+00' AS ts) S ON T.k = "
        f"S.k {on} {branches}"
    )


_INSERT = "WHEN NOT MATCHED THEN INSERT (k, ts) VALUES (S.k, S.ts)"
_UPDATE = "WHEN MATCHED THEN UPDATE SET v = 'x' " + _INSERT
_LITERAL = "AND T.ts < TIMESTAMP '2026-01-02 00:00:00+00'"


@pytest.mark.parametrize(
    ("on", "branches", "expected"),
    [
        ("", _INSERT, 40 * 8),
        (_LITERAL, _INSERT, 10 * 16),
        ("AND T.ts = S.ts", _INSERT, 40 * 16),
        (_LITERAL, _UPDATE, 10 * 16 + 10 * 26),
        ("", _UPDATE, 40 * 8 + 40 * 26),
        (_LITERAL, "WHEN NOT MATCHED BY SOURCE THEN DELETE", 40 * 16 + 40 * 26),
    ],
)
def test_what_a_merge_costs(table: Warehouse, on: str, branches: str, expected: int) -> None:
    assert _bytes(table, _merge(on, branches)) == expected


def test_ten_megabytes_are_the_least_per_table(table: Warehouse) -> None:
    job = table.query("SELECT k FROM DATASET.t")
    assert (job.total_bytes_processed, job.total_bytes_billed) == (40 * 8, _LEAST)


def test_a_limit_is_enforced_before_anything_runs(table: Warehouse) -> None:
    # The client knows no class for this reason of a job; the message and the reason are BigQuery's.
    with pytest.raises(GoogleAPICallError, match="exceeded limit for bytes billed") as raised:
        table.query("DELETE FROM DATASET.t WHERE TRUE", maximum_bytes_billed=_LEAST - 1)
    assert raised.value.errors[0]["reason"] == "bytesBilledLimitExceeded"
    table.query("SELECT k FROM DATASET.t", maximum_bytes_billed=_LEAST)
    script = "BEGIN TRANSACTION; DELETE FROM DATASET.t WHERE TRUE; DELETE FROM DATASET.t WHERE TRUE; COMMIT TRANSACTION"
    with pytest.raises(GoogleAPICallError, match="exceeded limit"):
        table.query(script, maximum_bytes_billed=2 * _LEAST - 1)
    assert table.rows("SELECT COUNT(*) FROM DATASET.t") == [(_ROWS,)]


def test_a_required_partition_filter_is_required(table: Warehouse) -> None:
    table.query("ALTER TABLE DATASET.t SET OPTIONS(require_partition_filter=TRUE)")
    for sql in ("SELECT k FROM DATASET.t", "DELETE FROM DATASET.t WHERE k = 1", _merge("AND T.ts = S.ts", _INSERT)):
        with pytest.raises(BadRequest, match="without a filter over column"):
            table.query(sql)
    table.query("SELECT k FROM DATASET.t WHERE ts IS NULL OR ts IS NOT NULL")
    table.query(_merge(_LITERAL, _INSERT))
