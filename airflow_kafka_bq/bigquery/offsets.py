"""Which offsets a table and its history have seen. Pure functions."""

from __future__ import annotations

from airflow_kafka_bq.bigquery.literals import text
from airflow_kafka_bq.schema.target import TableFacts, Target


# SELECT r.`partition`, MIN(r.start_offset) AS found FROM history, UNNEST(ranges) AS r
# WHERE pipeline = '…' AND kind = 'live' AND applied_at > … GROUP BY 1
def first_read(target: Target, pipeline: str) -> str:
    """Where live reading of each partition began; partitions without a batch are left out."""
    return (
        f"SELECT r.`partition` AS `partition`, MIN(r.start_offset) AS found\n"
        f"FROM {target.history.quoted} AS h, UNNEST(h.ranges) AS r\n"
        f"WHERE h.pipeline = {text(pipeline)} AND h.kind = 'live' AND h.applied_at > TIMESTAMP '1970-01-01'\n"
        "GROUP BY `partition`"
    )


# SELECT `_kafka_partition` AS `partition`, MAX(`_kafka_offset`) AS found FROM target
# WHERE `_kafka_topic` = '…' GROUP BY 1
def highest(target: Target, facts: TableFacts, topic: str) -> str:
    """The highest offset of each partition that the table has a row of."""
    column = facts.column(facts.partitioning.column) if facts.partitioning else None
    every = ""
    if column is not None and facts.require_partition_filter:  # says "all of it" in words that are taken as a filter
        name = f"`{column.name}`"
        every = f"\n  AND ({name} >= {column.type} '0001-01-01' OR {name} IS NULL)"
    return (
        "SELECT `_kafka_partition` AS `partition`, MAX(`_kafka_offset`) AS found\n"
        f"FROM {target.table.quoted}\nWHERE `_kafka_topic` = {text(topic)}{every}\nGROUP BY `partition`"
    )
