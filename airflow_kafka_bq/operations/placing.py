"""Placing: ledger and group are moved together, on purpose, in an order in which a crash does no harm.

A run takes the ledger's positions, and refuses a group that is ahead of them. So the group goes down first, to where
neither the old nor the new positions of the ledger are behind it; then the ledger moves, by a compare-and-set of its
revision; then the group follows. Moved backwards, that is Kafka first; moved forwards, the ledger first; where some
partitions go back and some forwards, each of them in its own order, around one move of the ledger.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from airflow_kafka_bq.batch import LedgerRow, OffsetRange, Position, RunContext
from airflow_kafka_bq.exceptions import KafkaUnavailableError, MergeConflictError
from airflow_kafka_bq.pipeline.commit import commit
from airflow_kafka_bq.pipeline.job import Job
from airflow_kafka_bq.pipeline.plan import check_group, look, pipeline_of
from airflow_kafka_bq.pipeline.positions import metadata
from airflow_kafka_bq.pipeline.seen import Seen
from airflow_kafka_bq.pipeline.starts import is_stale

Offsets = Mapping[int, Position]


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a pipeline stands, and of which topic and table its positions are. No positions: nothing is known.

    :param target_created_at: ISO time, UTC, milliseconds, as in the ledger.
    """

    positions: Offsets
    topic_id: str | None = None
    target_created_at: str | None = None

    @classmethod
    def of(cls, seen: Seen) -> Standing:
        """As it is: the ledger's word, else the group's."""
        row = seen.ledger
        if row is not None and row.positions:
            return cls(dict(row.positions), row.topic_id, row.target_created_at)
        known = {part: held.position for part, held in seen.committed.items() if not is_stale(held, row)}
        return cls(known, row.topic_id if row else None, row.target_created_at if row else None)

    def same(self, other: Standing) -> bool:
        """Whether a run would start at the same offsets of the same topic and table."""
        return (offsets_of(self.positions), self.topic_id, self.target_created_at) == (
            offsets_of(other.positions), other.topic_id, other.target_created_at,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Placed:
    """What was done.

    :param revision: of the ledger now; None without one.
    :param moved: whether the ledger moved; it does not where it stands there already.
    :param committed: whether the group confirmed; None: there was nothing to commit. The next run repairs the rest.
    """

    revision: int | None
    moved: bool
    committed: bool | None


def offsets_of(positions: Offsets) -> dict[int, int]:
    """Next offsets alone."""
    return {part: at.next_offset for part, at in sorted(positions.items())}


def is_there(job: Job, seen: Seen, wanted: Standing) -> bool:
    """Whether the ledger (the group, where none is kept) stands there already."""
    if job.config.fence == "none":
        return offsets_of(Standing.of(seen).positions) == offsets_of(wanted.positions)
    return seen.ledger is not None and Standing(
        seen.ledger.positions, seen.ledger.topic_id, seen.ledger.target_created_at
    ).same(wanted)


def alone(job: Job) -> Seen:
    """What a run would see, in a group that nobody else uses.

    :raises GroupInUseError: it has members, or belongs to another topic or table.
    """
    seen = look(job.config, job.source, job.warehouse, job.target)
    check_group(job.config, job.target, seen, job.config.group(job.target.table))
    return seen


def put(job: Job, seen: Seen, wanted: Standing, command: str, *, by: RunContext | None = None) -> Placed:
    """Move ledger and group to a standing. Killed anywhere, it is finished by calling it again.

    :param seen: what the decision rests on: where the ledger has moved since, nothing is moved.
    :param command: who moves, for the ledger's ``updated_by``.
    :param by: a task, for the history: whether it has moved the position, its next try asks there.
    :raises MergeConflictError: a run is active, and moved the ledger meanwhile.
    :raises KafkaUnavailableError: the group did not go down; nothing was moved.
    :raises GroupInUseError: it has members.
    """
    here = (
        wanted.topic_id == seen.topic.topic_id or wanted.topic_id is None
    )  # else the offsets are of a topic that went
    if job.config.fence == "none":
        return _committed_alone(job, wanted)
    moves = not is_there(job, seen, wanted)
    revision = seen.ledger.revision if seen.ledger else 0
    if moves:
        if here and (lowered := _lowered(seen, wanted.positions)):
            job.stop.check()
            before = seen.ledger.revision if seen.ledger else None
            job.source.commit(lowered, metadata(str(job.target.table), before, None))
        job.stop.check()
        revision = _move_ledger(job, seen, wanted, command, by)
    if not (here and wanted.positions):
        return Placed(revision, moves, None)
    return Placed(revision, moves, commit(job.source, wanted.positions, str(job.target.table), revision, None))


def _lowered(seen: Seen, wanted: Offsets) -> dict[int, Position]:
    """Partitions whose committed offset would be ahead of what the ledger is about to say."""
    now = seen.ledger.positions if seen.ledger else {}
    found = {}
    for part, at in wanted.items():
        held = seen.committed.get(part)
        if held is not None and held.position.next_offset > at.next_offset:
            found[part] = min((at, now.get(part, at)), key=lambda one: one.next_offset)
    return found


def _move_ledger(job: Job, seen: Seen, wanted: Standing, command: str, by: RunContext | None) -> int:
    """The ledger's revision behind the move."""
    warehouse, target, row = job.warehouse, job.target, seen.ledger
    new = LedgerRow(
        pipeline=pipeline_of(seen.topic),
        topic=seen.topic.topic,
        topic_id=wanted.topic_id,
        cluster_id=seen.topic.cluster_id,
        group_id=job.config.group(target.table),
        revision=row.revision if row else 0,
        batch_id=None,
        job_id=None,
        positions=wanted.positions,
        target_created_at=wanted.target_created_at,
        updated_by=f"{job.context.who}: {command}",
    )
    if row is None and by is not None:
        row = _registered(job, replace(new, positions={}))
    if row is not None:
        skipped = _moved_over(row, seen, wanted)
        if skipped or by is not None:
            warehouse.create_ledger(target)  # the history may be gone, which is no reason not to move
        placed, after = warehouse.place(target, new, skipped, by), row.revision + 1
    else:
        placed, after = _registered(job, new) is not None, 0
    if not placed:
        raise MergeConflictError(
            f"a run of this job is active: it moved the ledger of {target.table} on from revision {new.revision} "
            f"while {command} was about to; the position stays the run's",
            topic=new.topic, group_id=new.group_id, remedy="pause the DAG or wait for the run's end, then do it again",
        )  # fmt: skip
    return after


def _registered(job: Job, new: LedgerRow) -> LedgerRow | None:
    """A new pipeline's row; None where somebody else was faster. Without positions it is as windows make it."""
    job.warehouse.create_ledger(job.target)
    job.warehouse.register(job.target, new)
    held = job.warehouse.ledger(job.target, new.pipeline)
    ours = held is not None and held.revision == 0 and offsets_of(held.positions) == offsets_of(new.positions)
    return held if ours else None


def _moved_over(row: LedgerRow, seen: Seen, wanted: Standing) -> tuple[OffsetRange, ...]:
    """What no run will read for this: an audit would take it for messages that a batch forgot."""
    if not row.is_of(seen.topic) or wanted.topic_id not in (None, seen.topic.topic_id):
        return ()  # offsets of a topic that went
    return tuple(
        OffsetRange(part, row.positions[part].next_offset, at.next_offset)
        for part, at in sorted(wanted.positions.items())
        if part in row.positions and at.next_offset > row.positions[part].next_offset
    )


def _committed_alone(job: Job, wanted: Standing) -> Placed:
    """Without a ledger the group's offset is the position."""
    if not commit(job.source, wanted.positions, str(job.target.table), None, None):
        message = "the group did not take the position in time, and without a ledger nothing else keeps it"
        raise KafkaUnavailableError(message, remedy="run it again")
    return Placed(None, True, True)
