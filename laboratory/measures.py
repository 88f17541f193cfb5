"""The figures of a set-up, from what happened while it ran."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf
from statistics import median
from typing import Any

Run = dict[str, Any]
Steps = Sequence[Sequence[float]]


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one set-up, within the seconds in which messages were written.

    :param each: rebalances that a consumer goes through, mean; that of its own join is one.
    :param without: share of the consumers' lives in which they had no partition.
    :param slowest: position of the slowest partition as a share of the median.
    :param standstill: longest time, in seconds, in which a partition did not move. Messages waited all the while.
    :param duplicates: messages that reached the writer once more. :param delivered: all that reached it.
    :param failed: commits that failed. :param commits: those that were tried.
    :param errors: why they failed.
    :param first: seconds from a consumer's start to its first message, median; who gets none waits longer than all
        others. None: so does most of them.
    :param latest_first: the longest of those that got one; None: nobody did.
    :param none: consumers that got no message. :param consumers: all that were started.
    :param rows: per minute, different ones. :param produced: messages per minute.
    """

    rebalances_per_minute: float
    each: float
    without: float
    slowest: float
    standstill: float
    duplicates: int
    delivered: int
    failed: int
    commits: int
    errors: tuple[str, ...]
    first: float | None
    latest_first: float | None
    none: int
    consumers: int
    rows: float
    produced: float


def figures(run: Run, seconds: float) -> Figures:
    """:param seconds: how long messages were written; what is later is not counted as progress."""
    lives = run["lives"]
    alive = sum(life["ended"] - life["began"] for life in lives)
    waits = [inf if life["first"] is None else life["first"] - life["began"] for life in lives]
    got = [wait for wait in waits if wait < inf]
    tried = [life for life in lives if life["committed"] is not None]
    positions = [position(steps, seconds) for steps in run["progress"].values()]
    middle = median(positions)
    per_minute = 60 / seconds
    return Figures(
        rebalances_per_minute=sum(at <= seconds for at, _ in run["rebalances"]) * per_minute,
        each=sum(members for _, members in run["rebalances"]) / len(lives),
        without=sum(life["without"] for life in lives) / alive,
        slowest=min(positions) / middle if middle else 0.0,
        standstill=max(standstill(steps, seconds) for steps in run["progress"].values()),
        duplicates=run["duplicates"],
        delivered=run["delivered"],
        failed=sum(not life["committed"] for life in tried),
        commits=len(tried),
        errors=tuple(sorted({life["error"] for life in tried if life["error"]})),
        first=middle_wait if (middle_wait := median(waits)) < inf else None,
        latest_first=max(got, default=None),
        none=len(lives) - len(got),
        consumers=len(lives),
        rows=sum(positions) * per_minute,
        produced=run["produced"] * per_minute,
    )


def position(steps: Steps, seconds: float) -> int:
    """Where a partition was at a time: below it everything is in the table."""
    return int(max((reached for at, reached in steps if at <= seconds), default=0))


def standstill(steps: Steps, seconds: float) -> float:
    """Longest time between two moves, the start and the end being moves too."""
    moments = [0.0, *(at for at, _ in steps if at <= seconds), seconds]
    return max(later - earlier for earlier, later in pairwise(moments))
