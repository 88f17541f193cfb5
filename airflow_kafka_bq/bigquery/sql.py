"""The statements of one batch: pure functions, the finished text shown above each.

The script of a batch, run as one job::

    BEGIN TRANSACTION;
    UPDATE ledger …;      -- the fence: raises when the revision is not the expected one
    SELECT IF(…), IF(…);  -- raises when the row is missing or doubled, or a staging table does not hold the batch
    MERGE target …;       -- rows
    MERGE target …;       -- tombstones, if the batch has any
    MERGE dead_letters …; -- if the batch has any
    INSERT batches …;
    COMMIT TRANSACTION;

Any error rolls all of it back (https://cloud.google.com/bigquery/docs/transactions).
"""

from __future__ import annotations

from airflow_kafka_bq.bigquery.bounded import bounded, matched
from airflow_kafka_bq.bigquery.conversion import converted, quoted, wire_type
from airflow_kafka_bq.bigquery.literals import literal, positions, ranges, strings, text
from airflow_kafka_bq.bigquery.order import LATER, newer, winners
from airflow_kafka_bq.config.values import TableId
from airflow_kafka_bq.ports import MergeSpec
from airflow_kafka_bq.schema.columns import Column
from airflow_kafka_bq.schema.target import Target

MOVED = "kafka-bq: ledger moved"
MISSING = "kafka-bq: ledger row missing or doubled"
UNSTAGED = "kafka-bq: staging table does not hold the batch"
COORDINATES = ("_kafka_topic", "_kafka_partition", "_kafka_offset", "_kafka_timestamp")
_NOT_STAGED = {"_ingested_at", "_deleted_at"}
_DEAD = ("_kafka_key", "_kafka_value", "_kafka_headers", "_kafka_end_offset", "stage", "reason", "error", "schema_id")


def table_of(full_id: str) -> TableId:
    """``project.dataset.table`` as a TableId (a legacy project may hold dots)."""
    return TableId(*full_id.rsplit(".", 2))


def script(spec: MergeSpec, job_id: str) -> str:
    """The whole transaction of a batch."""
    parts = ["BEGIN TRANSACTION", *fence(spec, job_id), *checks(spec)]
    if spec.staged.rows_table:
        parts += merges(spec)
    if spec.staged.dead_letters_table:
        parts.append(dead_letters(spec))
    if spec.revision is not None:
        parts.append(history(spec, job_id))
    return ";\n".join([*parts, "COMMIT TRANSACTION"]) + ";"


def merges(spec: MergeSpec) -> list[str]:
    """The MERGE of the rows, and that of the tombstones if there are any. These are what a dry run prices."""
    staged = spec.staged
    found = [merge_rows(spec)] if staged.rows > staged.tombstones else []
    return found + ([merge_tombstones(spec)] if staged.tombstones else [])


# UPDATE `p.d.t__ledger`
# SET revision = IF(revision = 17, 18, CAST(ERROR('kafka-bq: ledger moved') AS INT64)), batch_id = '…', job_id = '…',
#     positions = ARRAY<STRUCT<…>>[(0, 3000, 0)], updated_at = CURRENT_TIMESTAMP(), updated_by = '…'
# WHERE pipeline = '…';
def fence(spec: MergeSpec, job_id: str) -> list[str]:
    """Compare-and-set of the revision. An isolated run moves nothing else."""
    if spec.revision is None:
        return []
    ledger, pipeline, after = spec.target.ledger.quoted, text(spec.pipeline), spec.revision + 1
    moved = ""
    if spec.positions is not None:
        moved = (
            f", batch_id = {text(spec.staged.batch_id)}, job_id = {text(job_id)}, "
            f"positions = {positions(spec.positions)}"
        )
    return [
        f"UPDATE {ledger}\nSET revision = IF(revision = {spec.revision}, {after}, "
        f"CAST(ERROR({text(MOVED)}) AS INT64)){moved}, updated_at = CURRENT_TIMESTAMP(), "
        f"updated_by = {text(spec.context.who)}\nWHERE pipeline = {pipeline}",
    ]


# SELECT IF((SELECT COUNT(*) FROM `p.d.t__ledger` WHERE pipeline = '…' AND revision = 18) = 1, 1,
#           CAST(ERROR('kafka-bq: ledger row missing or doubled') AS INT64)) AS pipelines,
#   IF((SELECT COUNT(*) FROM `p.d.t__stg_…_rows_0`) = 12000, 1, CAST(ERROR('…') AS INT64)) AS staged_rows, …
def checks(spec: MergeSpec) -> list[str]:
    """What must be so inside the transaction; one statement, since each costs a child job.

    A staging table that expired while its writer slept may be made anew, empty, by a run of the same batch: merged
    from it, the position would move over rows that never came.
    """
    staged, found = spec.staged, []
    if spec.revision is not None:
        there = f"{spec.target.ledger.quoted} WHERE pipeline = {text(spec.pipeline)} AND revision = {spec.revision + 1}"
        found.append(_counted(there, "= 1", MISSING, "pipelines"))
    if staged.rows_table:
        found.append(_counted(table_of(staged.rows_table).quoted, f"= {staged.rows}", UNSTAGED, "staged_rows"))
    if staged.dead_letters_table:
        letters = max(1, staged.dead_lettered)  # and ranges that are lost
        found.append(_counted(table_of(staged.dead_letters_table).quoted, f">= {letters}", UNSTAGED, "staged_letters"))
    return ["SELECT " + ",\n  ".join(found)] if found else []


def _counted(where: str, wanted: str, message: str, name: str) -> str:
    return f"IF((SELECT COUNT(*) FROM {where}) {wanted}, 1, CAST(ERROR({text(message)}) AS INT64)) AS {name}"


def staged_columns(target: Target) -> tuple[Column, ...]:
    """Target columns that the staging table carries."""
    return tuple(column for column in target.columns if column.name not in _NOT_STAGED)


def _source(spec: MergeSpec, columns: tuple[Column, ...], *, tombstones: bool) -> str:
    assert spec.staged.rows_table  # noqa: S101  # callers ask only when rows were staged
    listed = ", ".join(f"{converted(one, f'R.{quoted(one.name)}')} AS {quoted(one.name)}" for one in columns)
    where = "R.`_tombstone`" if tombstones else "NOT R.`_tombstone`"
    only = f" WHERE {where}" if tombstones or spec.staged.tombstones else ""
    return f"SELECT * FROM (SELECT {listed}, R.`_row` FROM {table_of(spec.staged.rows_table).quoted} AS R{only})"


# MERGE `p.d.t` T
# USING (SELECT * FROM (SELECT R.`a` AS `a`, … FROM `p.d.t__stg_…` AS R) WHERE TRUE QUALIFY ROW_NUMBER() OVER (…) = 1) S
# ON T.`_kafka_topic` = S.`_kafka_topic` AND … AND (T.`_kafka_timestamp` >= TIMESTAMP '…' AND …)
# WHEN MATCHED AND <S newer than T> THEN UPDATE SET `a` = S.`a`, …      -- never for on_duplicate="keep"
# WHEN NOT MATCHED THEN INSERT (`a`, …, `_ingested_at`) VALUES (S.`a`, …, CURRENT_TIMESTAMP())
def merge_rows(spec: MergeSpec) -> str:
    """Insert what is missing; with ``update`` replace what is older."""
    target = spec.target
    columns = staged_columns(target)
    source = winners(_source(spec, columns, tombstones=False), target, versions=True)
    names = [quoted(one.name) for one in columns]
    values = [f"S.{name}" for name in names]
    if target.column("_ingested_at"):
        names, values = [*names, "`_ingested_at`"], [*values, "CURRENT_TIMESTAMP()"]
    update = f"WHEN MATCHED AND {newer(target)} THEN UPDATE SET {_assignments(target)}\n" if target.update else ""
    return (
        f"MERGE {target.table.quoted} T\nUSING (\n  {source}\n) S\nON {matched(target, spec.staged.bounds)}\n{update}"
        f"WHEN NOT MATCHED THEN INSERT ({', '.join(names)}) VALUES ({', '.join(values)})"
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
    """Mark rows whose key was deleted after them: columns and version stay, coordinates become the tombstone's."""
    target = spec.target
    keys = {name.lower() for name in target.key}
    columns = tuple(one for one in staged_columns(target) if one.name.lower() in keys or one.name in COORDINATES)
    source = winners(_source(spec, columns, tombstones=True), target, versions=False)
    partition = target.partitioning.column if target.partitioning else ""
    bounds = tuple(one for one in spec.staged.bounds if one.column in target.key and one.column != partition)
    moved = ", ".join(f"{quoted(name)} = S.{quoted(name)}" for name in COORDINATES)
    return (
        f"MERGE {target.table.quoted} T\nUSING (\n  {source}\n) S\nON {matched(target, bounds)}\n"
        f"WHEN MATCHED AND {LATER} THEN UPDATE SET `_deleted_at` = S.`_kafka_timestamp`, {moved}"
    )


# MERGE `p.d.t__dead_letters` T USING (SELECT '…' AS _kafka_topic, … FROM staging QUALIFY …) S
# ON <coordinates> AND <literal bounds> WHEN NOT MATCHED THEN INSERT (…) VALUES (…)
def dead_letters(spec: MergeSpec) -> str:
    """Once per coordinates, whoever reads them again; a range that is lost also has an end, which may grow."""
    staged, target = spec.staged, spec.target
    assert staged.dead_letters_table  # noqa: S101
    where = ", ".join(f"`{name}`" for name in COORDINATES[1:])
    rest = ", ".join(f"`{name}`" for name in _DEAD)
    bounds = "".join(
        f"\n  AND {bounded(one, half_open=one.column == '_kafka_timestamp')}" for one in staged.dead_letter_bounds
    )
    source = (
        f"SELECT {text(spec.topic)} AS `_kafka_topic`, {where}, {rest}\n"
        f"  FROM {table_of(staged.dead_letters_table).quoted}\n  WHERE TRUE\n"
        f"  QUALIFY ROW_NUMBER() OVER (PARTITION BY {where}, `_kafka_end_offset` ORDER BY `_row`) = 1"
    )
    same = "\n  AND ".join(f"T.`{name}` = S.`{name}`" for name in COORDINATES)
    same += "\n  AND (T.`_kafka_end_offset` = S.`_kafka_end_offset` OR (T.`_kafka_end_offset` IS NULL AND "
    same += "S.`_kafka_end_offset` IS NULL))"
    values = ", ".join(f"S.`{name}`" for name in (*COORDINATES, *_DEAD))
    return (
        f"MERGE {target.dead_letters.quoted} T\nUSING (\n  {source}\n) S\nON {same}{bounds}\n"
        f"WHEN NOT MATCHED THEN INSERT (`_kafka_topic`, {where}, {rest}, `batch_id`, `failed_at`) "
        f"VALUES ({values}, {text(staged.batch_id)}, CURRENT_TIMESTAMP())"
    )


# INSERT INTO `p.d.t__batches` (pipeline, revision, …) VALUES ('…', 18, …)
def history(spec: MergeSpec, job_id: str) -> str:
    """One row per applied batch, in the batch's own transaction."""
    assert spec.revision is not None  # noqa: S101
    staged, context = spec.staged, spec.context
    row = {
        "pipeline": text(spec.pipeline),
        "revision": literal(spec.revision + 1),
        "batch_id": text(staged.batch_id),
        "kind": text(staged.kind),
        "ranges": ranges(staged.ranges),
        "messages": literal(staged.messages),
        "rows_staged": literal(staged.rows),
        "dead_lettered": literal(staged.dead_lettered),
        "ignored": literal(staged.ignored),
        "load_job_ids": strings(staged.load_job_ids),
        "merge_job_id": text(job_id),
        "dag_id": literal(context.dag_id),
        "task_id": literal(context.task_id),
        "run_id": literal(context.run_id),
        "try_number": literal(context.try_number),
        "started_at": literal(spec.started_at),
        "applied_at": "CURRENT_TIMESTAMP()",
    }
    return f"INSERT INTO {spec.target.history.quoted} ({', '.join(row)})\nVALUES ({', '.join(row.values())})"


# SELECT SUM(BYTE_LENGTH(TO_JSON_STRING(S))) FROM (SELECT … FROM staging AS R WHERE R.`_row` BETWEEN 0 AND 499) AS S
def probe(spec: MergeSpec, first_row: int, last_row: int) -> str:
    """Evaluate every conversion of some staged rows, so that one that BigQuery rejects can be found by bisection."""
    assert spec.staged.rows_table  # noqa: S101
    columns = staged_columns(spec.target)
    listed = ", ".join(f"{converted(one, f'R.{quoted(one.name)}')} AS {quoted(one.name)}" for one in columns)
    return (
        f"SELECT SUM(BYTE_LENGTH(TO_JSON_STRING(S))) AS bytes FROM (SELECT {listed} "
        f"FROM {table_of(spec.staged.rows_table).quoted} AS R "
        f"WHERE R.`_row` BETWEEN {first_row} AND {last_row}) AS S"
    )


def with_empty_source(spec: MergeSpec) -> str:
    """The rows' MERGE with an empty source of the staging table's types, for a dry run before anything is staged."""
    assert spec.staged.rows_table  # noqa: S101
    columns = [f"CAST(NULL AS {wire_type(one)}) AS {quoted(one.name)}" for one in staged_columns(spec.target)]
    empty = f"(SELECT {', '.join([*columns, 'FALSE AS `_tombstone`', '0 AS `_row`'])} FROM UNNEST(ARRAY<INT64>[]))"
    return merge_rows(spec).replace(table_of(spec.staged.rows_table).quoted, empty, 1)
