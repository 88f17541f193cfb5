"""Seek: a job's position is moved on purpose, in ledger and group together, and may be taken back.

Backwards, messages are read again, which changes nothing in the table. Forwards, messages are skipped: they are then
neither in the table nor among the dead letters, and the document says how many.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from airflow_kafka_bq.batch import Bounds, Position, RunContext
from airflow_kafka_bq.config.destination import Destination, check_wishes
from airflow_kafka_bq.exceptions import ConfigError, PositionConflictError, TopicChangedError
from airflow_kafka_bq.operations import undo as undos
from airflow_kafka_bq.operations.lag import positions_of
from airflow_kafka_bq.operations.placing import Offsets, Standing, alone, is_there, offsets_of, put
from airflow_kafka_bq.operations.undo import Stood, Undo
from airflow_kafka_bq.pipeline.job import Job
from airflow_kafka_bq.pipeline.plan import check_identity, pipeline_of
from airflow_kafka_bq.pipeline.seen import Seen
from airflow_kafka_bq.pipeline.window import no_partitions

log = logging.getLogger(__name__)

COMMAND = "seek"


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person asks for.

    :param to: None: positions stay, and only topic or table are accepted.
    :param accept_topic: the topic is another one than the ledger's. :param accept_target: the table is.
    :param undo: take back what this file tells of; nothing else may be asked for then.
    """

    to: Destination | None = None
    accept_topic: bool = False
    accept_target: bool = False
    undo: Undo | None = None

    def check(self, job: Job) -> None:
        """:raises ConfigError: the wishes contradict each other, or the job has no position."""
        check_wishes(
            job.config.topic, to=self.to is not None, accept_topic=self.accept_topic, accept_target=self.accept_target,
            undo=self.undo is not None, window=bool(job.config.window), fence=job.config.fence,
        )  # fmt: skip


def seek(
    job: Job, wish: Wish, *, dry_run: bool = False, undo_file: Path | None = None, once: bool = False
) -> dict[str, Any]:
    """Move the position; what the dry run tells is what is done.

    1. Look at Kafka, ledger and table, and check them as a run would, but for what is accepted. 2. Find where each
    partition goes, within its log. 3. Write the undo file. 4. Move group and ledger, see ``placing``. Where all of it
    stands there already, nothing is done.

    :param undo_file: None: a name made of the topic and the ledger's revision, in the current folder.
    :param once: of a task: in a run of its DAG it moves the ledger once. The end of the log is another one at the next
        try, and runs may have read on; that try lets the group follow, and does nothing else.
    :raises ConfigError: a wish, an offset out of the log, or an undo file is wrong.
    :raises GroupInUseError: the group has members, other topics or another target.
    :raises TopicChangedError, TargetChangedError: not accepted. :raises MergeConflictError: a run is active.
    """
    wish.check(job)
    seen = alone(job)
    by = job.context if once and job.config.fence != "none" else None
    if (done_before := _done_before(job, seen, by)) is not None:
        wanted = done_before
    elif wish.undo is not None:
        wanted = _as_before(job, seen, wish.undo)
    else:
        _check_same(job, seen, wish)
        wanted = _wanted(job, seen, wish)
    document = _document(job, seen, wish, wanted, dry_run=dry_run)
    if dry_run:
        return document
    if document["changed"] and wish.undo is None:
        document["undo_file"] = str(_keep(job, seen, wanted, undo_file))
    done = put(job, seen, wanted, COMMAND, by=by)
    return {**document, "revision": done.revision, "changed": done.moved, "committed": done.committed}


def _done_before(job: Job, seen: Seen, by: RunContext | None) -> Standing | None:
    """Where the ledger stands, if an earlier try of this task has moved it; runs may have moved it on since."""
    row = seen.ledger
    if by is None or row is None or not job.warehouse.placed_by(job.target, row.pipeline, by):
        return None
    log.info(
        "task %s has moved the position already in run %s of its DAG; it is not moved again", by.task_id, by.run_id
    )
    return Standing(dict(row.positions), row.topic_id, row.target_created_at)


def _check_same(job: Job, seen: Seen, wish: Wish) -> None:
    """As a run would check topic and table, but for what is accepted."""
    row = seen.ledger
    if row is not None and wish.accept_topic:
        row = replace(row, topic_id=None, positions={})
    if row is not None and wish.accept_target:
        row = replace(row, target_created_at=None)
    check_identity(job.config, job.target, replace(seen, ledger=row))


def _wanted(job: Job, seen: Seen, wish: Wish) -> Standing:
    """Every partition has a position, or the ledger would say that those without one were added since."""
    row, table = seen.ledger, seen.table
    known = {} if wish.accept_topic else positions_of(seen)
    moved = _targets(job, seen, wish.to) if wish.to is not None else {}
    positions = dict(known)
    if known and job.config.fence == "none":  # a partition that was added since, see pipeline.starts
        positions = {part: known.get(part, Position(0)) for part in seen.topic.partitions}
    for part, offset in moved.items():
        if part not in known or known[part].next_offset != offset:
            positions[part] = Position(offset)
    if missing := sorted(set(seen.topic.partitions) - set(positions)):
        raise ConfigError(
            f"no position is known for partitions {missing}, and --to does not say where they begin",
            topic=job.config.topic, partition=missing[0], remedy="name all partitions, or use --to earliest",
        )  # fmt: skip
    if job.config.fence == "none":
        return Standing(positions)
    created = table.created_at if table else None
    if row is not None and row.target_created_at is not None and not wish.accept_target:
        created = row.target_created_at
    return Standing(positions, seen.topic.topic_id or (row.topic_id if row else None), created)


def _targets(job: Job, seen: Seen, to: Destination) -> dict[int, int]:
    """The offset of each partition that moves, within its log."""
    chosen = to.partitions if to.partitions is not None else seen.topic.partitions
    if isinstance(to.to, dict):
        found = dict(to.to)
    elif isinstance(to.to, datetime):
        at = job.source.offsets_at(to.to)
        found = {part: at[part] for part in chosen if part in at}
        _check_passed(job, seen, to.to, found)
    else:
        ends = {part: one.log_start if to.to == "earliest" else one.last_stable for part, one in seen.bounds.items()}
        found = {part: ends[part] for part in chosen if part in ends}
    if missing := sorted((set(chosen) if to.partitions else set(found)) - set(seen.bounds)):
        raise no_partitions(job.config.topic, missing, len(seen.topic.partitions))
    for part, offset in sorted(found.items()):
        bounds = seen.bounds[part]
        if not bounds.log_start <= offset <= bounds.high_watermark:
            raise ConfigError(
                f"--to: offset {offset} of partition {part} is not in the log, which has "
                f"{bounds.log_start} to {bounds.high_watermark}",
                topic=job.config.topic, partition=part, offset=offset,
                remedy="--to earliest and --to latest are the ends of the log",
            )  # fmt: skip
    return found


def _check_passed(job: Job, seen: Seen, at: datetime, found: Mapping[int, int]) -> None:
    """Producers' clocks may be ahead of ours: a time to come is refused where no message is of then.

    :raises ConfigError: a year too many would skip all that is there.
    """
    if at > job.now() and all(offset >= seen.bounds[part].last_stable for part, offset in found.items()):
        message = f"--to {at.isoformat()} lies in the future; it is {job.now().isoformat()}"
        remedy = "name a time that has passed; times are UTC. --to latest is the end of the log"
        raise ConfigError(message, topic=job.config.topic, remedy=remedy)


def _as_before(job: Job, seen: Seen, undo: Undo) -> Standing:
    """Where the pipeline stood; below the start of the log too, so that the next run says what is lost."""
    stood = undo.job(COMMAND, job.config.topic, str(job.target.table))
    return before_again(job, seen, stood)


def before_again(job: Job, seen: Seen, stood: Stood) -> Standing:
    """A standing of before, as it may be taken up again.

    :raises TopicChangedError: its offsets lie beyond the end of the log.
    :raises PositionConflictError: nothing was known before, and runs have read on since.
    """
    before, now = stood.standing, Standing.of(seen).positions
    if not before.positions and offsets_of(now) not in ({}, stood.moved_to):
        raise PositionConflictError(
            f"the job has read on since, to {offsets_of(now)}, and before {stood.moved_to} nothing was known of its "
            "position: taken back, all of it would be read once more, or skipped",
            topic=job.config.topic, group_id=stood.group_id, remedy="kafka-bq seek --to moves the position instead",
        )  # fmt: skip
    if not before.positions and job.config.fence == "none":
        message = "before, the group had no offsets, and Kafka takes none away from a group"
        raise ConfigError(message, topic=job.config.topic, remedy=f"delete the group {stood.group_id}")
    if not before.positions or before.topic_id not in (None, seen.topic.topic_id):
        return before
    for part, at in before.positions.items():
        if part in seen.bounds and at.next_offset > seen.bounds[part].high_watermark:
            message = f"before, the position was {at.next_offset}: beyond the end {seen.bounds[part].high_watermark}"
            raise TopicChangedError(
                message, topic=job.config.topic, partition=part, offset=at.next_offset,
                remedy="the log was truncated since: kafka-bq seek --to",
            )  # fmt: skip
    # Partitions of which nothing was known then, or that were added since, stay where they are.
    return replace(before, positions={**now, **before.positions})


def _keep(job: Job, seen: Seen, wanted: Standing, path: Path | None) -> Path:
    table = job.target.table
    revision = "new" if seen.ledger is None else seen.ledger.revision
    where = path or undos.file_name(job.config.topic, table.table, f"{COMMAND}-{revision}")
    undos.keep(where, job, seen, wanted, Undo(command=COMMAND))
    return where


def _document(job: Job, seen: Seen, wish: Wish, wanted: Standing, *, dry_run: bool) -> dict[str, Any]:
    other_topic = seen.ledger is not None and not seen.ledger.is_of(seen.topic)
    before = {} if other_topic else Standing.of(seen).positions
    partitions = {
        str(part): _line(part, before, wanted.positions, seen.bounds[part])
        | {"committed": seen.committed[part].position.next_offset if part in seen.committed else None}
        for part in sorted(seen.bounds)
    }
    return {
        "topic": job.config.topic,
        "table": str(job.target.table),
        "group_id": job.config.group(job.target.table),
        "pipeline": pipeline_of(seen.topic),
        "dry_run": dry_run,
        "to": str(wish.to) if wish.to else None,
        "accepted": [name for name, yes in (("topic", wish.accept_topic), ("target", wish.accept_target)) if yes],
        "changed": not is_there(job, seen, wanted),
        "partitions": partitions,
        "re_read": sum(one["re_read"] for one in partitions.values()),
        "skipped": sum(one["skipped"] for one in partitions.values()),
        "revision": seen.ledger.revision if seen.ledger else None,
        "committed": None,
        "undo_file": None,
        "unchecked": list(dict.fromkeys((*seen.topic.unchecked, *seen.group.unchecked))),
    }


def _line(part: int, before: Offsets, after: Offsets, bounds: Bounds) -> dict[str, Any]:
    """Offsets are counted; a compacted or transactional topic has fewer messages."""
    old = before[part].next_offset if part in before else None
    new = after[part].next_offset if part in after else None
    start = bounds.log_start if old is None else old
    reached = bounds.log_start if new is None else new
    there = min(start, bounds.high_watermark)
    return {
        "before": old,
        "after": new,
        "log_start": bounds.log_start,
        "end": bounds.last_stable,
        "high_watermark": bounds.high_watermark,
        "re_read": 0 if old is None else max(0, there - max(reached, bounds.log_start)),
        "skipped": max(0, reached - max(start, bounds.log_start)),
        "gone": max(0, min(reached, bounds.log_start) - start),
    }
