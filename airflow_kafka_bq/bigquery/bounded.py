"""The ON clause of a MERGE: equal keys, and the literal bounds that keep it from reading the whole table."""

from __future__ import annotations

from typing import Any

from airflow_kafka_bq.batch import ColumnBounds
from airflow_kafka_bq.bigquery.conversion import quoted
from airflow_kafka_bq.bigquery.literals import literal
from airflow_kafka_bq.schema.target import Target


def matched(target: Target, bounds: tuple[ColumnBounds, ...]) -> str:
    """Equal keys, and every bound."""
    partition = target.partitioning.column if target.partitioning else ""
    found = {one.column: bounded(one, half_open=one.column == partition) for one in bounds}
    if partition and not found.get(partition):
        # Prunes nothing; but with require_partition_filter a statement that leaves the column out is refused.
        column = f"T.{quoted(partition)}"
        found[partition] = f"({column} IS NULL OR {column} IS NOT NULL)"
    keys = [f"T.{quoted(name)} = S.{quoted(name)}" for name in target.key]
    return "\n  AND ".join([*keys, *filter(None, found.values())])


def _span(column: str, low: Any, high: Any) -> str:
    above = [f"{column} >= {literal(low)}"] if low is not None else []
    below = [f"{column} < {literal(high)}"] if high is not None else []
    found = " AND ".join([*above, *below])
    return f"({found})" if above and below else found


# (T.`day` >= TIMESTAMP '2026-01-01 …' AND T.`day` < TIMESTAMP '2026-01-03 …')
# T.`_kafka_partition` IN (0, 3)         T.`_kafka_offset` BETWEEN 1200 AND 98000
def bounded(bounds: ColumnBounds, half_open: bool) -> str:
    """Literal bounds on a target column: only literals prune partitions and blocks."""
    column = f"T.{quoted(bounds.column)}"
    if bounds.values:
        arms = [f"{column} IN ({', '.join(map(literal, bounds.values))})"]
    elif half_open:
        arms = [_span(column, low, high) for low, high in bounds.ranges]
    else:
        arms = [f"{column} BETWEEN {literal(low)} AND {literal(high)}" for low, high in bounds.ranges]
    if bounds.has_null:
        arms.append(f"{column} IS NULL")
    return f"({' OR '.join(arms)})" if len(arms) > 1 else "".join(arms)
