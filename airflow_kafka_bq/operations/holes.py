"""Offsets that a position moved over and no batch read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import product

from airflow_kafka_bq.batch import OffsetRange


def holes(
    covered: Iterable[OffsetRange], firsts: Mapping[int, int], positions: Mapping[int, int], lost: Iterable[OffsetRange]
) -> list[OffsetRange]:
    """Offsets between where a job began with a partition and its position that no batch read and no loss explains.

    :param covered: joined and in order. :param lost: ranges that Kafka no longer had; they explain a hole.
    """
    found = []
    known = sorted([*covered, *lost], key=lambda one: (one.partition, one.start_offset))
    for part, first in sorted(firsts.items()):
        reached = first
        for one in known:
            if one.partition != part or one.end_offset <= reached:
                continue
            if one.start_offset > reached and positions.get(part, reached) > reached:
                found.append(OffsetRange(part, reached, min(one.start_offset, positions[part])))
            reached = max(reached, one.end_offset)
        if positions.get(part, reached) > reached:
            found.append(OffsetRange(part, reached, positions[part]))
    return found


def shared(one: Iterable[OffsetRange], other: Iterable[OffsetRange]) -> list[OffsetRange]:
    """What lies in both."""
    both = (
        OffsetRange(a.partition, max(a.start_offset, b.start_offset), min(a.end_offset, b.end_offset))
        for a, b in product(one, list(other))
        if a.partition == b.partition
    )
    return [each for each in both if each.start_offset < each.end_offset]
