"""The SQL that the pipeline writes, run through front and emulator."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.testing.bigquery.warehouse import Warehouse


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("PARSE_JSON('{\"a\": 1.0}', wide_number_mode=>'round')", {"a": 1.0}),
        ("SAFE.PARSE_JSON('{')", None),
        ("TO_JSON_STRING(PARSE_JSON('[1, null]'))", "[1,null]"),
        ("CAST('01:02:03.000004' AS TIME)", datetime.time(1, 2, 3, 4)),
        ("CAST('2026-01-02 03:04:05' AS DATETIME)", datetime.datetime(2026, 1, 2, 3, 4, 5)),
        ("CAST('2026-01-02T03:04:05.000006' AS DATETIME)", datetime.datetime(2026, 1, 2, 3, 4, 5, 6)),
        ("SAFE_CAST('x' AS INT64)", None),
        (
            "CAST('99999999999999999999999999999.123456789' AS NUMERIC)",
            Decimal("99999999999999999999999999999.123456789"),
        ),
        ("NUMERIC '1.5'", Decimal("1.5")),
        ("TIMESTAMP '2026-01-02 00:00:00.000001+00' IN (TIMESTAMP '2026-01-02 00:00:00.000001 UTC')", True),
        ("CAST(NULL AS ARRAY<STRUCT<a INT64>>)", []),
        ("ARRAY<STRUCT<a INT64, b STRING>>[(1, 'x'), (2, NULL)]", [{"a": 1, "b": "x"}, {"a": 2, "b": None}]),
        ("FROM_BASE64('AP8=')", b"\x00\xff"),
        ("FROM_HEX('00ff')", b"\x00\xff"),
        ("DATE '2026-01-02'", datetime.date(2026, 1, 2)),
        ("TIMESTAMP_MILLIS(1)", datetime.datetime(1970, 1, 1, 0, 0, 0, 1000, tzinfo=datetime.UTC)),
        ("'a\\'b\\\\c\\n'", "a'b\\c\n"),
        ("r'a\\d'", "a\\d"),
        ("JSON_VALUE(PARSE_JSON('{\"a\": \"x\"}'), '$.a')", "x"),
    ],
)
def test_expressions(warehouse: Warehouse, expression: str, value: Any) -> None:
    assert warehouse.rows(f"SELECT {expression} AS x") == [(value,)]


def test_rows_are_rebuilt_with_their_json(warehouse: Warehouse) -> None:
    warehouse.query(
        "CREATE TABLE DATASET.s (k INT64, s STRUCT<a STRUCT<x INT64, j STRING>>, l ARRAY<STRUCT<n "
        "INT64, j STRING>>, e ARRAY<STRING>)"
    )
    warehouse.query(
        "INSERT INTO DATASET.s (k, s, l, e) VALUES (1, STRUCT(STRUCT(1 AS x, '{\"q\": 1}' AS j) AS "
        "a), [STRUCT(2 AS n, '[]' AS j), STRUCT(1 AS n, NULL AS j)], ['1', '{}']), "
        "(2, NULL, [], [])"
    )
    sql = """SELECT k,
      IF(s.a IS NULL, NULL, STRUCT(s.a.x AS x, PARSE_JSON(s.a.j, wide_number_mode=>'round') AS j)) AS a,
      ARRAY(SELECT AS STRUCT item.n AS n, PARSE_JSON(item.j) AS j FROM UNNEST(l) AS item WITH OFFSET o ORDER BY o) AS l,
      ARRAY(SELECT PARSE_JSON(item) FROM UNNEST(e) AS item WITH OFFSET o ORDER BY o) AS e FROM DATASET.s ORDER BY k"""
    first, second = warehouse.rows(sql)
    assert first[0] == 1
    assert first[1]["x"] == 1
    assert [item["n"] for item in first[2]] == [2, 1]
    assert [str(item).replace(" ", "") for item in first[3]] == ["1", "{}"]
    assert second == (2, None, [], [])


def test_the_newest_row_of_a_key_is_merged(warehouse: Warehouse) -> None:
    warehouse.query(
        "CREATE TABLE DATASET.t (k INT64, v STRING, n NUMERIC, x BIGNUMERIC, ts TIMESTAMP, o INT64) "
        "PARTITION BY DATE(ts)"
    )
    warehouse.query("CREATE TABLE DATASET.s (k INT64, v STRING, n STRING, x STRING, ts TIMESTAMP, o INT64, p INT64)")
    warehouse.query(
        "INSERT INTO DATASET.s VALUES (1, 'old', '1.5', '1.50', TIMESTAMP '2026-01-01 00:00:00+00', 1, 0), "
        "(1, 'new', '2.5', '0.00000000000000000000000000000000000001', TIMESTAMP '2026-01-02 00:00:00+00', 2, 0), "
        "(1, 'other', NULL, NULL, NULL, 9, 1), (2, 'two', '3', "
        "'-578960446186580977117854925043439539266.1', TIMESTAMP '2026-03-01 00:00:00+00', 3, 0)"
    )
    merge = """MERGE DATASET.t T USING (
      SELECT k, v, CAST(n AS NUMERIC) AS n, CAST(x AS BIGNUMERIC) AS x, ts, o FROM (
        SELECT * FROM DATASET.s WHERE p IN (0, 1)
        QUALIFY ROW_NUMBER() OVER (PARTITION BY k, p ORDER BY o DESC NULLS LAST) = 1
      ) QUALIFY ROW_NUMBER() OVER (PARTITION BY k ORDER BY ts DESC NULLS LAST, p DESC) = 1) S
    ON T.k = S.k AND ((T.ts >= TIMESTAMP '2026-01-01 00:00:00+00' AND T.ts < TIMESTAMP '2026-01-03 00:00:00+00')
      OR (T.ts >= TIMESTAMP '2026-03-01 00:00:00+00' AND T.ts < TIMESTAMP '2026-03-02 00:00:00+00')) AND T.o IN (2, 3)
    WHEN MATCHED AND S.o > T.o THEN UPDATE SET v = IF(S.v IS NULL, T.v, S.v), n = S.n
    WHEN NOT MATCHED THEN INSERT (k, v, n, x, ts, o) VALUES (S.k, S.v, S.n, S.x, S.ts, S.o)"""
    assert warehouse.query(merge).num_dml_affected_rows == 2
    assert warehouse.query(merge).num_dml_affected_rows == 0
    assert warehouse.rows("SELECT k, v, n, x FROM DATASET.t ORDER BY k") == [
        (1, "new", Decimal("2.5"), Decimal("0.00000000000000000000000000000000000001")),
        (2, "two", Decimal(3), Decimal("-578960446186580977117854925043439539266.1")),
    ]


def test_query_parameters_are_bound(warehouse: Warehouse) -> None:
    from google.cloud import bigquery

    parameters = [bigquery.ScalarQueryParameter("n", "INT64", 3), bigquery.ScalarQueryParameter("s", "STRING", "x")]
    job = warehouse.query("SELECT @n + 1 AS n, @s AS s", query_parameters=parameters)
    assert [tuple(row.values()) for row in job.result()] == [(4, "x")]


def test_numeric_casts_keep_every_digit(warehouse: Warehouse) -> None:
    casts = ("CAST(s AS NUMERIC) AS a", "SAFE_CAST(s AS NUMERIC) AS b", "SAFE_CAST('x' AS NUMERIC) AS c")
    sql = f"SELECT {', '.join(casts)}, CAST(n AS NUMERIC) AS d"
    exact = Decimal("-12345678901234567890123456789.123456789")
    assert warehouse.rows(f"{sql} FROM (SELECT '{exact}' AS s, 7 AS n)") == [(exact, exact, None, Decimal(7))]
