"""Starts: where reading of each partition goes on, or begins."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime

from airflow_kafka_bq.batch import Committed, LedgerRow, Position
from airflow_kafka_bq.config import JobConfig
from airflow_kafka_bq.exceptions import ConfigError, PositionConflictError
from airflow_kafka_bq.pipeline.positions import revision_of
from airflow_kafka_bq.pipeline.seen import Seen, check_same_partitions
from airflow_kafka_bq.ports import Source

log = logging.getLogger(__name__)


def is_stale(held: Committed, ledger: LedgerRow | None) -> bool:
    """Whether a commit of ours is older than the ledger's row: it arrived late, or a run was overlooked, while somebody
    moved the ledger back on purpose. It says nothing about where to read, and is no reset of the group.
    """
    revision = revision_of(held.metadata)
    return ledger is not None and revision is not None and revision < ledger.revision


def ahead(committed: Mapping[int, Committed], ledger: LedgerRow) -> list[int]:
    """Partitions whose committed offset lies ahead of the ledger."""
    return [
        part
        for part, held in sorted(committed.items())
        if part in ledger.positions
        and held.position.next_offset > ledger.positions[part].next_offset
        and not is_stale(held, ledger)
    ]


def starts_of(config: JobConfig, source: Source, seen: Seen, group_id: str) -> dict[int, Position]:
    """Start of every partition: ledger, else committed, else ``start``."""
    held = dict(seen.ledger.positions) if seen.ledger else {}
    if seen.ledger and not config.window and (moved := ahead(seen.committed, seen.ledger)):
        part = moved[0]
        if config.joins:  # members commit what they were handed: that says nothing about the table
            log.warning("the group is ahead of the ledger in partitions %s; the ledger decides", moved)
        else:
            raise _moved_forward(config, seen, part, group_id)
    if held and not config.window:
        _log_repairs(seen, held)
    known = bool(held or (config.fence == "none" and seen.committed))
    found: dict[int, Position] = {}
    unknown = []
    for part in seen.topic.partitions:
        if part in held:
            found[part] = held[part]
        elif part in seen.committed and not held and not is_stale(seen.committed[part], seen.ledger):
            found[part] = seen.committed[part].position
        elif known:
            found[part] = Position(0)  # a partition added since: from its beginning, whatever ``start`` says
        else:
            unknown.append(part)
    if unknown and not config.window:
        found |= _policy(config, source, seen, unknown, group_id)
    return found


def _moved_forward(config: JobConfig, seen: Seen, part: int, group_id: str) -> PositionConflictError:
    at = seen.committed[part].position.next_offset
    ledger = seen.ledger.positions[part].next_offset if seen.ledger else None
    message = f"the group's committed offset {at} is ahead of the ledger's {ledger}: somebody moved the group forward"
    return PositionConflictError(
        message, topic=config.topic, partition=part, offset=at, group_id=group_id,
        remedy="kafka-bq seek moves ledger and group together; or set the group back",
    )  # fmt: skip


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
        check_same_partitions(config, parts, offsets)
        return {part: Position(offsets[part]) for part in parts}
    if start == "auto" and config.by_coordinates and seen.table is not None and seen.table.num_rows > 0:
        message = (
            f"no position is known for partitions {parts}, and table {config.table} already has rows: "
            "reading from the start could double them"
        )
        remedy = "kafka-bq migrate-group --adopt takes positions over; or state start="
        if seen.ledger is not None:  # a window came before the first live run: its rows have coordinates
            remedy = f"if windows of this job are all that filled it, start=earliest doubles nothing; else {remedy}"
        raise PositionConflictError(message, topic=config.topic, group_id=group_id, remedy=remedy)
    if start == "fail":
        raise PositionConflictError(
            f"no position is known for partitions {parts}, and start='fail'", topic=config.topic, group_id=group_id,
            remedy="kafka-bq migrate-group or seek set positions; or state another start=",
        )  # fmt: skip
    latest = start == "latest"
    return {part: Position(seen.bounds[part].last_stable if latest else seen.bounds[part].log_start) for part in parts}
