"""The ledger: one row per pipeline, one sentinel row, one revision that fences every batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from airflow_kafka_bq.batch import Kind, LedgerRow, OffsetRange, Position, RunContext
from airflow_kafka_bq.bigquery.bookkeeping import fenced, inserted, there_once
from airflow_kafka_bq.bigquery.ddl import SENTINEL
from airflow_kafka_bq.bigquery.literals import literal, positions, ranges, strings, text
from airflow_kafka_bq.exceptions import AccountingError
from airflow_kafka_bq.schema.target import Target


def stamp(moment: datetime) -> str:
    """A creation time as the ledger's rows are compared: ISO, UTC, milliseconds."""
    return moment.isoformat(timespec="milliseconds")


def select(target: Target, pipeline: str) -> str:
    """A pipeline's row (or rows: two are an error that must be seen)."""
    return f"SELECT * FROM {target.ledger.quoted} WHERE pipeline = {text(pipeline)}"


def row_of(found: list[Mapping[str, Any]], target: Target, pipeline: str) -> LedgerRow | None:
    """What ``select`` found.

    :raises AccountingError: the row is doubled; nobody may guess which one holds.
    """
    if not found:
        return None
    if len(found) > 1:
        message = f"ledger {target.ledger} has {len(found)} rows for pipeline {pipeline!r}"
        raise AccountingError(message, remedy="delete all but the row with the greatest revision")
    row = found[0]
    created = row["target_created_at"]
    return LedgerRow(
        pipeline=row["pipeline"],
        topic=row["topic"],
        topic_id=row["topic_id"],
        cluster_id=row["cluster_id"],
        group_id=row["group_id"],
        revision=row["revision"],
        batch_id=row["batch_id"],
        job_id=row["job_id"],
        positions={at["partition"]: Position(at["next_offset"], at["leader_epoch"]) for at in row["positions"] or ()},
        target_created_at=stamp(created) if created else None,
        updated_by=row["updated_by"],
    )


# BEGIN TRANSACTION;
# UPDATE ledger SET revision = revision + 1 WHERE pipeline = '*';
# SELECT IF((SELECT COUNT(*) FROM ledger WHERE pipeline = '*') = 1, 1, CAST(ERROR('…') AS INT64));
# INSERT INTO ledger (…) SELECT … FROM UNNEST([1]) WHERE NOT EXISTS (SELECT 1 FROM ledger WHERE pipeline = 'P');
# COMMIT TRANSACTION;
def register(target: Target, row: LedgerRow) -> str:
    """Insert a pipeline's row unless it is there.

    Inserts alone never conflict; the sentinel's UPDATE makes two creators conflict, so that one is cancelled.
    """
    ledger = target.ledger.quoted
    values = {
        "pipeline": text(row.pipeline),
        "topic": text(row.topic),
        "topic_id": _string(row.topic_id),
        "cluster_id": _string(row.cluster_id),
        "group_id": _string(row.group_id),
        "revision": "0",
        "batch_id": "CAST(NULL AS STRING)",
        "job_id": "CAST(NULL AS STRING)",
        "positions": positions(row.positions),
        "target_created_at": _created(row),
        "updated_at": "CURRENT_TIMESTAMP()",
        "updated_by": _string(row.updated_by),
    }
    return (
        "BEGIN TRANSACTION;\n"
        f"UPDATE {ledger} SET revision = revision + 1, updated_at = CURRENT_TIMESTAMP() "
        f"WHERE pipeline = {text(SENTINEL)};\n"
        f"SELECT IF((SELECT COUNT(*) FROM {ledger} WHERE pipeline = {text(SENTINEL)}) = 1, 1, "
        "CAST(ERROR('kafka-bq: ledger sentinel missing or doubled') AS INT64));\n"
        f"INSERT INTO {ledger} ({', '.join(values)})\nSELECT {', '.join(values.values())} FROM UNNEST([1]) AS one\n"
        f"WHERE NOT EXISTS (SELECT 1 FROM {ledger} WHERE pipeline = {text(row.pipeline)});\n"
        "COMMIT TRANSACTION;"
    )


def place(target: Target, row: LedgerRow) -> str:
    """Compare-and-set of positions and identity; no row is affected where the revision moved."""
    return (
        f"UPDATE {target.ledger.quoted}\nSET revision = revision + 1, {_placed(row)}\n"
        f"WHERE pipeline = {text(row.pipeline)} AND revision = {row.revision}"
    )


# BEGIN TRANSACTION; UPDATE ledger SET revision = IF(revision = 17, 18, CAST(ERROR('kafka-bq: ledger moved') …)), …
# WHERE pipeline = 'P'; SELECT IF((SELECT COUNT(*) …) = 1, 1, CAST(ERROR('…') AS INT64)) AS pipelines;
# INSERT INTO history (pipeline, revision, kind, ranges, …) VALUES ('P', 18, 'seek', …); COMMIT TRANSACTION;
def place_over(target: Target, row: LedgerRow, skipped: Sequence[OffsetRange], by: RunContext | None = None) -> str:
    """The same, and a row of the history for the offsets that are moved over, and for who did it; both or neither."""
    after = row.revision + 1
    task = {} if by is None else {name: literal(value) for name, value in by.task.items()}
    values = {
        "pipeline": text(row.pipeline),
        "revision": literal(after),
        "batch_id": text(f"{Kind.SEEK}-{after}"),
        "kind": text(Kind.SEEK),
        "ranges": ranges(skipped),
        "messages": "0",
        "rows_staged": "0",
        "dead_lettered": "0",
        "ignored": "0",
        "load_job_ids": strings(()),
        **task,
        "started_at": "CURRENT_TIMESTAMP()",
        "applied_at": "CURRENT_TIMESTAMP()",
    }
    return (
        "BEGIN TRANSACTION;\n"
        f"{fenced(target, row.pipeline, row.revision, _placed(row))};\n"
        f"SELECT {there_once(target, row.pipeline, after)};\n"
        f"{inserted(target, values)};\n"
        "COMMIT TRANSACTION;"
    )


def placed_by(target: Target, pipeline: str, by: RunContext) -> str:
    """How often the history says that a task has moved the position in a run of its DAG (0 or 1)."""
    same = " AND ".join(f"{name} = {literal(getattr(by, name))}" for name in ("dag_id", "task_id", "run_id"))
    return (
        f"SELECT COUNT(*) AS found FROM {target.history.quoted} WHERE pipeline = {text(pipeline)} "
        f"AND kind = {text(Kind.SEEK)} AND {same} AND applied_at > TIMESTAMP '1970-01-01'"
    )


def _placed(row: LedgerRow) -> str:
    return (
        f"topic_id = {literal(row.topic_id)}, "
        f"cluster_id = {literal(row.cluster_id)}, group_id = {literal(row.group_id)}, "
        f"positions = {positions(row.positions)}, target_created_at = {_created(row)}, "
        f"updated_at = CURRENT_TIMESTAMP(), updated_by = {literal(row.updated_by)}"
    )


def _string(value: str | None) -> str:
    """A bare NULL in a SELECT is an INT64."""
    return "CAST(NULL AS STRING)" if value is None else text(value)


def _created(row: LedgerRow) -> str:
    if row.target_created_at is None:
        return "CAST(NULL AS TIMESTAMP)"
    return literal(datetime.fromisoformat(row.target_created_at))


def recent(target: Target, since: datetime) -> str:
    """Batches and load jobs of a while; the literal leaves two partitions of the history to read."""
    return (
        f"SELECT COUNT(*) AS batches, IFNULL(SUM(ARRAY_LENGTH(load_job_ids)), 0) AS load_jobs "
        f"FROM {target.history.quoted} WHERE applied_at >= {literal(since)}"
    )


def applied(target: Target, batch_id: str, revision: int) -> str:
    """How often the history has this batch at this revision (0 or 1)."""
    return (
        f"SELECT COUNT(*) AS found FROM {target.history.quoted} "
        f"WHERE batch_id = {text(batch_id)} AND revision = {revision} AND applied_at > TIMESTAMP '1970-01-01'"
    )
