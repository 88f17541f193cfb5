"""Repair: of rows with equal dedup keys the one stays that the job's own rule keeps. Reversible, and fenced.

The table is repaired partition by partition. Each part is one transaction, which moves the ledger's revision, copies
all rows of the doubled keys to a backup, deletes them, and puts the one of each key back that stays. So a row is gone
if and only if the backup has it; a run that is under way makes the repair lose, or loses to it and merges again; and a
repair that dies is finished by another one, which begins with what is still doubled.
"""

from __future__ import annotations

import hashlib
import logging
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

from airflow_kafka_bq.batch import ColumnBounds, Failure, JobResult, LedgerRow
from airflow_kafka_bq.config.days import BACKUP_DAYS, Between
from airflow_kafka_bq.config.values import TableId
from airflow_kafka_bq.exceptions import (
    ConfigError,
    CostLimitError,
    MergeConflictError,
    NotFoundError,
    WarehouseUnavailableError,
)
from airflow_kafka_bq.inspection import BackedUp, Doubled, RepairSpec, by_time
from airflow_kafka_bq.operations.scanned import Scanned, scanned, whole_partitions
from airflow_kafka_bq.pipeline.job import Job
from airflow_kafka_bq.pipeline.partitions import after
from airflow_kafka_bq.pipeline.ranges import few_ranges

log = logging.getLogger(__name__)

_ATTEMPTS = 5
_OURS = 2  # columns that a backup has besides those of the table


def repair(
    job: Job, between: Between | None = None, backup_days: float = BACKUP_DAYS, *, once: bool = False
) -> dict[str, Any]:
    """Remove duplicates by dedup key, keep a backup, and look again.

    :param between: of which partitions of the table; None: of all.
    :param backup_days: how long the backup is kept.
    :param once: of a task: all its tries in a run of its DAG share a backup, so that the last one tells of all of it.
    :raises ConfigError: the job keeps no ledger. :raises CostLimitError: a part would bill more than
        ``max_bytes_billed``; nothing was changed.
    :raises MergeConflictError: a run moved the ledger, or changed the table; what was done stays, and is in the backup.
    """
    seen = _seen(job, between)
    parts = job.warehouse.repairs.doubled(seen.scan, job.config.max_bytes_billed)
    estimated = _affordable(job, seen, parts)
    backup = _backup_of(job, seen, once=once)
    if not parts:
        held = _earlier(job, backup) if once else ()
        return _document(job, seen, between, parts, estimated, backup if held else None, held)
    revision = _revision(job, seen)
    taken = {one.part for one in (_earlier(job, backup) if once else ())}  # behind the revision: a later one loses
    log.info(
        "rows that are removed are kept in %s; undo with: kafka-bq repair JOB.yaml --undo %s", backup, backup.table
    )
    job.warehouse.repairs.make_backup(seen.target, backup, job.now() + timedelta(days=backup_days))
    for number, one in enumerate(parts):
        job.stop.check()
        spec = _spec(job, seen, backup, one, revision + number)
        if one.name in taken:  # its transaction checks the backup's rows of one part, and puts back those that stayed
            spec = replace(spec, part=f"{one.name} #{revision + number}")
        _apply(job, partial(job.warehouse.repairs.remove, spec=spec, max_bytes_billed=job.config.max_bytes_billed))
        log.info("part %s: %s rows of %s keys reduced to one each", one.name, f"{one.rows:,}", f"{one.keys:,}")
    return _document(job, seen, between, parts, estimated, backup, job.warehouse.repairs.backed_up(backup))


def rehearse(job: Job, between: Between | None = None) -> dict[str, Any]:
    """What a repair would remove, where, and how many bytes it would process. Changes nothing.

    :raises ConfigError, CostLimitError: as ``repair``.
    """
    seen = _seen(job, between)
    parts = job.warehouse.repairs.doubled(seen.scan, job.config.max_bytes_billed)
    return {**_document(job, seen, between, parts, _affordable(job, seen, parts), None, ()), "dry_run": True}


def undo(job: Job, name: str) -> dict[str, Any]:
    """Put the rows of a backup back into the table. They leave the backup, so that twice is once.

    :param name: of the backup, with or without project and dataset.
    :raises ConfigError: it is none of this table's. :raises NotFoundError: it has expired.
    :raises MergeConflictError: as ``repair``.
    """
    seen = _seen(job, None)
    backup = _named(job, seen, name)
    facts = job.warehouse.table(backup)
    if facts is None:
        message = f"backup {backup} does not exist: it has expired, or was dropped"
        raise NotFoundError(message, remedy="time travel shows a table as it was, seven days back: docs/audit.md")
    columns = tuple(column.name for column in facts.columns[:-_OURS])
    parts, revision = job.warehouse.repairs.backed_up(backup), _revision(job, seen)
    for number, one in enumerate(parts):
        job.stop.check()
        none = Doubled(None, (), one.kept, one.kept + one.removed)
        spec = replace(_spec(job, seen, backup, none, revision + number), columns=columns, part=one.part)
        _apply(job, partial(job.warehouse.repairs.restore, spec=spec, max_bytes_billed=None))
    return {
        "topic": job.config.topic,
        "table": str(seen.target.table),
        "backup": str(backup),
        "restored": sum(one.removed for one in parts),
    }


def _seen(job: Job, between: Between | None) -> Scanned:
    if job.config.fence == "none":
        raise ConfigError(
            "fence='none' cannot keep a repair apart from the live task", topic=job.config.topic,
            remedy="use fence='ledger'",
        )  # fmt: skip
    seen = whole_partitions(scanned(job, between or Between()))
    if seen.facts.partitioning is not None and seen.facts.partitioning.by_ingestion:
        raise ConfigError(
            f"table {seen.target.table} is partitioned by the time of writing: the rows that stay are written again, "
            "and would move to the partition of now", topic=job.config.topic, remedy="remove duplicates by hand",
        )  # fmt: skip
    return seen


def _affordable(job: Job, seen: Scanned, parts: Sequence[Doubled]) -> list[int]:
    """Bytes of each part, before the first one is touched. :raises CostLimitError: one costs too much."""
    limit, found = job.config.max_bytes_billed, []
    for one in parts:
        spec = _spec(job, seen, seen.target.table.companion("repair"), one, 0)
        found.append(job.warehouse.repairs.estimate(spec))
        if limit is not None and found[-1] > limit:
            message = f"repairing part {one.name} would process {found[-1]} bytes, max_bytes_billed allows {limit}"
            raise CostLimitError(message, topic=job.config.topic, remedy="raise max_bytes_billed; nothing was changed")
    return found


def _revision(job: Job, seen: Scanned) -> int:
    """The fencing token. A table that no run has written to yet gets a ledger without positions, as windows make it."""
    if seen.ledger is not None:
        return seen.ledger.revision
    job.warehouse.create_ledger(seen.target)
    topic = job.source.describe()
    row = LedgerRow(
        pipeline=seen.pipeline, topic=topic.topic, topic_id=topic.topic_id, cluster_id=topic.cluster_id,
        group_id=job.config.group(seen.target.table), revision=0, batch_id=None, job_id=None, positions={},
        target_created_at=seen.facts.created_at, updated_by=job.context.who,
    )  # fmt: skip
    job.warehouse.register(seen.target, row)
    found = job.warehouse.ledger(seen.target, seen.pipeline)
    return found.revision if found else 0


def _backup_of(job: Job, seen: Scanned, *, once: bool) -> TableId:
    """A backup of its own; of all tries of a task in one run of its DAG, while the table has the columns of then."""
    target, who, moment = seen.target, job.context, job.now()
    if once:
        digest = hashlib.sha256("\0".join(map(str, (who.dag_id, who.task_id, who.run_id))).encode()).hexdigest()
        shared = target.table.companion(f"repair_{digest[:20]}", target.companion_dataset)
        there = job.warehouse.table(shared)
        if there is None or all(there.column(column.name) for column in seen.facts.columns):
            return shared
    return target.table.companion(f"repair_{moment:%Y%m%dt%H%M%S}_{uuid.uuid4().hex[:8]}", target.companion_dataset)


def _earlier(job: Job, backup: TableId) -> Sequence[BackedUp]:
    """What earlier tries of the same task have put into its backup."""
    return () if job.warehouse.table(backup) is None else job.warehouse.repairs.backed_up(backup)


def _named(job: Job, seen: Scanned, name: str) -> TableId:
    """A backup by its name. :raises ConfigError: it is none of this table."""
    wanted = name.rpartition(".")[2]
    prefix = seen.target.table.companion("repair_", seen.target.companion_dataset)
    if not wanted.startswith(prefix.table) or (name != wanted and name != str(replace(prefix, table=wanted))):
        message = f"{name!r} is no backup of table {seen.target.table}: those are called {prefix}…"
        raise ConfigError(message, topic=job.config.topic, remedy="take the name that the repair printed")
    return replace(prefix, table=wanted)


def _spec(job: Job, seen: Scanned, backup: TableId, one: Doubled, revision: int) -> RepairSpec:
    by, bounds = by_time(seen.target), None
    if by is not None:
        starts = sorted(start for start in one.parts if start is not None)
        ranges = few_ranges([(start, after(start, by.granularity)) for start in starts])
        bounds = ColumnBounds(by.column, ranges, has_null=None in one.parts)
    names = tuple(column.name for column in seen.facts.columns)
    return RepairSpec(seen.target, names, seen.pipeline, revision, backup, one.first, one.name, bounds, job.context)


def _apply(job: Job, submit: Callable[[str], JobResult]) -> None:
    """One transaction, tried again where it was BigQuery's trouble alone.

    :raises MergeConflictError: somebody else changed ledger or table.
    """
    result = JobResult("")
    for attempt in range(_ATTEMPTS):
        result = submit(f"kafka-bq-repair-{uuid.uuid4().hex}")
        if result.failure is None:
            return
        if result.failure in {Failure.LEDGER_MOVED, Failure.CONFLICT}:
            message = "a run, or another writer, changed the table or its ledger while it was repaired"
            remedy = "pause the DAG and run it again: what was done stays, and what was removed is in the backup"
            raise MergeConflictError(message, topic=job.config.topic, remedy=remedy) from result.error
        if result.failure is not Failure.AGAIN:
            break
        job.stop.pause(2.0**attempt)
    raise result.error or WarehouseUnavailableError("the repair ended without a word")


def _document(
    job: Job, seen: Scanned, between: Between | None, parts: Sequence[Doubled], estimated: Sequence[int],
    backup: TableId | None, saved: Sequence[BackedUp],
) -> dict[str, Any]:  # fmt: skip
    left = job.warehouse.audits.duplicates(seen.scan, job.config.max_bytes_billed)
    places = left.by_coordinates
    return {
        "topic": job.config.topic,
        "table": str(seen.target.table),
        "dry_run": False,
        "range": (between or Between()).to_json(),
        "keeps": _rule(seen),
        "parts": [
            {"part": one.name, "keys": one.keys, "rows": one.rows, "surplus": one.rows - one.keys, "bytes": size}
            for one, size in zip(parts, estimated, strict=True)
        ],
        "removed": sum(one.removed for one in saved),
        "backup": str(backup) if backup else None,
        "left": {"by_key": left.by_key.rows, "by_coordinates": places.rows if places else None},
        "estimated_bytes": sum(estimated) + job.warehouse.audits.estimated_bytes,
    }


def _rule(seen: Scanned) -> str:
    target = seen.target
    if not target.kafka_columns:
        return "one of rows that are equal in every column; others are left, since nothing says which is newer"
    if target.by_coordinates:
        return "the copy that came first"
    if not target.update:
        return "the first message of each key, by Kafka's order"
    return f"the newest row of each key, by {', '.join((*target.version, 'Kafka order'))}"
