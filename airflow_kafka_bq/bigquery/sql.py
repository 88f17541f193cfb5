"""The statements of one batch: pure functions, the finished text shown above each.

The script of a batch, run as one job::

    BEGIN TRANSACTION;
    UPDATE ledger …;      -- the fence: raises when the revision is not the expected one
    SELECT IF(…), IF(…);  -- raises when the row is missing or doubled, or a staging table does not hold the batch
    MERGE target …;       -- rows
    MERGE target …;       -- tombstones, if the batch has any (with delete markers: see ``bigquery.deletes``)
    MERGE dead_letters …; -- if the batch has any
    INSERT batches …;
    COMMIT TRANSACTION;

Any error rolls all of it back (https://cloud.google.com/bigquery/docs/transactions).
"""

from __future__ import annotations

from airflow_kafka_bq.batch import ColumnBounds, Kind
from airflow_kafka_bq.bigquery import deletes, letters
from airflow_kafka_bq.bigquery.bookkeeping import checks, fence, history
from airflow_kafka_bq.bigquery.bounded import matched
from airflow_kafka_bq.bigquery.conversion import converted, quoted, wire_type
from airflow_kafka_bq.bigquery.order import LATER, newer, winners
from airflow_kafka_bq.bigquery.staging import union
from airflow_kafka_bq.config.rules import COORDINATES
from airflow_kafka_bq.ports import MergeSpec
from airflow_kafka_bq.schema.columns import Column
from airflow_kafka_bq.schema.target import Target

_NOT_STAGED = {"_ingested_at", "_deleted_at"}


def script(spec: MergeSpec, job_id: str) -> str:
    """The whole transaction of a batch."""
    parts = ["BEGIN TRANSACTION", *fence(spec, job_id), *checks(spec)]
    if spec.staged.rows_tables:
        parts += merges(spec)
    if spec.staged.dead_letters_tables:
        parts.append(letters.redriven(spec) if spec.staged.kind is Kind.REDRIVE else letters.kept(spec))
    if spec.revision is not None:
        parts.append(history(spec, job_id))
    return ";\n".join([*parts, "COMMIT TRANSACTION"]) + ";"


def merges(spec: MergeSpec) -> list[str]:
    """The MERGE of the rows, and that of the tombstones if there are any. These are what a dry run prices."""
    staged = spec.staged
    found = [merge_rows(spec)] if staged.rows > staged.tombstones else []
    if spec.target.delete:
        found += _markers(spec)
    return found + ([merge_tombstones(spec)] if staged.tombstones else [])


def _markers(spec: MergeSpec) -> list[str]:
    """What the markers learn; after the rows, which consult them, and before the tombstones, which remove rows."""
    target, staged, found = spec.target, spec.staged, []
    if target.version and staged.rows > staged.tombstones:
        rows = winners(source(spec, target.marker_columns, tombstones=False), target, versions=True)
        found.append(deletes.raise_versions(target, rows))
    if staged.tombstones:
        found.append(deletes.mark(target, _tombstones(spec), _anywhere(spec)))
    return found


def staged_columns(target: Target) -> tuple[Column, ...]:
    """Target columns that the staging table carries."""
    return tuple(column for column in target.columns if column.name not in _NOT_STAGED)


def source(spec: MergeSpec, columns: tuple[Column, ...], *, tombstones: bool) -> str:
    """What was staged, in the target's types."""
    listed = ", ".join(f"{converted(one, f'R.{quoted(one.name)}')} AS {quoted(one.name)}" for one in columns)
    where = "R.`_tombstone`" if tombstones else "NOT R.`_tombstone`"
    only = f" WHERE {where}" if tombstones or spec.staged.tombstones else ""
    return f"SELECT * FROM (SELECT {listed}, R.`_row` FROM {union(spec.staged.rows_tables)} AS R{only})"


# MERGE `p.d.t` T
# USING (SELECT * FROM (SELECT R.`a` AS `a`, … FROM `p.d.t__stg_…` AS R) WHERE TRUE QUALIFY ROW_NUMBER() OVER (…) = 1) S
# ON T.`_kafka_topic` = S.`_kafka_topic` AND … AND (T.`_kafka_timestamp` >= TIMESTAMP '…' AND …)
# WHEN MATCHED AND <S newer than T> THEN UPDATE SET `a` = S.`a`, …      -- never for on_duplicate="keep"
# WHEN NOT MATCHED THEN INSERT (`a`, …, `_ingested_at`) VALUES (S.`a`, …, CURRENT_TIMESTAMP())
def merge_rows(spec: MergeSpec) -> str:
    """Insert what is missing; with ``update`` replace what is older."""
    target = spec.target
    columns = staged_columns(target)
    rows = winners(source(spec, columns, tombstones=False), target, versions=True)
    rows = deletes.consulted(target, rows) if target.delete else rows
    names = [quoted(one.name) for one in columns]
    values = [f"S.{name}" for name in names]
    if target.column("_ingested_at"):
        names, values = [*names, "`_ingested_at`"], [*values, "CURRENT_TIMESTAMP()"]
    where, set_ = f"WHEN MATCHED AND {newer(target)}", f"UPDATE SET {_assignments(target)}"
    update, missing = f"{where} THEN {set_}\n" if target.update else "", "WHEN NOT MATCHED"
    if target.delete:
        update = f"{where}\n  AND {deletes.ALIVE} THEN {set_}\n{where}\n  AND NOT {deletes.ALIVE} THEN DELETE\n"
        missing = f"WHEN NOT MATCHED AND {deletes.ADMITTED}"
    return (
        f"MERGE {target.table.quoted} T\nUSING (\n  {rows}\n) S\nON {matched(target, spec.staged.bounds)}\n{update}"
        f"{missing} THEN INSERT ({', '.join(names)}) VALUES ({', '.join(values)})"
    )


def _assignments(target: Target) -> str:
    keys = {name.lower() for name in target.key}
    # Wins by version, yet lies before the tombstone in Kafka: the row's content is newer, its deletion still holds.
    still_deleted = f"T.`_deleted_at` IS NOT NULL AND NOT {LATER}" if target.soft_delete and target.version else ""
    pairs = []
    for column in staged_columns(target):
        name = quoted(column.name)
        if column.name.lower() in keys:
            continue
        kept = still_deleted and column.name in COORDINATES
        pairs.append(f"{name} = IF({still_deleted}, T.{name}, S.{name})" if kept else f"{name} = S.{name}")
    if target.column("_ingested_at"):
        pairs.append("`_ingested_at` = CURRENT_TIMESTAMP()")
    if target.soft_delete:
        pairs.append(f"`_deleted_at` = {f'IF({still_deleted}, T.`_deleted_at`, NULL)' if still_deleted else 'NULL'}")
    return ", ".join(pairs)


# MERGE `p.d.t` T USING (<newest tombstone per key>) S ON T.`id` = S.`id`
# WHEN MATCHED AND <S later than T in Kafka> THEN UPDATE SET `_deleted_at` = S.`_kafka_timestamp`, <coordinates>
def merge_tombstones(spec: MergeSpec) -> str:
    """Rows whose key was deleted after them: removed; or marked, with columns and version as they were."""
    target = spec.target
    moved = ", ".join(f"{quoted(name)} = S.{quoted(name)}" for name in COORDINATES)
    then = "DELETE" if target.delete else f"UPDATE SET `_deleted_at` = S.`_kafka_timestamp`, {moved}"
    return (
        f"MERGE {target.table.quoted} T\nUSING (\n  {_tombstones(spec)}\n) S\n"
        f"ON {matched(target, _anywhere(spec))}\nWHEN MATCHED AND {LATER} THEN {then}"
    )


def _tombstones(spec: MergeSpec) -> str:
    """The newest tombstone of each key."""
    target = spec.target
    keys = {name.lower() for name in target.key}
    columns = tuple(one for one in staged_columns(target) if one.name.lower() in keys or one.name in COORDINATES)
    return winners(source(spec, columns, tombstones=True), target, versions=False)


def _anywhere(spec: MergeSpec) -> tuple[ColumnBounds, ...]:
    """Bounds of the key alone: a tombstone does not say in which partition its row is."""
    target = spec.target
    partition = target.partitioning.column if target.partitioning else ""
    return tuple(one for one in spec.staged.bounds if one.column in target.key and one.column != partition)


# SELECT SUM(BYTE_LENGTH(TO_JSON_STRING(S))) FROM (SELECT … FROM staging AS R WHERE R.`_row` BETWEEN 0 AND 499) AS S
def probe(spec: MergeSpec, first_row: int, last_row: int) -> str:
    """Evaluate every conversion of some staged rows, so that one that BigQuery rejects can be found by bisection."""
    columns = staged_columns(spec.target)
    listed = ", ".join(f"{converted(one, f'R.{quoted(one.name)}')} AS {quoted(one.name)}" for one in columns)
    return (
        f"SELECT SUM(BYTE_LENGTH(TO_JSON_STRING(S))) AS bytes FROM (SELECT {listed} "
        f"FROM {union(spec.staged.rows_tables)} AS R "
        f"WHERE R.`_row` BETWEEN {first_row} AND {last_row}) AS S"
    )


def with_empty_source(spec: MergeSpec) -> str:
    """The rows' MERGE with an empty source of the staging table's types, for a dry run before anything is staged."""
    columns = [f"CAST(NULL AS {wire_type(one)}) AS {quoted(one.name)}" for one in staged_columns(spec.target)]
    empty = f"(SELECT {', '.join([*columns, 'FALSE AS `_tombstone`', '0 AS `_row`'])} FROM UNNEST(ARRAY<INT64>[]))"
    return merge_rows(spec).replace(union(spec.staged.rows_tables), empty, 1)
