"""Peek: the timestamp of the next message of each partition, by reading it; no group is joined."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime

from airflow_kafka_bq.batch import Polled, Position
from airflow_kafka_bq.ports import Source

_PEEK_SECONDS = 5.0


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
        found |= {part: at for part, ms in firsts.items() if part in waiting and (at := moment(ms)) is not None}
        done = waiting & (set(firsts) | set(polled.ends) | set(polled.out_of_range))
        for part in done:
            source.finish(part)
        waiting -= done
    return found


def _firsts(polled: Polled) -> dict[int, int | None]:
    """Timestamp of the first message of each partition: one answer brings many messages."""
    rows = polled.messages.select(["partition", "timestamp_ms"]).to_pylist()
    return {row["partition"]: row["timestamp_ms"] for row in reversed(rows)}


def moment(ms: int | None) -> datetime | None:
    """None also for what no calendar holds: a producer may write any number."""
    try:
        return None if ms is None else datetime.fromtimestamp(ms / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        return None
