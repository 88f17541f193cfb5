"""What a MERGE would insert or replace, told by a SELECT: pure functions, the finished text above each."""

from __future__ import annotations

from airflow_kafka_bq.bigquery import deletes, sql
from airflow_kafka_bq.bigquery.bounded import matched
from airflow_kafka_bq.bigquery.conversion import quoted
from airflow_kafka_bq.bigquery.order import newer, winners
from airflow_kafka_bq.config.rules import COORDINATES
from airflow_kafka_bq.ports import MergeSpec


# WITH compared AS (SELECT S.`id` AS k0, S.`_kafka_partition` AS part, S.`_kafka_offset` AS at_offset,
#     COUNTIF(T.`id` IS NOT NULL) AS there, COUNTIF(T.`id` IS NOT NULL AND NOT IFNULL(<S newer than T>, …)) AS newest
#   FROM (<one staged row per key>) AS S LEFT JOIN `p.d.t` AS T ON T.`id` = S.`id` AND … GROUP BY k0, part, at_offset),
# bad AS (SELECT * FROM compared WHERE there = 0 OR newest = 0)
# SELECT k0, part, at_offset, there = 0 AS missing, (SELECT COUNTIF(there = 0) FROM bad) AS all_missing, … FROM bad
def absent(spec: MergeSpec, most: int) -> str:
    """Staged rows of which the table has none, or an older one."""
    target = spec.target
    wanted = {name.lower() for name in (*target.key, *target.version, *COORDINATES)}
    columns = tuple(one for one in sql.staged_columns(target) if one.name.lower() in wanted)
    source = winners(sql.source(spec, columns, tombstones=False), target, versions=True)
    admitted = ""
    if target.delete:
        source, admitted = deletes.consulted(target, source), f"\n  WHERE {deletes.ADMITTED}"
    keys = {f"k{number}": f"S.{quoted(name)}" for number, name in enumerate(target.key)}
    listed = ", ".join(f"{value} AS {alias}" for alias, value in keys.items())
    there = f"T.{quoted(target.key[0])} IS NOT NULL"
    bad = "there = 0 OR newest = 0" if target.update else "there = 0"
    return (
        f"WITH compared AS (\n  SELECT {listed}, S.`_kafka_partition` AS part, S.`_kafka_offset` AS at_offset,\n"
        f"    COUNTIF({there}) AS there, COUNTIF({there} AND NOT IFNULL({newer(target)}, FALSE)) AS newest\n"
        f"  FROM (\n  {source}\n  ) AS S\n  LEFT JOIN {target.table.quoted} AS T\n"
        f"  ON {matched(target, spec.staged.bounds)}{admitted}\n  GROUP BY {', '.join(keys)}, part, at_offset\n),\n"
        f"bad AS (SELECT * FROM compared WHERE {bad})\n"
        f"SELECT {', '.join(keys)}, part, at_offset, there = 0 AS missing,\n"
        "  (SELECT COUNTIF(there = 0) FROM bad) AS all_missing, (SELECT COUNTIF(there > 0) FROM bad) AS all_older\n"
        f"FROM bad ORDER BY part, at_offset LIMIT {most}"
    )
