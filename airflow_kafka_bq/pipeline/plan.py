"""Plan: where each partition starts and ends, checked against everything that could make a run lose or repeat rows.

Reads only. The order matters: committed offsets first, then the ledger, because another writer moves the ledger before
it commits; read the other way round, its commit would look like somebody's reset.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime

from airflow_kafka_bq.batch import (
    Committed,
    Gap,
    GroupFacts,
    Kind,
    LedgerRow,
    PartitionPlan,
    Position,
    RunPlan,
    TopicFacts,
)
from airflow_kafka_bq.config import JobConfig
from airflow_kafka_bq.exceptions import (
    ConfigError,
    GroupInUseError,
    NotFoundError,
    OffsetGapError,
    PositionConflictError,
    TargetChangedError,
    TopicChangedError,
)
from airflow_kafka_bq.pipeline.positions import owner_of
from airflow_kafka_bq.pipeline.seen import Seen
from airflow_kafka_bq.pipeline.window import window_ranges
from airflow_kafka_bq.ports import Source, Warehouse
from airflow_kafka_bq.schema.target import Target

log = logging.getLogger(__name__)


def pipeline_of(facts: TopicFacts) -> str:
    """Identity of a pipeline: cluster and topic."""
    return f"{facts.cluster_id or '-'}/{facts.topic}"


def look(config: JobConfig, source: Source, warehouse: Warehouse, target: Target) -> Seen:
    """Read Kafka and BigQuery in the order of the protocol; once more where the two contradict each other."""
    facts = source.describe()
    committed, ledger = _positions(config, source, warehouse, target, facts)
    if ledger and _ahead(committed, ledger):  # another writer may have moved between the two reads: look once more
        committed, ledger = _positions(config, source, warehouse, target, facts)
    group = GroupFacts() if config.window else source.group()
    return Seen(facts, committed, ledger, group, source.bounds(), warehouse.table(target.table))


def _positions(
    config: JobConfig, source: Source, warehouse: Warehouse, target: Target, facts: TopicFacts
) -> tuple[Mapping[int, Committed], LedgerRow | None]:
    committed = source.committed()
    ledger = warehouse.ledger(target, pipeline_of(facts)) if config.fence == "ledger" else None
    return committed, ledger


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
    _check_group(config, target, seen, group_id)
    _check_identity(config, target, seen)
    starts = _starts(config, source, seen, group_id)
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
                remedy="kafka-bq seek --accept-topic, once you know which messages are meant",
            )  # fmt: skip
        end = max(begin, bounds.last_stable)  # between last stable offset and high watermark: nothing to read yet
        held = seen.committed.get(part)
        epoch = at.leader_epoch if begin == at.next_offset else None
        partitions[part] = PartitionPlan(part, begin, end, epoch, bounds, held.position.next_offset if held else None)
    return _run_plan(config, seen, Kind.LIVE, partitions, starts, gaps)


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


def _ahead(committed: Mapping[int, Committed], ledger: LedgerRow) -> list[int]:
    """Partitions whose committed offset lies ahead of the ledger."""
    return [
        part
        for part, held in sorted(committed.items())
        if part in ledger.positions and held.position.next_offset > ledger.positions[part].next_offset
    ]


def _check_group(config: JobConfig, target: Target, seen: Seen, group_id: str) -> None:
    if config.window:
        return  # an isolated run neither joins nor commits
    members = ", ".join(f"{one.client_id} at {one.host}" for one in seen.group.members)
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


def _check_identity(config: JobConfig, target: Target, seen: Seen) -> None:
    row = seen.ledger
    if row is None:
        return
    known = row.topic_id is not None and seen.topic.topic_id is not None
    if known and row.topic_id != seen.topic.topic_id:
        message = f"topic {config.topic} was re-created: its id is {seen.topic.topic_id}, the ledger has {row.topic_id}"
        raise TopicChangedError(message, topic=config.topic, remedy="kafka-bq seek --accept-topic")
    created = seen.table.created_at if seen.table else None
    if row.target_created_at is not None and created != row.target_created_at:
        what = "was dropped" if created is None else f"was re-created at {created}"
        message = f"table {target.table} {what} since the ledger was written ({row.target_created_at})"
        raise TargetChangedError(
            message, topic=config.topic,
            remedy="kafka-bq seek --accept-target, with --to earliest to fill the new table from the start",
        )  # fmt: skip


def _starts(config: JobConfig, source: Source, seen: Seen, group_id: str) -> dict[int, Position]:
    """Start of every partition: ledger, else committed, else ``start``."""
    held = dict(seen.ledger.positions) if seen.ledger else {}
    if held and (ahead := _ahead(seen.committed, seen.ledger)) and not config.window:  # type: ignore[arg-type]
        part = ahead[0]
        message = (
            f"the group's committed offset {seen.committed[part].position.next_offset} is ahead of the ledger's "
            f"{held[part].next_offset}: somebody moved the group forward"
        )
        raise PositionConflictError(
            message, topic=config.topic, partition=part, offset=seen.committed[part].position.next_offset,
            group_id=group_id, remedy="kafka-bq seek moves ledger and group together; or set the group back",
        )  # fmt: skip
    if held and not config.window:
        _log_repairs(seen, held)
    known = bool(held or (config.fence == "none" and seen.committed))
    found: dict[int, Position] = {}
    unknown = []
    for part in seen.topic.partitions:
        if part in held:
            found[part] = held[part]
        elif part in seen.committed and not held:
            found[part] = seen.committed[part].position
        elif known:
            found[part] = Position(0)  # a partition added since: from its beginning, whatever ``start`` says
        else:
            unknown.append(part)
    if unknown and not config.window:
        found |= _policy(config, source, seen, unknown, group_id)
    return found


def _log_repairs(seen: Seen, held: Mapping[int, Position]) -> None:
    behind = [
        part for part in held if part not in seen.committed
        or seen.committed[part].position.next_offset < held[part].next_offset
    ]  # fmt: skip
    if behind:
        log.info(
            "committed offsets of partitions %s are behind the ledger; the ledger holds, Kafka is repaired", behind
        )


def _policy(config: JobConfig, source: Source, seen: Seen, parts: list[int], group_id: str) -> dict[int, Position]:
    """``start`` for partitions without any position."""
    start = config.start
    if isinstance(start, dict):
        if missing := sorted(set(parts) - set(start)):
            raise ConfigError(f"start names no offset for partitions {missing}", topic=config.topic)
        if beyond := [part for part in parts if start[part] > seen.bounds[part].high_watermark]:
            message = f"start: offset {start[beyond[0]]} lies beyond the end {seen.bounds[beyond[0]].high_watermark}"
            raise ConfigError(message, topic=config.topic, partition=beyond[0], offset=start[beyond[0]])
        return {part: Position(start[part]) for part in parts}
    if isinstance(start, datetime):
        offsets = source.offsets_at(start)
        return {part: Position(offsets[part]) for part in parts}
    if start == "auto" and config.by_coordinates and seen.table is not None and seen.table.num_rows > 0:
        message = (
            f"no position is known for partitions {parts}, and table {config.table} already has rows: "
            "reading from the start could double them"
        )
        raise PositionConflictError(
            message, topic=config.topic, group_id=group_id,
            remedy="kafka-bq migrate-group --adopt takes positions over; or state start=",
        )  # fmt: skip
    if start == "fail":
        raise PositionConflictError(
            f"no position is known for partitions {parts}, and start='fail'", topic=config.topic, group_id=group_id,
            remedy="kafka-bq migrate-group or seek set positions; or state another start=",
        )  # fmt: skip
    latest = start == "latest"
    return {part: Position(seen.bounds[part].last_stable if latest else seen.bounds[part].log_start) for part in parts}


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
        message = f"topic {config.topic} has no partitions {missing}; it has {len(facts.partitions)}"
        raise NotFoundError(message, topic=config.topic, partition=missing[0])
