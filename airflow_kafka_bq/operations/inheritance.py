"""Inheritance: which positions a job takes over from an old group or from its table, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from airflow_kafka_bq.batch import Committed, GroupFacts, Position
from airflow_kafka_bq.exceptions import NotFoundError, OffsetGapError, PositionConflictError, TopicChangedError
from airflow_kafka_bq.operations.placing import Offsets, Standing, offsets_of
from airflow_kafka_bq.pipeline.job import Job
from airflow_kafka_bq.pipeline.plan import pipeline_of
from airflow_kafka_bq.pipeline.seen import Seen

State = Literal["to move", "there", "read on"]
CONFIDENCE: Mapping[str, str] = {
    "group": "as good as the old consumer's commits: where it committed before it wrote, rows before the position may "
    "be missing; where it wrote first, rows behind it may be there",
    "table": "the table has the message before the position and none behind it; whether all before it are there is not "
    "known",
    "log_start": "nothing is skipped: the old group has no offset here, and reading begins where the log does",
}
COORDINATES = ("_kafka_topic", "_kafka_partition", "_kafka_offset")


@dataclass(frozen=True, slots=True)
class Inheritance:
    """What a job takes over.

    :param held: what the old group has. :param others: its other topics.
    :param document: as it is shown; what was done is added to it.
    """

    seen: Seen
    held: Mapping[int, Committed]
    others: tuple[str, ...]
    wanted: Standing
    state: State
    document: dict[str, Any]


def inherited(
    job: Job, seen: Seen, old_group: str, held: Mapping[int, Committed], facts: GroupFacts, *, adopt: bool
) -> Inheritance:
    """The new position of each partition, within its log, and whether the job has it already.

    :param adopt: the highest coordinates in the table count before the old group's offsets.
    :raises NotFoundError: neither group nor table has a position of the topic.
    :raises PositionConflictError: the job has a position of its own; or its table has rows, and nothing is adopted.
    :raises OffsetGapError, TopicChangedError: the position is out of the log.
    """
    fresh = not (seen.ledger and seen.ledger.positions)
    if fresh and not adopt and seen.table is not None and seen.table.num_rows > 0:
        raise PositionConflictError(
            f"table {job.target.table} already has rows, and no ledger knows of them", topic=job.config.topic,
            group_id=job.config.group(job.target.table),
            remedy="--adopt, if they are those of the old consumer: it takes the position that fits them",
        )  # fmt: skip
    highest = _highest(job, seen) if adopt else {}
    if not (held or highest):
        raise NotFoundError(
            f"consumer group {old_group} has no offset of topic {job.config.topic}", topic=job.config.topic,
            group_id=old_group, remedy="is that its name? Offsets of a group expire; --adopt looks into the table",
        )  # fmt: skip
    positions, rests = _positions(seen, held, highest)
    _check_within(job, seen, positions, old_group)
    state = _state(job, seen, positions)
    created = seen.table.created_at if seen.table else None
    wanted = Standing(positions) if job.config.fence == "none" else Standing(positions, seen.topic.topic_id, created)
    if not fresh and seen.ledger is not None:
        wanted = Standing(positions, seen.ledger.topic_id, seen.ledger.target_created_at)
    document = _document(job, seen, held, positions, rests, state)
    document["unchecked"] = list(dict.fromkeys((*seen.topic.unchecked, *seen.group.unchecked, *facts.unchecked)))
    return Inheritance(seen, held, facts.other_topics, wanted, state, document)


def _highest(job: Job, seen: Seen) -> Mapping[int, int]:
    """Of a table that has coordinates and rows."""
    table = seen.table
    if table is None or any(table.column(name) is None for name in COORDINATES):
        return {}
    return job.warehouse.highest(job.target, table, job.config.topic, job.config.max_bytes_billed)


def _positions(
    seen: Seen, held: Mapping[int, Committed], highest: Mapping[int, int]
) -> tuple[dict[int, Position], dict[int, str]]:
    positions, rests = {}, {}
    for part in seen.topic.partitions:
        if part in highest:
            positions[part], rests[part] = Position(highest[part] + 1), "table"
        elif part in held:
            positions[part], rests[part] = held[part].position, "group"
        else:
            positions[part], rests[part] = Position(seen.bounds[part].log_start), "log_start"
    return positions, rests


def _check_within(job: Job, seen: Seen, positions: Offsets, old_group: str) -> None:
    topic = job.config.topic
    for part, at in sorted(positions.items()):
        bounds, offset = seen.bounds[part], at.next_offset
        if offset > bounds.high_watermark:
            message = f"position {offset} lies beyond the end {bounds.high_watermark} of the log"
            raise TopicChangedError(
                f"{message}: the topic was truncated or created again since", topic=topic, partition=part,
                offset=offset, group_id=old_group,
                remedy="kafka-bq seek --to begins where the messages that are meant begin",
            )  # fmt: skip
        if offset < bounds.log_start and job.config.on_gap == "fail":
            message = f"the old consumer did not read offsets {offset} to {bounds.log_start - 1}"
            raise OffsetGapError(
                f"{message}, and Kafka no longer has them", topic=topic, partition=part, offset=offset,
                group_id=old_group, remedy="set on_gap='record': the next run notes the loss and goes on",
            )  # fmt: skip


def _state(job: Job, seen: Seen, positions: Offsets) -> State:
    """Whether the position is there already, or was, and the job has read on from it."""
    wanted, row = offsets_of(positions), seen.ledger
    context: dict[str, Any] = {"topic": job.config.topic, "group_id": job.config.group(job.target.table)}
    if row is None or not row.positions:
        now = {part: held.position.next_offset for part, held in sorted(seen.committed.items())}
        if ahead := [part for part, at in now.items() if at > wanted.get(part, at)]:
            raise PositionConflictError(
                f"the new group is at {now[ahead[0]]}, ahead of the position {wanted[ahead[0]]} that it would get",
                partition=ahead[0], offset=now[ahead[0]],
                remedy="set it back, or delete it: what lies between would be skipped", **context,
            )  # fmt: skip
        return "there" if job.config.fence == "none" and now == wanted else "to move"
    now = offsets_of(row.positions)
    if now == wanted:
        return "there"
    began = job.warehouse.first_read(job.target, row.pipeline)
    for part, offset in wanted.items():
        at = now.get(part, 0)
        if at < offset or (at > offset and began.get(part, at) > offset):
            raise PositionConflictError(
                f"the job has a position of its own, {at}, and did not begin at {offset}", partition=part, offset=at,
                remedy="kafka-bq seek --to moves it on purpose; or leave it out of the migration", **context,
            )  # fmt: skip
    return "read on"


def _document(
    job: Job, seen: Seen, held: Mapping[int, Committed], positions: Offsets, rests: Mapping[int, str], state: State
) -> dict[str, Any]:
    partitions = {str(part): _line(part, seen, held, at.next_offset, rests[part]) for part, at in positions.items()}
    return {
        "topic": job.config.topic,
        "table": str(job.target.table),
        "group_id": job.config.group(job.target.table),
        "pipeline": pipeline_of(seen.topic),
        "state": state,
        "partitions": partitions,
        "re_read": sum(one["re_read"] for one in partitions.values()),
        "skipped": sum(one["skipped"] for one in partitions.values()),
        "unread": sum(one["unread"] for one in partitions.values()),
        "revision": seen.ledger.revision if seen.ledger else None,
        "committed": None,
        "unchecked": [],
    }


def _line(part: int, seen: Seen, held: Mapping[int, Committed], new: int, rests_on: str) -> dict[str, Any]:
    """Against the old group's position; where it has none, against the start of the log."""
    bounds = seen.bounds[part]
    old = held[part].position.next_offset if part in held else None
    return {
        "old": old,
        "new": new,
        "log_start": bounds.log_start,
        "end": bounds.last_stable,
        "re_read": max(0, old - max(new, bounds.log_start)) if old is not None else 0,
        "skipped": max(0, new - (old if old is not None else bounds.log_start)),
        "unread": max(0, bounds.last_stable - max(new, bounds.log_start)),
        "rests_on": rests_on,
        "confidence": CONFIDENCE[rests_on],
    }
