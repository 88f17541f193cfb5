"""Which offsets a table and its history have seen."""

from __future__ import annotations

from collections.abc import Mapping

from airflow_kafka_bq.bigquery.literals import text
from airflow_kafka_bq.bigquery.statements import Statements
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
    every = ""
    if facts.partitioning and facts.require_partition_filter:  # prunes nothing, but without it the query is refused
        column = f"`{facts.partitioning.column}`"
        every = f"\n  AND ({column} IS NULL OR {column} IS NOT NULL)"
    return (
        "SELECT `_kafka_partition` AS `partition`, MAX(`_kafka_offset`) AS found\n"
        f"FROM {target.table.quoted}\nWHERE `_kafka_topic` = {text(topic)}{every}\nGROUP BY `partition`"
    )


class OffsetsRead:
    """What a warehouse tells of the offsets that it has."""

    _statements: Statements

    def first_read(self, target: Target, pipeline: str) -> Mapping[int, int]:
        """Where live reading began."""
        return self._statements.by_partition(first_read(target, pipeline), target.history)

    def highest(self, target: Target, facts: TableFacts, topic: str, max_bytes_billed: int | None) -> Mapping[int, int]:
        """The highest offsets in the table."""
        return self._statements.by_partition(highest(target, facts, topic), target.table, max_bytes_billed)
