"""Lag: how far a job is behind, by admin calls and one message per partition, never joining a group."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow_kafka_bq.batch import Polled, Position
from airflow_kafka_bq.operations.placing import Standing
from airflow_kafka_bq.pipeline.job import Job
from airflow_kafka_bq.pipeline.plan import look, pipeline_of
from airflow_kafka_bq.pipeline.seen import Seen
from airflow_kafka_bq.ports import Source

_PEEK_SECONDS = 5.0


def lag_of(job: Job) -> dict[str, Any]:
    """Position, end, lag, oldest unread message and time until retention takes it, per partition.

    Lag is end minus position; on a compacted or transactional topic fewer messages may be left.
    """
    seen = look(job.config, job.source, job.warehouse, job.target)
    positions = positions_of(seen)
    oldest = oldest_unread(job.source, _unread(seen, positions))
    retention = job.source.retention_ms()
    partitions = {
        str(part): _line(part, seen, positions.get(part), oldest.get(part), retention) for part in seen.topic.partitions
    }
    return {
        "topic": job.config.topic,
        "table": str(job.target.table),
        "group_id": job.config.group(job.target.table),
        "pipeline": pipeline_of(seen.topic),
        "revision": seen.ledger.revision if seen.ledger else None,
        "lag": sum(line["lag"] for line in partitions.values()),
        "partitions": partitions,
        "unchecked": list(seen.topic.unchecked),
    }


def positions_of(seen: Seen) -> dict[int, Position]:
    """Where the next run would start, as far as ledger or group tell."""
    known = dict(Standing.of(seen).positions)
    if seen.ledger and seen.ledger.positions:
        known = {part: known.get(part, Position(0)) for part in seen.topic.partitions}
    return {part: at for part, at in known.items() if part in seen.bounds}


def _unread(seen: Seen, positions: Mapping[int, Position]) -> dict[int, Position]:
    """Where the oldest message lies that is there and not read; without a position, at the start of the log."""
    found = {}
    for part, bounds in seen.bounds.items():
        at = positions.get(part)
        if at is None or at.next_offset < bounds.log_start:
            at = Position(bounds.log_start)
        if at.next_offset < bounds.last_stable:
            found[part] = at
    return found


def oldest_unread(source: Source, positions: Mapping[int, Position]) -> dict[int, datetime]:
    """Timestamp of the first message at each position; partitions that do not answer in time are left out."""
    if not positions:
        return {}
    found: dict[int, datetime] = {}
    waiting = set(positions)
    source.open(positions)
    end = time.monotonic() + _PEEK_SECONDS
    while waiting and time.monotonic() < end:
        polled = source.poll(1_000, 0.2)
        firsts = _firsts(polled)
        found |= {part: at for part, ms in firsts.items() if part in waiting and (at := _time(ms)) is not None}
        done = waiting & (set(firsts) | set(polled.ends) | set(polled.out_of_range))
        for part in done:
            source.finish(part)
        waiting -= done
    return found


def _firsts(polled: Polled) -> dict[int, int | None]:
    """Timestamp of the first message of each partition: one answer brings many messages."""
    rows = polled.messages.select(["partition", "timestamp_ms"]).to_pylist()
    return {row["partition"]: row["timestamp_ms"] for row in reversed(rows)}


def _time(ms: int | None) -> datetime | None:
    """None also for what no calendar holds: a producer may write any number."""
    try:
        return None if ms is None else datetime.fromtimestamp(ms / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def _line(
    part: int, seen: Seen, at: Position | None, oldest: datetime | None, retention_ms: int | None
) -> dict[str, Any]:
    bounds = seen.bounds[part]
    start = at.next_offset if at else bounds.log_start
    held = seen.committed.get(part)
    left = None
    if oldest is not None and retention_ms is not None and retention_ms >= 0:
        left = round((oldest + timedelta(milliseconds=retention_ms) - datetime.now(UTC)).total_seconds())
    return {
        "position": at.next_offset if at else None,
        "committed": held.position.next_offset if held else None,
        "log_start": bounds.log_start,
        "end": bounds.last_stable,
        "high_watermark": bounds.high_watermark,
        "lag": max(0, bounds.last_stable - max(start, bounds.log_start)),
        "oldest_unread": oldest.isoformat(timespec="milliseconds") if oldest else None,
        "retention_takes_it_in_seconds": left,
    }
