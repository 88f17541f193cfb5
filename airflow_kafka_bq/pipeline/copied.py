"""Counts of the copies of dead letters that a run makes, for its report."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class LetterCopies:
    """What became of the copies of dead letters. ``waiting`` are those of this and earlier runs that have none yet."""

    topic: str
    copied: int = 0
    waiting: int = 0
    error: str | None = None
