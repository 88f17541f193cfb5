"""What "newer" means, as SQL: version columns first, then Kafka's order.

In one Kafka partition the greater offset is later; across partitions the later timestamp, then the greater partition
number, then the topic's name (several topics may feed one table).
"""

from __future__ import annotations

from airflow_kafka_bq.bigquery.conversion import quoted
from airflow_kafka_bq.schema.target import Target

LATER = """(T.`_kafka_offset` IS NULL OR IF(
    S.`_kafka_topic` = T.`_kafka_topic` AND S.`_kafka_partition` = T.`_kafka_partition`,
    S.`_kafka_offset` > T.`_kafka_offset`,
    S.`_kafka_timestamp` > T.`_kafka_timestamp` OR (S.`_kafka_timestamp` = T.`_kafka_timestamp` AND (
      S.`_kafka_partition` > T.`_kafka_partition`
      OR (S.`_kafka_partition` = T.`_kafka_partition` AND S.`_kafka_topic` > T.`_kafka_topic`)))))"""
"""S lies behind T in Kafka. A row without coordinates (adopted from before) is older than any message."""


def _greater(name: str) -> str:
    column = quoted(name)
    return f"(S.{column} > T.{column} OR (S.{column} IS NOT NULL AND T.{column} IS NULL))"


def _equal(name: str) -> str:
    column = quoted(name)
    return f"(S.{column} = T.{column} OR (S.{column} IS NULL AND T.{column} IS NULL))"


def newer(target: Target) -> str:
    """When the staged row S replaces the target's row T: strictly newer, so that a replay changes nothing."""
    condition = LATER
    for name in reversed(target.version):
        condition = f"({_greater(name)} OR ({_equal(name)} AND {condition}))"
    return condition


def winners(source: str, target: Target, *, versions: bool) -> str:
    """One row per dedup key: the newest for update, the oldest for keep.

    Two steps, because offsets order only within a partition and timestamps only decide between partitions.
    """
    keys = ", ".join(map(quoted, target.key))
    if not target.kafka_columns:
        return f"{source}\n  WHERE TRUE\n  QUALIFY ROW_NUMBER() OVER (PARTITION BY {keys} ORDER BY `_row`) = 1"
    way = "DESC" if target.update else "ASC"
    first = "".join(f"{quoted(name)} DESC NULLS LAST, " for name in target.version) if versions else ""
    inner = (
        f"{source}\n    WHERE TRUE\n    QUALIFY ROW_NUMBER() OVER (PARTITION BY {keys}, `_kafka_partition` "
        f"ORDER BY {first}`_kafka_offset` {way}) = 1"
    )
    if target.by_coordinates:
        return inner
    return (
        f"SELECT * FROM (\n    {inner}\n  )\n  WHERE TRUE\n  QUALIFY ROW_NUMBER() OVER (PARTITION BY {keys} "
        f"ORDER BY {first}`_kafka_timestamp` {way}, `_kafka_partition` {way}) = 1"
    )
