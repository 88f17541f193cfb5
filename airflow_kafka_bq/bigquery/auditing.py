"""Reads that find what should not be in a table, and what is missing: pure functions, the finished text above each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from airflow_kafka_bq.batch import Kind, OffsetRange
from airflow_kafka_bq.bigquery.bounded import bounded
from airflow_kafka_bq.bigquery.conversion import quoted
from airflow_kafka_bq.bigquery.literals import RANGES, literal, ranges, text
from airflow_kafka_bq.config.letters import LOST
from airflow_kafka_bq.config.rules import COORDINATES
from airflow_kafka_bq.inspection import Scan
from airflow_kafka_bq.schema.target import Target

EVER = "TIMESTAMP '1970-01-01'"  # a table that requires a partition filter takes it; it leaves nothing out


def within(scan: Scan) -> str:
    """The rows of the scan, as a condition on T.

    Where no range is given, one on the partition column that holds for every row: a table with
    ``require_partition_filter`` refuses a statement that leaves the column out.
    """
    if scan.bounds is not None:
        return bounded(scan.bounds, half_open=True)
    return everywhere(scan.target)


def everywhere(target: Target) -> str:
    """A condition on T that holds for every row and names the partition column."""
    if target.partitioning is None:
        return "TRUE"
    column = f"T.{quoted(target.partitioning.column)}"
    return f"({column} IS NULL OR {column} IS NOT NULL)"


def day_of(scan: Scan) -> str:
    """The day that a row is counted under."""
    if scan.day is None:
        return "CAST(NULL AS DATE)"
    column = f"T.{quoted(scan.day.name)}"
    return column if scan.day.type == "DATE" else f"DATE({column})"


def _aliases(names: Sequence[str], letter: str) -> dict[str, str]:
    return {f"{letter}{number}": name for number, name in enumerate(names)}


def _present(aliases: Sequence[str]) -> str:
    return " AND ".join(f"{alias} IS NOT NULL" for alias in aliases)


# WITH seen AS (SELECT T.`order_id` AS k0, T.`_kafka_topic` AS c0, …, DATE(T.`…`) AS `day` FROM `p.d.t` AS T WHERE …),
# by_key AS (SELECT MIN(`day`) AS `day`, COUNT(*) AS n FROM seen WHERE k0 IS NOT NULL GROUP BY k0 HAVING n > 1), …
# SELECT 'rows' AS what, `day`, 0 AS groups_, COUNT(*) AS n FROM seen GROUP BY `day`
# UNION ALL SELECT 'by_key', `day`, COUNT(*), SUM(n - 1) FROM by_key GROUP BY `day` UNION ALL …
def duplicates(scan: Scan) -> str:
    """Rows and surplus rows per day; a group that lies on several days counts on its first one."""
    target = scan.target
    keys, places = _aliases(target.key, "k"), _aliases(COORDINATES if target.kafka_columns else (), "c")
    listed = ", ".join(f"T.{quoted(name)} AS {alias}" for alias, name in (keys | places).items())
    kinds = {"by_key": list(keys)}
    if places:
        kinds |= {"by_coordinates": list(places), "copies": [*keys, *places]}
    groups = [f"{kind} AS ({_grouped(columns)})" for kind, columns in kinds.items()]
    counts = [f"SELECT '{kind}', `day`, COUNT(*), SUM(n - 1) FROM {kind} GROUP BY `day`" for kind in kinds]
    missing = " OR ".join(f"{alias} IS NULL" for alias in keys)
    parts = [
        "SELECT 'rows' AS what, `day`, 0 AS groups_found, COUNT(*) AS n FROM seen GROUP BY `day`",
        f"SELECT 'null_keys', `day`, 0, COUNT(*) FROM seen WHERE {missing} GROUP BY `day`",
        *counts,
    ]
    seen = f"seen AS (SELECT {listed}, {day_of(scan)} AS `day` FROM {target.table.quoted} AS T WHERE {within(scan)})"
    return "WITH " + ",\n".join([seen, *groups]) + "\n" + "\nUNION ALL ".join(parts)


def _grouped(columns: Sequence[str]) -> str:
    return (
        f"SELECT MIN(`day`) AS `day`, COUNT(*) AS n FROM seen WHERE {_present(columns)} "
        f"GROUP BY {', '.join(columns)} HAVING COUNT(*) > 1"
    )


# SELECT T.`order_id` AS k0, COUNT(*) AS n FROM `p.d.t` AS T WHERE … GROUP BY k0 HAVING COUNT(*) > 1 ORDER BY n DESC, …
def examples(scan: Scan, most: int) -> str:
    """Dedup keys with most rows."""
    keys = _aliases(scan.target.key, "k")
    listed = ", ".join(f"T.{quoted(name)} AS {alias}" for alias, name in keys.items())
    present = " AND ".join(f"T.{quoted(name)} IS NOT NULL" for name in keys.values())
    return (
        f"SELECT {listed}, COUNT(*) AS n\nFROM {scan.target.table.quoted} AS T\nWHERE {within(scan)} AND {present}\n"
        f"GROUP BY {', '.join(keys)} HAVING COUNT(*) > 1\nORDER BY n DESC, {', '.join(keys)} LIMIT {most}"
    )


# SELECT `partition`, MIN(start_offset) AS start_offset, MAX(end_offset) AS end_offset FROM (
#   SELECT *, SUM(IF(start_offset > reach, 1, 0)) OVER (PARTITION BY `partition` ORDER BY …) AS island FROM (
#     SELECT R.`partition`, …, MAX(R.end_offset) OVER (… ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS reach
#     FROM `p.d.t__batches` AS B, UNNEST(B.ranges) AS R WHERE B.pipeline = '…')) GROUP BY `partition`, island
def covered(target: Target, pipeline: str, *, live: bool = False) -> str:
    """Ranges of all batches, joined where they meet or overlap: as many rows as there are holes, and one."""
    return _joined(target, pipeline, f"= {text(Kind.LIVE)}" if live else f"!= {text(Kind.SEEK)}")


def skipped(target: Target, pipeline: str) -> str:
    """Ranges that a position was moved over on purpose, joined alike."""
    return _joined(target, pipeline, f"= {text(Kind.SEEK)}")


def _joined(target: Target, pipeline: str, kind: str) -> str:
    order = "PARTITION BY `partition` ORDER BY start_offset, end_offset"
    read = (
        "SELECT R.`partition` AS `partition`, R.start_offset AS start_offset, R.end_offset AS end_offset\n"
        f"      FROM {target.history.quoted} AS B, UNNEST(B.ranges) AS R\n"
        f"      WHERE B.pipeline = {text(pipeline)} AND B.applied_at > {EVER} AND B.kind {kind} "
        "AND R.end_offset > R.start_offset"
    )
    reached = (
        f"SELECT *, MAX(end_offset) OVER ({order} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS reach\n"
        f"    FROM ({read})"
    )
    numbered = (
        f"SELECT *, SUM(IF(reach IS NULL OR start_offset > reach, 1, 0)) OVER ({order}) AS island\n  FROM ({reached})"
    )
    return (
        "SELECT `partition`, MIN(start_offset) AS start_offset, MAX(end_offset) AS end_offset\n"
        f"FROM ({numbered})\nGROUP BY `partition`, island ORDER BY `partition`, start_offset"
    )


def lost(target: Target, topic: str) -> str:
    """Ranges that Kafka no longer had."""
    return (
        "SELECT _kafka_partition AS `partition`, _kafka_offset AS start_offset, MAX(_kafka_end_offset) AS end_offset\n"
        f"FROM {target.dead_letters.quoted}\nWHERE _kafka_topic = {text(topic)} AND stage = {text(LOST)} "
        "AND _kafka_timestamp = TIMESTAMP '1970-01-01'\nGROUP BY `partition`, start_offset "
        "ORDER BY `partition`, start_offset"
    )


# WITH batches AS (SELECT …, B.messages - B.ignored AS expected, B.ranges FROM `p.d.t__batches` AS B WHERE …),
# pieces AS (SELECT …, block FROM batches, UNNEST(ranges) AS R, UNNEST(GENERATE_ARRAY(DIV(…), DIV(…))) AS block),
# places AS (SELECT DISTINCT part, at, DIV(at, 1000) AS block FROM (<rows of the target> UNION ALL <dead letters>)),
# counted AS (SELECT batch_id, revision, COUNT(*) AS found FROM pieces JOIN places ON … GROUP BY batch_id, revision)
# SELECT …, IFNULL(found, 0) AS found FROM batches LEFT JOIN counted … WHERE IFNULL(found, 0) < expected
def shortages(scan: Scan, topic: str, pipeline: str, block: int, most: int) -> str:
    """Compare counts batch by batch. Compacted and aborted messages and control records leave holes in the offsets, so
    that no single offset can be demanded; how many messages a batch had is known.

    Rows are joined to ranges by blocks of offsets: joined by partition alone, each would meet every batch.
    """
    target, name = scan.target, text(topic)
    batches = (
        "SELECT B.batch_id, B.revision, B.kind, B.applied_at, B.messages - B.ignored AS expected, B.ranges\n"
        f"  FROM {target.history.quoted} AS B\n  WHERE B.pipeline = {text(pipeline)} "
        f"AND B.kind NOT IN ('redrive', 'seek') AND B.messages > B.ignored AND B.applied_at > {EVER}"
    )
    pieces = (
        "SELECT A.batch_id, A.revision, R.`partition` AS part, R.start_offset AS low, R.end_offset AS high, block\n"
        "  FROM batches AS A, UNNEST(A.ranges) AS R,\n"
        f"  UNNEST(GENERATE_ARRAY(DIV(R.start_offset, {block}), DIV(R.end_offset - 1, {block}))) AS block\n"
        "  WHERE R.end_offset > R.start_offset"
    )
    rows = (
        f"SELECT T._kafka_partition AS part, T._kafka_offset AS at_offset\n    FROM {target.table.quoted} AS T "
        f"WHERE T._kafka_topic = {name} AND {everywhere(target)}"
    )
    letters = (
        f"SELECT L._kafka_partition, L._kafka_offset FROM {target.dead_letters.quoted} AS L\n"
        f"    WHERE L._kafka_topic = {name} AND L.stage != {text(LOST)}"
    )
    both = f"{rows}\n    UNION ALL {letters}"
    places = f"SELECT DISTINCT part, at_offset, DIV(at_offset, {block}) AS block FROM (\n    {both})"
    counted = (
        "SELECT P.batch_id, P.revision, COUNT(*) AS found FROM pieces AS P JOIN places AS O\n"
        "  ON P.part = O.part AND P.block = O.block AND O.at_offset >= P.low AND O.at_offset < P.high\n"
        "  GROUP BY P.batch_id, P.revision"
    )
    steps = {"batches": batches, "pieces": pieces, "places": places, "counted": counted}
    return (
        "WITH " + ",\n".join(f"{step} AS (\n  {query})" for step, query in steps.items()) + "\n"
        "SELECT A.batch_id, A.revision, A.kind, A.applied_at, A.expected, IFNULL(C.found, 0) AS found\n"
        "FROM batches AS A LEFT JOIN counted AS C ON A.batch_id = C.batch_id AND A.revision = C.revision\n"
        f"WHERE IFNULL(C.found, 0) < A.expected\nORDER BY A.revision LIMIT {most}"
    )


# SELECT part, early, MIN(…), MAX(…), COUNT(*) FROM (SELECT …, CASE T._kafka_partition WHEN 0 THEN … < 7 … END AS early
# FROM `p.d.t` AS T LEFT JOIN UNNEST([(0, 7, 98)]) AS R ON T._kafka_partition = R.`partition` AND …
# WHERE T._kafka_topic = '…' AND R.`partition` IS NULL AND …) GROUP BY part, early
def strays(scan: Scan, topic: str, known: Sequence[OffsetRange], firsts: Mapping[int, int]) -> str:
    """Rows whose offset no range holds."""
    arms = " ".join(f"WHEN {part} THEN T._kafka_offset < {first}" for part, first in sorted(firsts.items()))
    early = f"CASE T._kafka_partition {arms} ELSE TRUE END" if arms else "TRUE"
    held = ranges(known) if known else f"{RANGES}[]"
    return (
        "SELECT part, early, MIN(at_offset) AS first_offset, MAX(at_offset) AS last_offset, COUNT(*) AS n\n"
        f"FROM (\n  SELECT T._kafka_partition AS part, T._kafka_offset AS at_offset, {early} AS early\n"
        f"  FROM {scan.target.table.quoted} AS T\n  LEFT JOIN UNNEST({held}) AS R\n"
        "  ON T._kafka_partition = R.`partition` AND T._kafka_offset >= R.start_offset "
        "AND T._kafka_offset < R.end_offset\n"
        f"  WHERE T._kafka_topic = {text(topic)} AND R.`partition` IS NULL AND {within(scan)})\n"
        "GROUP BY part, early ORDER BY part, early"
    )


def batches_since(target: Target, since: datetime) -> str:
    """How many batches were applied since then; the history is partitioned by that time."""
    return f"SELECT COUNT(*) AS n FROM {target.history.quoted} WHERE applied_at >= {literal(since)}"
