"""What "newer" means, as SQL: version columns first, then Kafka's order.

In one Kafka partition the greater offset is later; across partitions the later timestamp, then the greater partition
number, then the topic's name (several topics may feed one table).
"""

from __future__ import annotations

from airflow_kafka_bq.bigquery.conversion import quoted
from airflow_kafka_bq.schema.target import Target

_LATER = """(T.`_kafka_offset` IS NULL OR IF(
    S.`_kafka_topic` = T.`_kafka_topic` AND S.`_kafka_partition` = T.`_kafka_partition`,
    S.`_kafka_offset` > T.`_kafka_offset`,
    S.`_kafka_timestamp` > T.`_kafka_timestamp` OR (S.`_kafka_timestamp` = T.`_kafka_timestamp` AND (
      S.`_kafka_partition` > T.`_kafka_partition`
      OR (S.`_kafka_partition` = T.`_kafka_partition` AND S.`_kafka_topic` > T.`_kafka_topic`)))))"""


def later(one: str = "S", other: str = "T") -> str:
    """``one`` lies behind ``other`` in Kafka. What has no coordinates is older."""
    return _LATER.replace("S.", f"{one}.").replace("T.", f"{other}.")


LATER = later()


def _greater(name: str, one: str, other: str) -> str:
    column = quoted(name)
    return f"({one}.{column} > {other}.{column} OR ({one}.{column} IS NOT NULL AND {other}.{column} IS NULL))"


def _equal(name: str, one: str, other: str) -> str:
    column = quoted(name)
    return f"({one}.{column} = {other}.{column} OR ({one}.{column} IS NULL AND {other}.{column} IS NULL))"


def newer(target: Target, one: str = "S", other: str = "T", tie: str | None = None) -> str:
    """When the staged row S replaces the target's row T: strictly newer, so that a replay changes nothing.

    :param tie: what decides between equal versions; Kafka's order, unless something else is said.
    """
    condition = later(one, other) if tie is None else tie
    for name in reversed(target.version):
        condition = f"({_greater(name, one, other)} OR ({_equal(name, one, other)} AND {condition}))"
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
