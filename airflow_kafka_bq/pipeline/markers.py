"""Delete markers expire; a window or a redrive that reaches back behind them could bring back what was removed."""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow_kafka_bq.batch import Kind, RunPlan
from airflow_kafka_bq.config import JobConfig
from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.ports import Source


def check_reach(config: JobConfig, source: Source, plan: RunPlan, now: datetime) -> None:
    """Refuse a window with messages from before ``delete_expiration_days``. Live runs read on to the tombstone.

    A tombstone is applied after its row was produced, so its marker outlives every window that begins later than that.
    Offsets are as old as their messages say.

    :raises ConfigError: the window begins too early; with partition and offset where it is a window of offsets.
    """
    if config.tombstones != "delete" or plan.kind is not Kind.WINDOW or config.window is None:
        return
    oldest = now - timedelta(days=config.delete_expiration_days)
    if isinstance(config.window.start, datetime):
        if config.window.start < oldest:
            raise _too_early(config, oldest, f"begins at {config.window.start.isoformat()}")
        return
    firsts = source.offsets_at(oldest)
    for number, part in sorted(plan.partitions.items()):
        if part.start_offset < min(part.end_offset, firsts.get(number, 0)):
            begins = f"begins at offset {part.start_offset} of partition {number}"
            raise _too_early(config, oldest, begins, number, part.start_offset)


def oldest_safe(config: JobConfig, now: datetime) -> datetime | None:
    """Messages from before this time stay dead letters: what removed their rows is forgotten. None: all are safe."""
    return now - timedelta(days=config.delete_expiration_days) if config.tombstones == "delete" else None


def _too_early(
    config: JobConfig, oldest: datetime, begins: str, partition: int | None = None, offset: int | None = None
) -> ConfigError:
    return ConfigError(
        f"window {begins}, before {oldest.isoformat(timespec='seconds')}: on_tombstone='delete' has forgotten what was "
        f"removed before then, with delete_expiration_days={config.delete_expiration_days:g}, and might bring it back",
        topic=config.topic, partition=partition, offset=offset,
        remedy="begin the window later; a greater delete_expiration_days counts for what is deleted from then on",
    )  # fmt: skip
