"""Ranges of literals: joined where they meet, and never more than a statement should hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow_kafka_bq.batch import ColumnBounds

MAX_RANGES = 100
MAX_VALUES = 20
Range = tuple[Any, Any]
"""From and to; None, of either, is an end that is open."""


def few_ranges(ranges: Sequence[Range]) -> tuple[Range, ...]:
    """Neighbours joined, then the nearest, until few enough are left. ``ranges`` are sorted by where they begin."""
    joined: list[Range] = []
    for low, high in ranges:
        if joined and (joined[-1][1] is None or joined[-1][1] >= low):
            low, before = joined.pop()
            high = None if before is None or high is None else max(before, high)
        joined.append((low, high))
    while len(joined) > MAX_RANGES:
        gaps = [joined[at + 1][0] - joined[at][1] for at in range(len(joined) - 1)]
        at = gaps.index(min(gaps))
        joined[at : at + 2] = [(joined[at][0], joined[at + 1][1])]
    return tuple(joined)


def joined_bounds(parts: Sequence[Sequence[ColumnBounds]]) -> tuple[ColumnBounds, ...]:
    """What holds for several batches at once. A column that one of them does not bound is not bounded at all."""
    first, *others = [{one.column: one for one in part} for part in parts] or [{}]
    common = [column for column in first if all(column in other for other in others)]
    return tuple(_joined([first[column], *(other[column] for other in others)]) for column in common)


def _begin(one: Range) -> Any:
    """What has no begin comes first."""
    low = one[0]
    return low is not None, 0 if low is None else low


def _joined(found: list[ColumnBounds]) -> ColumnBounds:
    has_null = any(one.has_null for one in found)
    values = tuple(sorted({value for one in found for value in one.values}))
    ranges = sorted((one for bounds in found for one in bounds.ranges), key=_begin)
    if not ranges and len(values) <= MAX_VALUES:
        return ColumnBounds(found[0].column, (), values, has_null)
    lows = [*values, *(low for low, _ in ranges)]
    if not lows:  # NULLs alone, in all of them
        return ColumnBounds(found[0].column, (), has_null=has_null)
    if values or not hasattr(lows[0], "year"):  # days are few; other values lie everywhere between the first and last
        highs = [*values, *(high for _, high in ranges)]
        ranges = [(None if None in lows else min(lows), None if None in highs else max(highs))]
    return ColumnBounds(found[0].column, few_ranges(ranges), has_null=has_null)
