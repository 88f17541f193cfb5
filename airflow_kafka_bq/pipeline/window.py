"""Windows: times or offsets to ranges, clipped to what the topic holds now."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime

from airflow_kafka_bq.batch import Bounds, Gap, RunPlan
from airflow_kafka_bq.config import JobConfig, Window
from airflow_kafka_bq.exceptions import ConfigError, NotFoundError
from airflow_kafka_bq.pipeline.seen import check_same_partitions
from airflow_kafka_bq.ports import Source

log = logging.getLogger(__name__)


def window_ranges(
    config: JobConfig, source: Source, bounds: Mapping[int, Bounds]
) -> tuple[dict[int, tuple[int, int]], tuple[Gap, ...]]:
    """Half-open range per partition, and what is gone of it.

    Times map per partition to the first offset whose timestamp is >= the time; the end is clipped to the snapshot. A
    ``from`` that maps to the oldest record of a log which no longer starts at 0 may have lost older records of the
    window: that counts as a gap, because nothing can prove the contrary.
    """
    assert config.window is not None  # noqa: S101  # callers have one
    starts = _offsets(config, config.window.start, source, bounds)
    ends = _offsets(config, config.window.end, source, bounds)
    chosen = sorted(set(starts) & set(config.partitions or starts))
    if missing := sorted(set(config.partitions or chosen) - set(bounds)):
        raise no_partitions(config.topic, missing, len(bounds))
    ranges, gaps = {}, []
    for part in chosen:
        log = bounds[part]
        begin, end = starts[part], min(ends[part], log.last_stable)
        if config.window.by_offsets:
            lost, first = begin < min(log.log_start, ends[part]), begin
        else:
            lost, first = 0 < log.log_start >= begin, 0
        if lost:
            gaps.append(Gap(part, first, min(log.log_start, ends[part])))
        begin = max(begin, log.log_start)
        ranges[part] = (begin, max(begin, end))
    return ranges, tuple(gaps)


def check_window(config: JobConfig, plan: RunPlan, now: datetime) -> None:
    """Refuse a window in which nothing can be: one that begins behind all ends, or in a time to come.

    Clocks of producers may be ahead of ours: a time to come is refused only if no partition has a message from then.
    A window that begins behind the end of some partitions only, or is empty, is a warning.

    :raises ConfigError: names the window's begin, and what there is.
    """
    wanted = config.window
    if wanted is None or not plan.partitions:
        return
    if wanted.start == wanted.end:
        log.warning("window: 'from' and 'to' are the same (%s): it is half-open, and nothing is in it", _said(wanted))
    if isinstance(wanted.start, datetime):
        if wanted.start > now and not plan.lag:
            message = f"window: 'from' ({wanted.start.isoformat()}) lies in the future; it is {now.isoformat()}"
            raise ConfigError(message, topic=config.topic, remedy="begin at a time that has passed; times are UTC")
        return
    beyond = {
        part: f"partition {part} ends at {one.bounds.high_watermark}, and 'from' is {one.start_offset}"
        for part, one in sorted(plan.partitions.items())
        if one.start_offset > one.bounds.high_watermark
    }
    if len(beyond) == len(plan.partitions):
        part = min(beyond)
        raise ConfigError(
            f"window: nothing is there: {'; '.join(beyond.values())}", topic=config.topic, partition=part,
            offset=plan.partitions[part].start_offset, remedy="begin at an offset before the end",
        )  # fmt: skip
    for told in beyond.values():
        log.warning("window: %s: nothing of it is read", told)


def no_partitions(topic: str, missing: Sequence[int], count: int) -> NotFoundError:
    """What is said of partitions that a topic does not have."""
    message = f"topic {topic} has no partitions {list(missing)}; it has {count}"
    return NotFoundError(message, topic=topic, partition=missing[0], remedy=f"name partitions from 0 to {count - 1}")


def _said(window: Window) -> str:
    start = window.start
    return start.isoformat() if isinstance(start, datetime) else ", ".join(f"{p}: {at}" for p, at in start.items())


def _offsets(
    config: JobConfig, end: datetime | dict[int, int], source: Source, bounds: Mapping[int, Bounds]
) -> Mapping[int, int]:
    if isinstance(end, dict):
        return end
    # A partition that was added since the bounds were read is left to the next run.
    found = {part: offset for part, offset in source.offsets_at(end).items() if part in bounds}
    check_same_partitions(config, bounds, found)
    return found
