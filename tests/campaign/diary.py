"""What happened in a round, with times, and its figures."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tests.campaign.oracle import Verdict


@dataclass
class Diary:
    """One round.

    :param name: of the scenario; with the seed it replays the round, as far as real processes can be replayed.
    """

    name: str
    seed: int
    runs: int = 0
    messages: int = 0
    signals: Counter[str] = field(default_factory=Counter)
    points: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    rows: int = 0
    dead_letters: int = 0
    told_lost: int = 0
    lost: int = 0
    duplicated: int = 0
    problems: list[str] = field(default_factory=list)
    events: list[tuple[float, str]] = field(default_factory=list)
    seconds: float = 0.0
    _began: float = field(default_factory=time.monotonic)

    def note(self, what: str) -> None:
        """Write an event down."""
        self.events.append((round(time.monotonic() - self._began, 3), what))

    def struck(self, action: str, point: str, more: str = "") -> None:
        """A process was struck."""
        self.signals[action] += 1
        self.points[point] += 1
        self.note(f"{action} at {point} {more}".rstrip())

    def fault(self, kind: str, more: str = "") -> None:
        """Something else went wrong on purpose."""
        self.faults[kind] += 1
        self.note(f"fault: {kind} {more}".rstrip())

    def problem(self, what: str) -> None:
        """The round fails."""
        self.problems.append(what)
        self.note(f"PROBLEM: {what}")

    def judged(self, verdict: Verdict) -> None:
        """What the oracle found."""
        self.rows, self.dead_letters, self.told_lost = verdict.rows, verdict.dead_letters, verdict.told_lost
        self.lost, self.duplicated = len(verdict.lost), len(verdict.duplicated)
        for problem in verdict.problems:
            self.problem(problem)

    def close(self) -> None:
        """The round is over."""
        self.seconds = round(time.monotonic() - self._began, 2)

    def to_json(self) -> dict[str, Any]:
        """For the result file; events only where they explain a failure."""
        return {
            "name": self.name, "seed": self.seed, "seconds": self.seconds, "runs": self.runs,
            "messages": self.messages, "signals": dict(self.signals), "points": dict(self.points),
            "faults": dict(self.faults), "outcomes": dict(self.outcomes), "rows": self.rows,
            "dead_letters": self.dead_letters, "told_lost": self.told_lost, "lost": self.lost,
            "duplicated": self.duplicated, "problems": self.problems, "events": self.events,
        }  # fmt: skip
