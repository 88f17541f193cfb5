"""Windows: times or offsets to ranges, clipped to what the topic holds now."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from airflow_kafka_bq.batch import Bounds, Gap
from airflow_kafka_bq.config import JobConfig
from airflow_kafka_bq.exceptions import NotFoundError
from airflow_kafka_bq.pipeline.seen import check_same_partitions
from airflow_kafka_bq.ports import Source


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
        message = f"topic {config.topic} has no partitions {missing}; it has {len(bounds)}"
        raise NotFoundError(message, topic=config.topic, partition=missing[0])
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


def _offsets(
    config: JobConfig, end: datetime | dict[int, int], source: Source, bounds: Mapping[int, Bounds]
) -> Mapping[int, int]:
    if isinstance(end, dict):
        return end
    # A partition that was added since the bounds were read is left to the next run.
    found = {part: offset for part, offset in source.offsets_at(end).items() if part in bounds}
    check_same_partitions(config, bounds, found)
    return found
