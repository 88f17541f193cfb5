"""Weaknesses: settings that are allowed, and weaken what is promised."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from airflow_kafka_bq.config import JobConfig

Weakness = tuple[str, str, str]
"""What, why, remedy."""

_SHORT_STALL_SECONDS = 10.0
_SHORT_STAGING_HOURS = 24.0
_SHORT_REQUEST_MS = 10_000


def of_job(config: JobConfig) -> Iterator[Weakness]:
    """Of a job's parameters."""
    return ((what, why, remedy) for holds, what, why, remedy in _of_job(config) if holds)


def _of_job(config: JobConfig) -> Iterator[tuple[bool, str, str, str]]:
    yield (
        config.isolation_level == "read_uncommitted", "isolation_level is read_uncommitted",
        "messages of transactions that were aborted become rows", "leave isolation_level out",
    )  # fmt: skip
    yield (
        config.fence == "none", "fence is none",
        "two writers at once, or a worker that wakes late, can write twice or move the position over messages",
        "use fence: ledger",
    )  # fmt: skip
    yield (
        config.on_gap == "record", "on_gap is record",
        "messages that retention took are noted, and the task stays green", "leave on_gap out, and set it for one run",
    )  # fmt: skip
    yield (
        config.max_bytes_billed is None, "max_bytes_billed has no limit",
        "a MERGE that no longer prunes is noticed on the bill", "set a limit",
    )  # fmt: skip
    yield (
        config.max_bad_ratio is None and config.max_bad_messages is None, "bad messages have no limit",
        "a broken producer fills the dead-letter table, and the task stays green", "leave max_bad_ratio out",
    )  # fmt: skip
    yield (
        config.stall_timeout_seconds < _SHORT_STALL_SECONDS,
        f"stall_timeout_seconds is {config.stall_timeout_seconds:g}",
        "a leader election takes longer than that", "leave it out: 30",
    )  # fmt: skip
    yield (
        config.staging_expiration_hours < _SHORT_STAGING_HOURS,
        f"staging_expiration_hours is {config.staging_expiration_hours:g}",
        "a batch that waits for a retry longer than that is staged again", "leave it out: 72",
    )  # fmt: skip


def of_client(settings: Mapping[str, Any], config: JobConfig) -> Iterator[Weakness]:
    """Of the Kafka client's settings. What contradicts the promise outright is refused before it comes here."""
    request_ms = _whole(settings.get("socket.timeout.ms"))
    if request_ms is not None and request_ms < _SHORT_REQUEST_MS:
        yield (
            f"socket.timeout.ms is {request_ms}", "a broker that is busy for longer is taken for gone, again and again",
            "leave it out: 30000",
        )  # fmt: skip
    fetch_ms = _whole(settings.get("fetch.wait.max.ms"))
    if fetch_ms is not None and fetch_ms >= config.stall_timeout_seconds * 1000:
        yield (
            f"fetch.wait.max.ms is {fetch_ms}, and stall_timeout_seconds {config.stall_timeout_seconds:g}",
            "a fetch that waits that long looks like one that stands still", "leave fetch.wait.max.ms out: 100",
        )  # fmt: skip
    if str(settings.get("check.crcs", "true")).lower() in {"false", "0", "f"}:
        yield (
            "check.crcs is false", "a message that was damaged on its way becomes a row", "leave it out",
        )  # fmt: skip
    if (named := settings.get("group.id")) not in (None, config.group_id):
        yield (
            f"group.id {named!r} of the Kafka settings is not used", "who reads it looks at the wrong group",
            "leave it out, or name the group with group_id",
        )  # fmt: skip


def _whole(value: Any) -> int | None:
    """None: not set, or no number, which the client itself refuses."""
    try:
        return None if value is None else int(str(value))
    except ValueError:
        return None
