"""What a transaction reads of its staging tables. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence

from airflow_kafka_bq.batch import StagedTable
from airflow_kafka_bq.config.values import TableId


# `p.d.t__stg_…_rows_0`
# (SELECT * FROM `…_rows_0` UNION ALL SELECT * REPLACE(`_row` + 500000 AS `_row`) FROM `…_rows_0`)
def union(tables: Sequence[StagedTable]) -> str:
    """One table by its name; several one behind the other, their rows numbered through in the order they were read."""
    if len(tables) == 1:
        return TableId.parse(tables[0].table).quoted
    first, arms = 0, []
    for one in tables:
        shown = f"* REPLACE(`_row` + {first} AS `_row`)" if first else "*"
        arms.append(f"SELECT {shown} FROM {TableId.parse(one.table).quoted}")
        first += one.rows
    return f"({' UNION ALL '.join(arms)})"
