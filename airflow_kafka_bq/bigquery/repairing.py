"""Removal of duplicates, and its undoing: pure functions, the finished text above each.

The script of one part, run as one job::

    BEGIN TRANSACTION;
    UPDATE ledger …;          -- the fence of a batch: raises when a run moved the revision
    SELECT IF(…);             -- raises when the ledger's row is missing or doubled
    INSERT backup SELECT …;   -- every row of the doubled keys, and which of them stays
    SELECT IF(…);             -- raises when the DELETE would meet a row that is not in the backup
    DELETE target …;          -- all of them: rows have no number of their own, so that exact copies go together
    INSERT target …;          -- the one of each key that stays
    COMMIT TRANSACTION;
"""

from __future__ import annotations

from airflow_kafka_bq.bigquery.auditing import everywhere, within
from airflow_kafka_bq.bigquery.bookkeeping import MISSING, MOVED
from airflow_kafka_bq.bigquery.bounded import bounded
from airflow_kafka_bq.bigquery.conversion import quoted
from airflow_kafka_bq.bigquery.literals import literal, text
from airflow_kafka_bq.inspection import RepairSpec, Scan, by_time
from airflow_kafka_bq.schema.target import Target

PART, KEPT = "_kafka_bq_part", "_kafka_bq_kept"
UNSAVED = "kafka-bq: rows would be deleted that are not in the backup"
_LOG, _PLACE = "_kafka_bq_log", "_kafka_bq_place"


def _keys(target: Target, alias: str = "T") -> str:
    return ", ".join(f"{alias}.{quoted(name)}" for name in target.key)


def _present(target: Target) -> str:
    return " AND ".join(f"T.{quoted(name)} IS NOT NULL" for name in target.key)


def _start(target: Target) -> str:
    """Start of the partition that a row lies in."""
    by = by_time(target)
    if by is None:
        return "CAST(NULL AS DATE)"
    column = target.column(by.column)
    kind = column.type if column else "TIMESTAMP"
    return f"{kind}_TRUNC(T.{quoted(by.column)}, {by.granularity.upper()})"


# SELECT `first`, `part`, SUM(n) AS n, COUNTIF(…) AS keys_found FROM (
#   SELECT TIMESTAMP_TRUNC(…) AS `part`, COUNT(*) AS n, SUM(COUNT(*)) OVER (PARTITION BY <key>) AS total,
#     MIN(TIMESTAMP_TRUNC(…)) OVER (PARTITION BY <key>) AS `first` FROM `p.d.t` AS T WHERE … GROUP BY <key>, `part`)
# WHERE total > 1 AND <the rule decides> GROUP BY `first`, `part`
def doubled(scan: Scan) -> str:
    """Partitions that hold doubled keys, by the first one of each key."""
    target = scan.target
    keys = {f"k{number}": f"T.{quoted(name)}" for number, name in enumerate(target.key)}
    window, start = f"PARTITION BY {', '.join(keys)}", _start(target)
    listed = ", ".join(f"{column} AS {alias}" for alias, column in keys.items())
    extra, decided, outer = "", "total > 1", ""
    if not target.kafka_columns:
        extra = ", MIN(TO_JSON_STRING(T)) AS least, MAX(TO_JSON_STRING(T)) AS most"
        outer = f", MIN(least) OVER ({window}) AS first_image, MAX(most) OVER ({window}) AS last_image"
        decided += " AND first_image = last_image"
    if _torn(target):
        extra = ", COUNT(T.`_deleted_at`) AS gone"
        outer = f", SUM(gone) OVER ({window}) AS all_gone"
        decided += " AND (all_gone = 0 OR all_gone = total)"
    inner = (
        f"SELECT {listed}, {start} AS `part`, COUNT(*) AS n{extra}\n    FROM {target.table.quoted} AS T\n"
        f"    WHERE {within(scan)} AND {_present(target)}\n    GROUP BY {', '.join(keys)}, `part`"
    )
    return (
        "SELECT `first`, `part`, SUM(n) AS n, COUNTIF(`part` = `first` OR (`part` IS NULL AND `first` IS NULL)) "
        "AS keys_found\nFROM (\n"
        f"  SELECT *, MIN(`part`) OVER ({window}) AS `first`, SUM(n) OVER ({window}) AS total{outer}\n"
        f"  FROM (\n    {inner}))\nWHERE {decided}\nGROUP BY `first`, `part` ORDER BY `first`, `part`"
    )


def _torn(target: Target) -> bool:
    """Whether the row that wins by version may lack the deletion that another one of its key has."""
    return target.soft_delete and bool(target.version)


# SELECT T.*, ROW_NUMBER() OVER (PARTITION BY <key>, <topic, partition> ORDER BY …) AS _kafka_bq_log FROM `p.d.t` AS T
# WHERE <literal bounds> QUALIFY COUNT(*) OVER (PARTITION BY <key>) > 1 AND <first partition of the key is this one>
def chosen(spec: RepairSpec) -> str:
    """Rows of the doubled keys of one part; ``_kafka_bq_place`` is 1 for the one that the job's own rule keeps.

    Two steps, as in ``order.winners``: offsets order only within a partition, timestamps only decide between them.
    """
    target, window = spec.target, f"PARTITION BY {_keys(spec.target)}"
    first = spec.first
    same = f"MIN({_start(target)}) OVER ({window}) {'IS NULL' if first is None else f'= {literal(first)}'}"
    whole = [f"COUNT(*) OVER ({window}) > 1", *([same] if by_time(target) else [])]
    if not target.kafka_columns:
        whole.append(f"MIN(TO_JSON_STRING(T)) OVER ({window}) = MAX(TO_JSON_STRING(T)) OVER ({window})")
    if _torn(target):
        whole.append(f"COUNT(T.`_deleted_at`) OVER ({window}) IN (0, COUNT(*) OVER ({window}))")
    log, place = _order(target)
    own, names = ", T.`_kafka_topic`, T.`_kafka_partition`" if target.kafka_columns else "", _names(spec)
    return (
        f"SELECT {names}, ROW_NUMBER() OVER (PARTITION BY {_keys(target, 'R')} ORDER BY {place}) AS {_PLACE}\n"
        f"FROM (\n  SELECT T.*, ROW_NUMBER() OVER ({window}{own} ORDER BY {log}) AS {_LOG}\n"
        f"  FROM {target.table.quoted} AS T\n  WHERE {_bounds(spec)} AND {_present(target)}\n"
        f"  QUALIFY {' AND '.join(whole)}) AS R"
    )


def _order(target: Target) -> tuple[str, str]:
    """(within a Kafka partition, between them): the newest first for update, the oldest first for keep.

    What has no coordinates is older than any message. Of exact copies the one that came first stays.
    """
    if not target.kafka_columns:
        return _keys(target), _keys(target, "R")
    way, nulls = ("DESC", "LAST") if target.update else ("ASC", "FIRST")
    versions = [f"{{}}.{quoted(name)} DESC NULLS LAST" for name in target.version if target.update]
    log = [*versions, f"{{}}.`_kafka_offset` {way} NULLS {nulls}"]
    place = [f"{{}}.`{name}` {way} NULLS {nulls}" for name in ("_kafka_timestamp", "_kafka_partition", "_kafka_topic")]
    came = ["{}.`_ingested_at`"] if target.column("_ingested_at") else []
    again = [f"{{}}.`_kafka_timestamp` {way}", *came]  # a topic that was made anew has its offsets twice
    within_log = ", ".join([*log, *again]).replace("{}", "T")
    between = ", ".join([*versions, *place, *log[len(versions) :], *came]).replace("{}", "R")
    return within_log, f"IF(R.{_LOG} = 1, 0, 1), {between}"


def _names(spec: RepairSpec, alias: str = "") -> str:
    return ", ".join(f"{alias}{quoted(name)}" for name in spec.columns)


def _bounds(spec: RepairSpec) -> str:
    return everywhere(spec.target) if spec.bounds is None else bounded(spec.bounds, half_open=True)


def _part(spec: RepairSpec) -> str:
    return f"B.{PART} = {text(spec.part)}"


# UPDATE `p.d.t__ledger` SET revision = IF(revision = 17, 18, CAST(ERROR('kafka-bq: ledger moved') AS INT64)), …
# WHERE pipeline = '…';
# SELECT IF((SELECT COUNT(*) FROM `p.d.t__ledger` WHERE pipeline = '…' AND revision = 18) = 1, 1, CAST(ERROR('…') …
def _fence(spec: RepairSpec) -> list[str]:
    ledger, after, ours = spec.target.ledger.quoted, spec.revision + 1, f"pipeline = {text(spec.pipeline)}"
    moved, missing = (f"CAST(ERROR({text(message)}) AS INT64)" for message in (MOVED, MISSING))
    return [
        f"UPDATE {ledger}\nSET revision = IF(revision = {spec.revision}, {after}, {moved}), "
        f"updated_at = CURRENT_TIMESTAMP(), updated_by = {text(spec.context.who)}\nWHERE {ours}",
        f"SELECT IF((SELECT COUNT(*) FROM {ledger} WHERE {ours} AND revision = {after}) = 1, 1, {missing}) AS found",
    ]


def _doomed(spec: RepairSpec) -> str:
    """Rows of the table whose key the backup has in this part."""
    same = " AND ".join(f"B.{quoted(name)} = T.{quoted(name)}" for name in spec.target.key)
    return f"{_bounds(spec)} AND EXISTS (SELECT 1 FROM {spec.backup.quoted} AS B WHERE {_part(spec)} AND {same})"


def remove(spec: RepairSpec) -> str:
    """The whole transaction."""
    table, backup, names = spec.target.table.quoted, spec.backup.quoted, _names(spec)
    saved = f"(SELECT COUNT(*) FROM {backup} AS B WHERE {_part(spec)})"
    return _transaction(
        *_fence(spec),
        f"INSERT INTO {backup} ({names}, {PART}, {KEPT})\nSELECT {names}, {text(spec.part)}, {_PLACE} = 1\n"
        f"FROM ({chosen(spec)})",
        f"SELECT IF((SELECT COUNT(*) FROM {table} AS T WHERE {_doomed(spec)}) = {saved}, 1, "
        f"CAST(ERROR({text(UNSAVED)}) AS INT64)) AS saved",
        f"DELETE FROM {table} AS T\nWHERE {_doomed(spec)}",
        f"INSERT INTO {table} ({names})\nSELECT {names} FROM {backup} AS B WHERE {_part(spec)} AND B.{KEPT}",
    )


def restore(spec: RepairSpec) -> str:
    """Put the removed rows back; they leave the backup in the same transaction, so that twice is once."""
    table, backup, names = spec.target.table.quoted, spec.backup.quoted, _names(spec)
    return _transaction(
        *_fence(spec),
        f"INSERT INTO {table} ({names})\nSELECT {names} FROM {backup} AS B WHERE {_part(spec)} AND NOT B.{KEPT}",
        f"DELETE FROM {backup} AS B WHERE {_part(spec)}",
    )


def _transaction(*statements: str) -> str:
    return ";\n".join(["BEGIN TRANSACTION", *statements, "COMMIT TRANSACTION"]) + ";"


def priced(spec: RepairSpec) -> tuple[str, str]:
    """What a dry run prices: what reads the table's columns, and what rewrites its partitions. Neither is ever run."""
    unsaved = f"DELETE FROM {spec.target.table.quoted} AS T\nWHERE {_bounds(spec)} AND {_present(spec.target)}"
    return chosen(spec), unsaved


def backed_up(backup: str) -> str:
    """Rows of a backup, part by part."""
    return (
        f"SELECT B.{PART} AS part, COUNTIF(B.{KEPT}) AS kept, COUNTIF(NOT B.{KEPT}) AS removed\n"
        f"FROM {backup} AS B GROUP BY part ORDER BY part"
    )
