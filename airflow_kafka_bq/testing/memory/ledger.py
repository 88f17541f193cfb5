"""Companion tables: their columns, the ledger's rows, and the fence."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from airflow_kafka_bq.batch import LedgerRow, OffsetRange, Position, RunContext
from airflow_kafka_bq.exceptions import AccountingError, CostLimitError, MergeRejectedError
from airflow_kafka_bq.ports import MergeSpec
from airflow_kafka_bq.schema.columns import Column
from airflow_kafka_bq.schema.target import Target
from airflow_kafka_bq.testing.memory.tables import Row, Transaction, stamp

SENTINEL = "*"


class LedgerMoved(Exception):
    """The revision is not the expected one, or the row is missing or doubled."""


def _columns(text: str, *structs: Column) -> tuple[Column, ...]:
    words = [pair.split() for pair in text.split(",")]
    return (*(Column(name, kind, "".join(mode) or "NULLABLE") for name, kind, *mode in words), *structs)


def _repeated(name: str, text: str) -> Column:
    return Column(name, "STRUCT", "REPEATED", _columns(text))


LEDGER = _columns(
    "pipeline STRING, topic STRING, topic_id STRING, cluster_id STRING, group_id STRING, revision INT64,"
    "batch_id STRING, job_id STRING, target_created_at TIMESTAMP, updated_at TIMESTAMP, updated_by STRING",
    _repeated("positions", "partition INT64, next_offset INT64, leader_epoch INT64"),
)
HISTORY = _columns(
    "pipeline STRING, revision INT64, batch_id STRING, kind STRING, messages INT64, rows_staged INT64,"
    "dead_lettered INT64, ignored INT64, load_job_ids STRING REPEATED, merge_job_id STRING, dag_id STRING,"
    "task_id STRING, run_id STRING, try_number INT64, started_at TIMESTAMP, applied_at TIMESTAMP",
    _repeated("ranges", "partition INT64, start_offset INT64, end_offset INT64"),
)
DEAD_LETTERS = _columns(
    "_kafka_topic STRING, _kafka_partition INT64, _kafka_offset INT64, _kafka_timestamp TIMESTAMP, _kafka_key BYTES,"
    "_kafka_value BYTES, _kafka_end_offset INT64, stage STRING, reason STRING, error STRING, schema_id INT64,"
    "batch_id STRING, failed_at TIMESTAMP, redriven_at TIMESTAMP, copied_at TIMESTAMP",
    _repeated("_kafka_headers", "key STRING, value BYTES"),
)


def sentinel(now: datetime) -> Row:
    """The row that the table is born with; creators of other rows meet at it."""
    empty = {column.name: None for column in LEDGER}
    return {**empty, "pipeline": SENTINEL, "revision": 0, "positions": [], "updated_at": now}


def positions_of(positions: Mapping[int, Position]) -> list[dict[str, Any]]:
    """As the ledger's column has them."""
    return [
        {"partition": partition, "next_offset": at.next_offset, "leader_epoch": at.leader_epoch}
        for partition, at in sorted(positions.items())
    ]


def identity_of(row: LedgerRow) -> dict[str, Any]:
    """What ``register`` and ``place`` write."""
    created = row.target_created_at
    return {
        "topic_id": row.topic_id,
        "cluster_id": row.cluster_id,
        "group_id": row.group_id,
        "positions": positions_of(row.positions),
        "target_created_at": datetime.fromisoformat(created) if created else None,
        "updated_by": row.updated_by,
    }


def ledger_row(found: list[Row], pipeline: str) -> LedgerRow | None:
    """The pipeline's row. :raises AccountingError: there are several."""
    if len(found) > 1:
        raise AccountingError(f"the ledger has {len(found)} rows for pipeline {pipeline!r}")
    if not found:
        return None
    row = found[0]
    same = ("pipeline", "topic", "topic_id", "cluster_id", "group_id", "revision", "batch_id", "job_id", "updated_by")
    created = row["target_created_at"]
    return LedgerRow(
        **{name: row[name] for name in same},
        positions={at["partition"]: Position(at["next_offset"], at["leader_epoch"]) for at in row["positions"]},
        target_created_at=stamp(created) if created else None,
    )


def rows_of(rows: Mapping[int, Row], pipeline: str) -> dict[int, Row]:
    """A pipeline's rows by id."""
    return {number: row for number, row in rows.items() if row["pipeline"] == pipeline}


def register(transaction: Transaction, target: Target, row: LedgerRow, now: datetime) -> None:
    """The sentinel's UPDATE makes two creators conflict; their INSERTs would not.

    :raises MergeRejectedError: the sentinel is missing or doubled.
    """
    there = transaction.rows(target.ledger)
    sentinels = rows_of(there, SENTINEL)
    if len(sentinels) != 1:
        raise MergeRejectedError(f"ledger {target.ledger}: sentinel missing or doubled")
    transaction.update(
        target.ledger,
        {at: {**old, "revision": old["revision"] + 1, "updated_at": now} for at, old in sentinels.items()},
    )
    if not rows_of(there, row.pipeline):
        new = {**sentinel(now), "pipeline": row.pipeline, "topic": row.topic, **identity_of(row)}
        transaction.insert(target.ledger, [new])


def place(
    transaction: Transaction, target: Target, row: LedgerRow, skipped: Sequence[OffsetRange], now: datetime,
    by: RunContext | None = None,
) -> bool:  # fmt: skip
    """Compare-and-set on the revision, which moves: who is about to merge at the old one must lose."""
    found = {
        at: {**old, **identity_of(row), "revision": row.revision + 1, "updated_at": now}
        for at, old in rows_of(transaction.rows(target.ledger), row.pipeline).items()
        if old["revision"] == row.revision
    }
    transaction.update(target.ledger, found)
    if found and (skipped or by is not None):
        counts = dict.fromkeys(("messages", "rows_staged", "dead_lettered", "ignored"), 0)
        transaction.insert(
            target.history,
            [
                dict.fromkeys(column.name for column in HISTORY)
                | {"pipeline": row.pipeline, "revision": row.revision + 1, "batch_id": f"seek-{row.revision + 1}"}
                | {"kind": "seek", "ranges": ranges_of(skipped), "load_job_ids": [], **counts}
                | {"started_at": now, "applied_at": now, **(by.task if by else {})}
            ],
        )
    return len(found) == 1


def placed_by(history: Iterable[Row], pipeline: str, by: RunContext) -> bool:
    """Whether a task has a row of a seek."""
    return any(
        (row["pipeline"], row["kind"], row["dag_id"], row["task_id"], row["run_id"])
        == (pipeline, "seek", by.dag_id, by.task_id, by.run_id)
        for row in history
    )


def ranges_of(read: Iterable[OffsetRange]) -> list[dict[str, int]]:
    """As the history's column has them."""
    return [
        {"partition": one.partition, "start_offset": one.start_offset, "end_offset": one.end_offset} for one in read
    ]


def first_read(history: Iterable[Row], pipeline: str) -> dict[int, int]:
    """Where live reading of each partition began."""
    found: dict[int, int] = {}
    for row in history:
        if (row["pipeline"], row["kind"]) == (pipeline, "live"):
            for one in row["ranges"]:
                found[one["partition"]] = min(one["start_offset"], found.get(one["partition"], one["start_offset"]))
    return found


def highest(rows: Collection[Row], topic: str, max_bytes_billed: int | None) -> dict[int, int]:
    """The highest offset of each partition. :raises CostLimitError: more bytes than allowed."""
    if max_bytes_billed is not None and (size := len(rows) * (len(topic) + 2 + 8 + 8)) > max_bytes_billed:
        raise CostLimitError(f"reading the table's coordinates would bill {size} bytes; allowed are {max_bytes_billed}")
    found: dict[int, int] = {}
    for row in rows:
        if row["_kafka_topic"] == topic:
            found[row["_kafka_partition"]] = max(row["_kafka_offset"], found.get(row["_kafka_partition"], -1))
    return found


def fence(transaction: Transaction, spec: MergeSpec, job_id: str, now: datetime) -> None:
    """Move the revision, and the positions unless the run is isolated. :raises LedgerMoved: it was not ours to move."""
    if spec.revision is None:
        return
    found = rows_of(transaction.rows(spec.target.ledger), spec.pipeline)
    if any(row["revision"] != spec.revision for row in found.values()):
        raise LedgerMoved("kafka-bq: ledger moved")
    moved: dict[str, Any] = {"revision": spec.revision + 1, "updated_at": now, "updated_by": spec.context.who}
    if spec.positions is not None:
        moved |= {"batch_id": spec.staged.batch_id, "job_id": job_id, "positions": positions_of(spec.positions)}
    transaction.update(spec.target.ledger, {at: {**row, **moved} for at, row in found.items()})
    if len(found) != 1:
        raise LedgerMoved("kafka-bq: ledger row missing or doubled")


def record_history(transaction: Transaction, spec: MergeSpec, job_id: str, now: datetime) -> None:
    """One row per applied batch; none where no ledger is kept."""
    if spec.revision is None:
        return
    staged, context = spec.staged, spec.context
    row = {
        "pipeline": spec.pipeline,
        "revision": spec.revision + 1,
        "batch_id": staged.batch_id,
        "kind": str(staged.kind),
        "ranges": ranges_of(staged.ranges),
        "messages": staged.messages,
        "rows_staged": staged.rows,
        "dead_lettered": staged.dead_lettered,
        "ignored": staged.ignored,
        "load_job_ids": list(staged.load_job_ids),
        "merge_job_id": job_id,
        **context.task,
        "started_at": spec.started_at,
        "applied_at": now,
    }
    transaction.insert(spec.target.history, [row])
