"""Delete markers: what is left of a row that a tombstone removed, so that no older message brings it back.

Of each key the target holds the newest row (by version, then Kafka's order), unless a tombstone lies behind that row in
Kafka. A marker holds the other half: the newest tombstone's coordinates, and the version of the newest row that it
removed or kept out. Both halves only ever grow, so batches may be applied in any order, and again, with one result.
"""

from __future__ import annotations

from airflow_kafka_bq.batch import ColumnBounds
from airflow_kafka_bq.bigquery.bounded import bounded
from airflow_kafka_bq.bigquery.conversion import quoted
from airflow_kafka_bq.bigquery.order import later, newer
from airflow_kafka_bq.config.rules import COORDINATES
from airflow_kafka_bq.schema.target import Target

ALIVE = "S.`_kafka_alive`"
"""The row lies behind the newest tombstone of its key."""
ADMITTED = "S.`_kafka_admitted`"
"""And it is no older, by version, than what that tombstone removed."""
_VALID = "`expires_at` > CURRENT_TIMESTAMP()"


# SELECT W.*, <W later than M> AS `_kafka_alive`, <W newer than M, and later> AS `_kafka_admitted`
# FROM (<newest row per key>) W LEFT JOIN (SELECT * FROM `p.d.t__deletes` WHERE expires_at > …) M ON M.`id` = W.`id`
def consulted(target: Target, rows: str) -> str:
    """The rows of a batch beside the markers of their keys; without a marker both answers are yes."""
    admitted = newer(target, "W", "M", tie="TRUE")
    return (
        f"SELECT W.*, {later('W', 'M')} AS `_kafka_alive`,\n"
        f"    {later('W', 'M')} AND {admitted} AS `_kafka_admitted`\n  FROM (\n  {rows}\n  ) W\n"
        f"  LEFT JOIN (SELECT * FROM {target.deletes.quoted} WHERE {_VALID}) M\n  ON {_same(target, 'M', 'W')}"
    )


# MERGE `p.d.t__deletes` T USING (<newest row per key>) S ON T.`id` = S.`id` AND T.`expires_at` > CURRENT_TIMESTAMP()
# WHEN MATCHED AND <S has the greater version> AND NOT <S later than T> THEN UPDATE SET `version` = S.`version`
def raise_versions(target: Target, rows: str) -> str:
    """A row that is kept out, although its version is the greatest so far: what is older than it stays out as well."""
    return (
        f"MERGE {target.deletes.quoted} T\nUSING (\n  {rows}\n) S\nON {_same(target, 'T', 'S')}\n  AND T.{_VALID}\n"
        f"WHEN MATCHED AND {newer(target, tie='FALSE')}\n  AND NOT {later()} THEN UPDATE SET "
        + ", ".join(map(_taken, target.version))
    )


# MERGE `p.d.t__deletes` T USING (<newest tombstone per key, with the version of the row that it removes>) S ON …
# WHEN MATCHED AND <S later than T> AND <S has the greater version> THEN UPDATE SET <both>, `expires_at` = …
# WHEN MATCHED AND <S later than T> THEN UPDATE SET <coordinates>, `expires_at` = …
# WHEN MATCHED AND <S has the greater version> THEN UPDATE SET <version>
# WHEN NOT MATCHED THEN INSERT (…, `expires_at`) VALUES (…, TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL … SECOND))
def mark(target: Target, tombstones: str, bounds: tuple[ColumnBounds, ...]) -> str:
    """A marker for every tombstone, also where there is no row: an older one may be read later."""
    expires = f"TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL {round(target.marker_lifetime.total_seconds())} SECOND)"
    keys = {name.lower() for name in target.key}
    moved = [_taken(name) for name in COORDINATES if name.lower() not in keys] + [f"`expires_at` = {expires}"]
    branches = [(later(), moved)]
    if target.version:
        greater, raised = newer(target, tie="FALSE"), [_taken(name) for name in target.version]
        branches = [(f"{later()}\n  AND {greater}", [*moved, *raised]), (later(), moved), (greater, raised)]
    names = [quoted(one.name) for one in target.marker_columns]
    source = _with_versions(target, tombstones, bounds) if target.version else tombstones
    return (
        f"MERGE {target.deletes.quoted} T\nUSING (\n  {source}\n) S\nON {_same(target, 'T', 'S')}\n  AND T.{_VALID}\n"
        + "".join(f"WHEN MATCHED AND {when} THEN UPDATE SET {', '.join(changes)}\n" for when, changes in branches)
        + f"WHEN NOT MATCHED THEN INSERT ({', '.join(names)}, `expires_at`) "
        f"VALUES ({', '.join(f'S.{name}' for name in names)}, {expires})"
    )


def _taken(name: str) -> str:
    return f"{quoted(name)} = S.{quoted(name)}"


def _with_versions(target: Target, tombstones: str, bounds: tuple[ColumnBounds, ...]) -> str:
    """Each tombstone with the greatest version of the rows that it removes: one, unless the key is doubled already."""
    versions = [quoted(name) for name in target.version]
    read = dict.fromkeys([*map(quoted, (*target.key, *COORDINATES)), *versions])
    where = " AND ".join(filter(None, (bounded(one, half_open=False) for one in bounds)))
    return (
        f"SELECT D.*, {', '.join(f'V.{name}' for name in versions)}\n  FROM (\n  {tombstones}\n  ) D\n"
        f"  LEFT JOIN (SELECT {', '.join(f'T.{name}' for name in read)} FROM {target.table.quoted} AS T"
        f"{f' WHERE {where}' if where else ''}) V\n"
        f"  ON {_same(target, 'V', 'D')}\n  AND {later('D', 'V')}\n  WHERE TRUE\n"
        f"  QUALIFY ROW_NUMBER() OVER (PARTITION BY {', '.join(f'D.{quoted(name)}' for name in target.key)} "
        f"ORDER BY {', '.join(f'V.{name} DESC NULLS LAST' for name in versions)}) = 1"
    )


def _same(target: Target, one: str, other: str) -> str:
    return " AND ".join(f"{one}.{quoted(name)} = {other}.{quoted(name)}" for name in target.key)
