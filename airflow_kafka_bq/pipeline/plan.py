"""Plan: where each partition starts and ends, checked against everything that could make a run lose or repeat rows.

Reads only. The order matters: committed offsets first, then the ledger, because another writer moves the ledger before
it commits; read the other way round, its commit would look like somebody's reset.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from airflow_kafka_bq.batch import (
    Gap,
    GroupFacts,
    GroupMember,
    Kind,
    PartitionPlan,
    Position,
    RunPlan,
    TopicFacts,
)
from airflow_kafka_bq.config import JobConfig
from airflow_kafka_bq.exceptions import (
    GroupInUseError,
    OffsetGapError,
    TargetChangedError,
    TopicChangedError,
)
from airflow_kafka_bq.pipeline.positions import owner_of
from airflow_kafka_bq.pipeline.same_topic import ANOTHER_TOPIC
from airflow_kafka_bq.pipeline.seen import Seen, check_same_partitions
from airflow_kafka_bq.pipeline.starts import ahead, starts_of
from airflow_kafka_bq.pipeline.window import no_partitions, window_ranges
from airflow_kafka_bq.ports import Source, Warehouse
from airflow_kafka_bq.schema.target import Target

log = logging.getLogger(__name__)

_LOOKS = 5


def pipeline_of(facts: TopicFacts) -> str:
    """Identity of a pipeline: cluster and topic."""
    return f"{facts.cluster_id or '-'}/{facts.topic}"


def look(config: JobConfig, source: Source, warehouse: Warehouse, target: Target) -> Seen:
    """Read Kafka and BigQuery in the order of the protocol; again where the two contradict each other."""
    seen = _seen(config, source, warehouse, target)
    for _ in range(_LOOKS - 1):
        if not _contradictory(seen):
            break
        # Another writer may have moved between two reads, and again while they were repeated. Only what is seen twice
        # alike is a conflict, a loss, another topic, or a table that others filled.
        before, seen = seen, _seen(config, source, warehouse, target)
        if (before.topic, before.committed, before.ledger) == (seen.topic, seen.committed, seen.ledger):
            break
    return seen


def _seen(config: JobConfig, source: Source, warehouse: Warehouse, target: Target) -> Seen:
    facts = source.describe()
    committed = source.committed()
    ledger = warehouse.ledger(target, pipeline_of(facts)) if config.fence == "ledger" else None
    group = GroupFacts() if config.window else source.group()
    # Bounds last: read before the ledger, they could end in front of a position that another writer has just reached.
    return Seen(facts, committed, ledger, group, source.bounds(), warehouse.table(target.table))


def _contradictory(seen: Seen) -> bool:
    """What others can make of reads that lie apart: a group ahead of the ledger, a log that starts behind its position,
    a partition that was added between them, rows without a ledger that knows of them, partitions that are gone because
    the topic was created again with fewer.
    """
    if set(seen.topic.partitions) - set(seen.bounds):
        return True
    row = seen.ledger
    if row is None or not row.positions:
        return seen.table is not None and seen.table.num_rows > 0
    bounds = seen.bounds
    taken = any(part in bounds and at.next_offset < bounds[part].log_start for part, at in row.positions.items())
    grown = not set(row.positions) <= set(seen.topic.partitions)
    return taken or grown or bool(ahead(seen.committed, row))


def plan(config: JobConfig, source: Source, target: Target, seen: Seen) -> RunPlan:
    """Ranges of a run.

    :raises GroupInUseError: the group has members, other topics or another target.
    :raises TopicChangedError: another topic id, or a position beyond the high watermark.
    :raises TargetChangedError: the table was dropped or re-created since the ledger was written.
    :raises PositionConflictError: the group was moved forward by hand, or no start is allowed.
    :raises OffsetGapError: messages are gone and ``on_gap="fail"``.
    """
    group_id = config.group(target.table)
    check_partitions(config, seen.topic)
    check_same_partitions(config, seen.topic.partitions, seen.bounds)
    check_group(config, target, seen, group_id)
    check_identity(config, target, seen)
    starts = starts_of(config, source, seen, group_id)
    if config.window:
        return _window_plan(config, source, seen, starts, group_id)
    gaps = _gaps(config, seen, starts, group_id)
    partitions = {}
    for part, at in starts.items():
        bounds, begin = seen.bounds[part], max(at.next_offset, seen.bounds[part].log_start)
        if begin > bounds.high_watermark:
            message = (
                f"position {begin} lies beyond the end {bounds.high_watermark}: the topic was truncated or re-created"
            )
            raise TopicChangedError(
                message, topic=config.topic, partition=part, offset=begin, group_id=group_id,
                remedy=ANOTHER_TOPIC,
            )  # fmt: skip
        end = max(begin, bounds.last_stable)  # between last stable offset and high watermark: nothing to read yet
        held = seen.committed.get(part)
        epoch = at.leader_epoch if begin == at.next_offset else None
        partitions[part] = PartitionPlan(part, begin, end, epoch, bounds, held.position.next_offset if held else None)
    return _run_plan(config, seen, Kind.LIVE, partitions, starts, gaps)


def redrive_plan(config: JobConfig, source: Source, warehouse: Warehouse, target: Target) -> tuple[Seen, RunPlan]:
    """Of a redrive, which reads nothing from Kafka: its topic and its table must still be those of the ledger.

    :raises TopicChangedError: the topic was re-created. :raises TargetChangedError: the table was.
    """
    ledger = warehouse.ledger(target, pipeline_of(source.describe()))
    # The topic once more: partitions that were added before the ledger was read would look like those of another topic.
    seen = Seen(source.describe(), {}, ledger, GroupFacts(), {}, warehouse.table(target.table))
    check_identity(config, target, seen)
    return seen, _run_plan(config, seen, Kind.REDRIVE, {}, {}, ())


def _run_plan(
    config: JobConfig,
    seen: Seen,
    kind: Kind,
    partitions: Mapping[int, PartitionPlan],
    starts: Mapping[int, Position],
    gaps: tuple[Gap, ...],
) -> RunPlan:
    revision = None if config.fence == "none" else (seen.ledger.revision if seen.ledger else 0)
    unchecked = tuple(dict.fromkeys((*seen.topic.unchecked, *seen.group.unchecked)))
    pipeline = pipeline_of(seen.topic)
    return RunPlan(seen.topic, pipeline, kind, partitions, revision, starts, gaps, unchecked)


def _window_plan(
    config: JobConfig, source: Source, seen: Seen, starts: Mapping[int, Position], group_id: str
) -> RunPlan:
    ranges, gaps = window_ranges(config, source, seen.bounds)
    if gaps and config.on_gap == "fail":
        raise _gap_error(config, gaps[0], group_id)
    partitions = {
        part: PartitionPlan(part, begin, end, None, seen.bounds[part], None) for part, (begin, end) in ranges.items()
    }
    return _run_plan(config, seen, Kind.WINDOW, partitions, starts, gaps)


def check_group(config: JobConfig, target: Target, seen: Seen, group_id: str) -> None:
    """Nobody else uses it. :raises GroupInUseError: it has members, other topics, or another target's offsets."""
    if config.window:
        return  # an isolated run neither joins nor commits
    # As a member among members: whoever reads this topic alone may be in it.
    strange = [one for one in seen.group.members if not config.joins or set(one.topics) - {config.topic}]
    members = ", ".join(f"{one.client_id} at {one.host}{_reading(one, config)}" for one in strange)
    others = ", ".join(seen.group.other_topics)
    owners = {owner for held in seen.committed.values() if (owner := owner_of(held.metadata)) is not None}
    strangers = sorted(owners - {str(target.table)})
    trouble = (
        (members and f"the group has live members: {members}")
        or (others and f"the group has positions for other topics: {others}")
        or (strangers and f"the group belongs to the task that fills {strangers[0]}")
    )
    if trouble:
        raise GroupInUseError(
            trouble, topic=config.topic, group_id=group_id,
            remedy="give this job a group_id of its own; kafka-bq migrate-group takes positions along",
        )  # fmt: skip


def _reading(member: GroupMember, config: JobConfig) -> str:
    others = ", ".join(topic for topic in member.topics if topic != config.topic)
    return f", which reads {others}" if others and config.joins else ""


def check_identity(config: JobConfig, target: Target, seen: Seen) -> None:
    """Topic and table are those of the ledger.

    :raises TopicChangedError: the topic was created again. :raises TargetChangedError: the table was, or it is gone.
    """
    row = seen.ledger
    if row is None:
        return
    if not row.is_of(seen.topic):
        message = f"topic {config.topic} was re-created: its id is {seen.topic.topic_id}, the ledger has {row.topic_id}"
        raise TopicChangedError(message, topic=config.topic, remedy=ANOTHER_TOPIC)
    if gone := sorted(set(row.positions) - set(seen.topic.partitions)):  # the sign where the cluster tells no topic id
        message = f"the ledger has positions for partitions {gone}, and {config.topic} has {len(seen.topic.partitions)}"
        raise TopicChangedError(
            f"{message}: it was re-created", topic=config.topic, partition=gone[0],
            remedy=ANOTHER_TOPIC,
        )  # fmt: skip
    created = seen.table.created_at if seen.table else None
    if row.target_created_at is not None and created != row.target_created_at:
        what = "was dropped" if created is None else f"was re-created at {created}"
        message = f"table {target.table} {what} since the ledger was written ({row.target_created_at})"
        raise TargetChangedError(
            message, topic=config.topic,
            remedy="kafka-bq seek --accept-target, with --to earliest to fill the new table from the start; "
            "without --to if it was restored as it was",
        )  # fmt: skip


def _gaps(config: JobConfig, seen: Seen, starts: Mapping[int, Position], group_id: str) -> tuple[Gap, ...]:
    gaps = tuple(
        Gap(part, at.next_offset, seen.bounds[part].log_start)
        for part, at in sorted(starts.items())
        if at.next_offset < seen.bounds[part].log_start
    )
    if gaps and config.on_gap == "fail":
        raise _gap_error(config, gaps[0], group_id)
    for gap in gaps:
        log.error(
            "messages %s-%s of %s[%s] are gone", gap.start_offset, gap.end_offset - 1, config.topic, gap.partition
        )
    return gaps


def _gap_error(config: JobConfig, gap: Gap, group_id: str) -> OffsetGapError:
    message = (
        f"Kafka no longer has offsets {gap.start_offset} to {gap.end_offset - 1} of partition {gap.partition}: "
        f"{gap.end_offset - gap.start_offset} messages at most are lost"
    )
    return OffsetGapError(
        message, topic=config.topic, partition=gap.partition, offset=gap.start_offset, group_id=group_id,
        remedy="restore the data, or set on_gap='record' to note the loss and go on",
    )  # fmt: skip


def check_partitions(config: JobConfig, facts: TopicFacts) -> None:
    """Partitions that the job names must exist. :raises NotFoundError: one does not."""
    wanted = set(config.partitions or ()) | set(config.start_offsets() or {})
    if missing := sorted(wanted - set(facts.partitions)):
        raise no_partitions(config.topic, missing, len(facts.partitions))
