"""Messages that arrive over a day: a curve, and what has come by when."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

DAY = 86_400
# Weights of the 24 hours.
CURVES: dict[str, tuple[float, ...]] = {
    "flat": (1,) * 24,
    "shop": (3, 2, 1, 1, 1, 2, 4, 7, 10, 12, 13, 13, 14, 13, 12, 12, 13, 14, 16, 18, 17, 13, 8, 5),
    "burst": (1,) * 12 + (24,) + (1,) * 11,
}


@dataclass(frozen=True, slots=True)
class Arrivals:
    """The same each day. The day has equal parts, and messages arrive evenly within a part.

    :ivar messages: of a day. :ivar weights: of the parts.
    :raises ValueError: there is no message, or a weight is below zero, or all are.
    """

    messages: int
    weights: tuple[float, ...]

    def __post_init__(self) -> None:
        if self.messages < 1:
            raise ValueError(f"messages={self.messages}: a day has at least one")
        if not self.weights or min(self.weights) < 0 or not 0 < sum(self.weights) < math.inf:
            raise ValueError(f"weights={self.weights}: each is at least 0, and one is above")

    def by(self, seconds: float) -> int:
        """Messages that arrived from the first midnight on until then."""
        days, rest = divmod(seconds, DAY)
        part = DAY / len(self.weights)
        at = min(int(rest / part), len(self.weights) - 1)
        share = (sum(self.weights[:at]) + self.weights[at] * (rest - at * part) / part) / sum(self.weights)
        return int(days) * self.messages + math.floor(self.messages * share + 1e-6)

    def at(self, count: float) -> float:
        """When so many had arrived, in seconds: the time of arrival of message number ``count``, from 0 on."""
        days, rest = divmod(count, self.messages)
        sums = [total / sum(self.weights) * self.messages for total in accumulate(self.weights)]
        at = min(bisect_left(sums, rest), len(sums) - 1)
        while not self.weights[at]:
            at += 1
        before = sums[at - 1] if at else 0.0
        return days * DAY + (at + (rest - before) / (sums[at] - before)) * DAY / len(self.weights)

    def peak(self) -> float:
        """Messages per second in the busiest part."""
        return self.messages / DAY * max(self.weights) * len(self.weights) / sum(self.weights)


def curve(name: str, messages: int) -> Arrivals:
    """One of ``CURVES``, or weights such as ``1,1,4,2``.

    :raises ValueError: it is neither.
    """
    weights: Sequence[float] | None = CURVES.get(name)
    if weights is None:
        try:
            weights = [float(part) for part in name.split(",")]
        except ValueError:
            known = ", ".join(CURVES)
            message = f"{name!r} is no curve: {known}, or weights of equal parts of the day such as 1,1,4,2"
            raise ValueError(message) from None
    return Arrivals(messages, tuple(weights))
