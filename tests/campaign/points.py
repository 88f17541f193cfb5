"""Rows K1 to K12: where exactly a run is struck. K13 strikes at two of these."""

from __future__ import annotations

import random
from dataclasses import dataclass

from tests.end_to_end.child import Blow

ACTIONS = ("kill", "term", "freeze")


@dataclass(frozen=True)
class Point:
    """An effect of a run.

    :param at_most: which occurrence can be struck: any ``batch`` but perhaps the last, or only the ``first``.
    :param held: the job that BigQuery is still working on then: ``load`` or ``merge``.
    :param fails: whether that job ends with an error after all.
    :param longest_delay: up to so many seconds after the effect, drawn.
    """

    effect: str
    phase: str = "before"
    at_most: str = "batch"
    held: str | None = None
    fails: bool = False
    longest_delay: float = 0.0

    def blow(self, draw: random.Random, action: str, batches: int) -> Blow:
        """A blow at one occurrence."""
        nth = draw.randint(1, max(1, batches - 1)) if self.at_most == "batch" else 1
        return Blow(self.effect, self.phase, nth, action, draw.uniform(0, self.longest_delay))


POINTS: dict[str, tuple[Point, ...]] = {
    "K1": (Point("source.describe", "after", "first"), Point("source.committed", "before", "first")),
    "K2": (Point("source.read", "after"), Point("source.poll", "during", longest_delay=0.05)),
    "K3": (Point("warehouse.load"),),
    "K4": (Point("client.load", "after", held="load"),),
    "K5": (Point("warehouse.load", "after"), Point("warehouse.merge")),
    "K6": (Point("client.merge", "after", held="merge"),),
    "K7": (Point("client.merge", "after", held="merge", fails=True),),
    "K8": (Point("warehouse.merge", "after"), Point("source.commit")),
    "K9": (Point("admin.commit", "after", longest_delay=0.005),),
    "K10": (Point("source.commit", "after"), Point("warehouse.drop")),
    "K11": (Point("warehouse.drop", "after"),),
    "K12": (
        Point("source.close", "before", "first"),
        Point("source.close", "during", "first", longest_delay=0.01),
        Point("source.close", "after", "first"),
        Point("warehouse.close", "before", "first"),
    ),
}
ROWS = (*POINTS, "K13")
