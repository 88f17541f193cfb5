"""Lag: how far a job is behind, by admin calls alone: no group is joined, nothing committed, no message read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from airflow_kafka_bq.batch import Bounds, Position
from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.operations.peek import moment
from airflow_kafka_bq.operations.placing import Standing
from airflow_kafka_bq.pipeline.job import Job
from airflow_kafka_bq.pipeline.plan import look, pipeline_of
from airflow_kafka_bq.pipeline.seen import Seen
from airflow_kafka_bq.ports import Source

RATE_SECONDS = 600.0
"""How far back messages are counted for the rate."""


@dataclass(frozen=True, slots=True)
class Most:
    """How far behind a job may be. An open transaction counts by its age too: what it holds back is no lag yet.

    :param lag: messages. :param age_seconds: of the oldest unread message.
    """

    lag: int | None = None
    age_seconds: float | None = None

    def findings(self, found: Mapping[str, Any]) -> list[str]:
        """One sentence for each limit that a document passes."""
        lines = []
        if self.lag is not None and found["lag"] > self.lag:
            lines.append(f"{found['lag']:,} messages are unread, allowed are {self.lag:,}")
        if self.age_seconds is None:
            return lines
        if (oldest := found["oldest_unread_seconds"]) > self.age_seconds:
            lines.append(f"the oldest unread message is {oldest:,.0f} s old, allowed are {self.age_seconds:,.0f}")
        for part, line in found["partitions"].items():
            if (held := line["open_transaction_seconds"] or 0.0) > self.age_seconds:
                lines.append(
                    f"partition {part}: an open transaction has held messages back for {held:,.0f} s, "
                    f"allowed are {self.age_seconds:,.0f}"
                )
        return lines


def lag_of(job: Job, most: Most | None = None) -> dict[str, Any]:
    """Position, end, lag, oldest unread message and time until retention takes it, per partition.

    Lag is end minus position; on a compacted or transactional topic fewer messages may be left.

    :param most: what passes it is among the findings.
    """
    seen = look(job.config, job.source, job.warehouse, job.target)
    positions, now = positions_of(seen), job.now()
    starts = unread_from(seen.bounds, positions)
    oldest = job.source.times_at(starts)
    stuck = job.source.times_at({part: at.last_stable for part, at in seen.bounds.items() if _is_open(at)})
    arrived, retention = arrivals(job.source, seen.bounds, now), job.source.retention_ms()
    partitions = {}
    for part in seen.topic.partitions:
        line = _line(part, seen, positions.get(part), moment(oldest.get(part)), retention, now)
        held = moment(stuck.get(part)) if _is_open(seen.bounds[part]) else None
        line["open_transaction_seconds"] = age(held, now)
        line["messages_per_second"] = arrived.get(part)
        partitions[str(part)] = line
    unchecked = list(seen.topic.unchecked)
    if starts and not oldest:
        unchecked.append("times")
    document = {
        "topic": job.config.topic,
        "table": str(job.target.table),
        "group_id": job.config.group(job.target.table),
        "pipeline": pipeline_of(seen.topic),
        "revision": seen.ledger.revision if seen.ledger else None,
        "lag": sum(line["lag"] for line in partitions.values()),
        "oldest_unread_seconds": max((one["oldest_unread_seconds"] or 0 for one in partitions.values()), default=0),
        "messages_per_second": round(sum(arrived.values()), 3) if arrived else None,
        "partitions": partitions,
        "unchecked": unchecked,
    }
    return {**document, "findings": (most or Most()).findings(document)}


def positions_of(seen: Seen) -> dict[int, Position]:
    """Where the next run would start, as far as ledger or group tell."""
    known = dict(Standing.of(seen).positions)
    if seen.ledger and seen.ledger.positions:
        known = {part: known.get(part, Position(0)) for part in seen.topic.partitions}
    return {part: at for part, at in known.items() if part in seen.bounds}


def unread_from(bounds: Mapping[int, Bounds], positions: Mapping[int, Position]) -> dict[int, int]:
    """Where the oldest message lies that is there and not read; without a position, at the start of the log."""
    found = {}
    for part, one in bounds.items():
        at = positions[part].next_offset if part in positions else one.log_start
        if max(at, one.log_start) < one.last_stable:
            found[part] = max(at, one.log_start)
    return found


def arrivals(source: Source, bounds: Mapping[int, Bounds], now: datetime) -> dict[int, float]:
    """Messages per second of the last ten minutes; empty where the cluster finds no offsets by time."""
    try:
        before = source.offsets_at(now - timedelta(seconds=RATE_SECONDS))
    except ConfigError:
        return {}
    return {
        part: round((one.last_stable - max(before[part], one.log_start)) / RATE_SECONDS, 3)
        for part, one in bounds.items()
        if part in before
    }


def age(at: datetime | None, now: datetime) -> float | None:
    """Seconds since; never less than 0, whatever a producer's clock says."""
    return None if at is None else round(max(0.0, (now - at).total_seconds()), 3)


def _is_open(bounds: Bounds) -> bool:
    """Something lies behind the last stable offset: an open transaction."""
    return bounds.high_watermark > bounds.last_stable


def _line(
    part: int, seen: Seen, at: Position | None, oldest: datetime | None, retention_ms: int | None, now: datetime
) -> dict[str, Any]:
    bounds = seen.bounds[part]
    start = at.next_offset if at else bounds.log_start
    held = seen.committed.get(part)
    left = None
    if oldest is not None and retention_ms is not None and retention_ms >= 0:
        left = round((oldest + timedelta(milliseconds=retention_ms) - now).total_seconds())
    return {
        "position": at.next_offset if at else None,
        "committed": held.position.next_offset if held else None,
        "log_start": bounds.log_start,
        "end": bounds.last_stable,
        "high_watermark": bounds.high_watermark,
        "lag": max(0, bounds.last_stable - max(start, bounds.log_start)),
        "oldest_unread": oldest.isoformat(timespec="milliseconds") if oldest else None,
        "oldest_unread_seconds": age(oldest, now),
        "retention_takes_it_in_seconds": left,
    }
