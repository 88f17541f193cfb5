"""Slices of a plan: partitions shared out by the messages that are outstanding in them."""

from __future__ import annotations

import heapq
from dataclasses import replace

from airflow_kafka_bq.batch import RunPlan


def slices(plan: RunPlan, most: int) -> list[RunPlan]:
    """At most ``most`` plans, each with partitions of its own; at least one, so that a commit is always refreshed.

    The partition with the most messages goes to the slice with the fewest, and so on (longest processing time first: no
    slice gets more than 4/3 of what the best sharing would give it, or than the largest partition has). Nothing is
    split within a partition: its order is its offsets'.
    """
    lags = {number: part.lag for number, part in plan.partitions.items()}
    waiting = sorted((number for number in lags if lags[number]), key=lambda number: (-lags[number], number))
    gaps = {one.partition for one in plan.gaps}
    shares: list[set[int]] = [set() for _ in range(max(1, min(most, len(waiting))))]
    load = [(0, at) for at in range(len(shares))]
    for number in waiting:
        size, at = heapq.heappop(load)
        shares[at].add(number)
        heapq.heappush(load, (size + lags[number], at))
    shares[0] |= set(plan.partitions) - set(waiting)  # nothing to read; a gap, and the report's lines
    return [_share(plan, share, share & gaps) for share in shares]


def _share(plan: RunPlan, numbers: set[int], gaps: set[int]) -> RunPlan:
    partitions = {number: part for number, part in plan.partitions.items() if number in numbers}
    return replace(plan, partitions=partitions, gaps=tuple(one for one in plan.gaps if one.partition in gaps))


def whole(shares: list[RunPlan]) -> RunPlan:
    """The plan that was shared out."""
    partitions = {number: part for one in shares for number, part in one.partitions.items()}
    gaps = tuple(gap for one in shares for gap in one.gaps)
    return replace(shares[0], partitions=dict(sorted(partitions.items())), gaps=gaps)
