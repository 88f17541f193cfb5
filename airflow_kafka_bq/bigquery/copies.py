"""Which dead letters wait for a copy in a topic, and the mark of those that have one. Pure functions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyarrow as pa

from airflow_kafka_bq.batch import Uncopied
from airflow_kafka_bq.bigquery.letters import UNREDRIVEN
from airflow_kafka_bq.bigquery.literals import literal, text
from airflow_kafka_bq.schema.target import Target

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PLACES = "ARRAY<STRUCT<`partition` INT64, `offset` INT64, `timestamp` TIMESTAMP>>"


# ALTER TABLE `p.d.t__dead_letters` ADD COLUMN IF NOT EXISTS `copied_at` TIMESTAMP
def add_copied_at(target: Target) -> str:
    """For a table that was made before there were copies; letters that it has were not copied."""
    return f"ALTER TABLE {target.dead_letters.quoted} ADD COLUMN IF NOT EXISTS `copied_at` TIMESTAMP"


def _waiting(topic: str) -> str:
    return f"T.`_kafka_topic` = {text(topic)}\n  AND T.`copied_at` IS NULL AND {UNREDRIVEN}"


# SELECT COUNT(*) AS `letters`, MIN(T.`_kafka_timestamp`) AS `oldest`, MAX(T.`_kafka_timestamp`) AS `newest`
# FROM `p.d.t__dead_letters` AS T WHERE T.`_kafka_topic` = '…' AND T.`copied_at` IS NULL AND …
def count(target: Target, topic: str) -> str:
    """A look at three short columns; the messages are read only between the times that it gives."""
    return (
        "SELECT COUNT(*) AS `letters`, MIN(T.`_kafka_timestamp`) AS `oldest`, MAX(T.`_kafka_timestamp`) AS `newest`\n"
        f"FROM {target.dead_letters.quoted} AS T\nWHERE {_waiting(topic)}"
    )


# SELECT T.`_kafka_partition` AS `partition`, …, T.`batch_id` AS `batch_id` FROM `p.d.t__dead_letters` AS T
# WHERE … AND T.`_kafka_timestamp` BETWEEN TIMESTAMP '…' AND TIMESTAMP '…'
# ORDER BY T.`_kafka_timestamp`, T.`_kafka_partition`, T.`_kafka_offset` LIMIT 10000
def select(target: Target, topic: str, found: Uncopied, most: int) -> str:
    """The letters, oldest message first; the literal times prune the table's partitions."""
    columns = {
        "partition": "T.`_kafka_partition`",
        "offset": "T.`_kafka_offset`",
        "timestamp_ms": "UNIX_MILLIS(T.`_kafka_timestamp`)",
        "key": "T.`_kafka_key`",
        "value": "T.`_kafka_value`",
        "headers": "T.`_kafka_headers`",
        **{name: f"T.`{name}`" for name in ("stage", "reason", "error", "batch_id")},
    }
    listed = ", ".join(f"{expression} AS `{name}`" for name, expression in columns.items())
    return (
        f"SELECT {listed}\nFROM {target.dead_letters.quoted} AS T\nWHERE {_waiting(topic)}\n"
        f"  AND T.`_kafka_timestamp` BETWEEN {literal(found.oldest)} AND {literal(found.newest)}\n"
        f"ORDER BY T.`_kafka_timestamp`, T.`_kafka_partition`, T.`_kafka_offset`\nLIMIT {most}"
    )


# MERGE `p.d.t__dead_letters` T
# USING (SELECT * FROM UNNEST(ARRAY<STRUCT<…>>[(0, 17, TIMESTAMP '…'), …])) S
# ON T.`_kafka_topic` = '…' AND T.`_kafka_partition` = S.`partition` AND … AND T.`_kafka_timestamp` BETWEEN … AND …
# WHEN MATCHED AND T.`copied_at` IS NULL AND T.`_kafka_end_offset` IS NULL THEN UPDATE SET `copied_at` = …
def mark(target: Target, topic: str, letters: pa.Table) -> str:
    """By coordinates, within the literal times of these letters; there is at least one."""
    places: list[tuple[int, int, datetime]] = [
        (one["partition"], one["offset"], _EPOCH + timedelta(milliseconds=one["timestamp_ms"]))
        for one in letters.select(["partition", "offset", "timestamp_ms"]).to_pylist()
    ]
    times = [moment for _, _, moment in places]
    listed = ", ".join(f"({', '.join(map(literal, place))})" for place in places)
    return (
        f"MERGE {target.dead_letters.quoted} T\nUSING (SELECT * FROM UNNEST({_PLACES}[{listed}])) S\n"
        f"ON T.`_kafka_topic` = {text(topic)} AND T.`_kafka_partition` = S.`partition` "
        "AND T.`_kafka_offset` = S.`offset` AND T.`_kafka_timestamp` = S.`timestamp`\n"
        f"  AND T.`_kafka_timestamp` BETWEEN {literal(min(times))} AND {literal(max(times))}\n"
        "WHEN MATCHED AND T.`copied_at` IS NULL AND T.`_kafka_end_offset` IS NULL "
        "THEN UPDATE SET `copied_at` = CURRENT_TIMESTAMP()"
    )
