"""Staging tables as one."""

from __future__ import annotations

from airflow_kafka_bq.batch import StagedTable
from airflow_kafka_bq.bigquery.staging import union

A, B, C = (StagedTable(f"p.d.{name}", rows) for name, rows in (("a", 3), ("b", 0), ("c", 5)))


def test_one_table_is_named() -> None:
    assert union([A]) == "`p`.`d`.`a`"


def test_rows_of_several_are_numbered_through() -> None:
    assert (
        union([A, C]) == "(SELECT * FROM `p`.`d`.`a` UNION ALL SELECT * REPLACE(`_row` + 3 AS `_row`) FROM `p`.`d`.`c`)"
    )
    assert "`_row` + 8 AS" in union([A, C, B])
