"""Tables and figures of the document."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable
from statistics import median
from typing import Any

Run = dict[str, Any]


def figure(values: Iterable[float], digits: int = 1) -> str:
    """Median, and in brackets the smallest and the largest."""
    found = sorted(values)
    if not found:
        return "–"
    low, middle, high = (f"{value:,.{digits}f}" for value in (found[0], median(found), found[-1]))
    return f"{middle} ({low}–{high})"


def of_case(runs: list[Run], case: str, measure: Callable[[Run], float]) -> list[float]:
    """A figure of each run of a case."""
    return [measure(run) for run in runs if run["case"] == case]


def table(head: list[str], rows: Iterable[list[str]]) -> str:
    """Of Markdown."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def by_row(run: Run, name: str) -> float:
    """A figure, divided by the messages."""
    return float(run[name] / run["messages"])


def wrapped(text: str, indent: str = "  ") -> str:
    """In lines of the document."""
    return f"\n{indent}".join(textwrap.wrap(text, 118))
