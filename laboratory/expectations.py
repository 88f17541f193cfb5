"""What the story says of each set-up, held against what was measured: it may do better, and that is said too."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from laboratory.measures import Figures
from laboratory.setups import KIP_848, Setup

Sizes = dict[str, Any]
Verdict = Literal["as expected", "better", "worse"]


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that may be wrong with a set-up.

    :param name: a sentence. :param limit: from where on it is so.
    :param found: whether it is so, by the figures and the sizes of the run.
    :param expected: whether the story says so of a set-up.
    :param shown: the figure that decides.
    """

    name: str
    limit: str
    found: Callable[[Figures, Sizes], bool]
    expected: Callable[[Setup], bool]
    shown: Callable[[Figures], str]


def _shared(setup: Setup) -> bool:
    return setup.shares


def _classic(setup: Setup) -> bool:
    return setup.joins and setup.settings != KIP_848


def reachable(sizes: Sizes) -> float:
    """Share of what is written that a consumer each period brings by the end, if nothing is in its way: the newest
    messages are always on their way.
    """
    late = float(sizes["period"]) + float(sizes["stage"]) + float(sizes["merge"])
    return 1 - late / float(sizes["seconds"])


WAIT_SECONDS = 2.0
TROUBLES = (
    Trouble(
        "joins and exits rebalance the others",
        "two rebalances or more for each consumer, of which its own join is one",
        lambda found, _: found.each >= 2,
        _shared,
        lambda found: f"{found.each:.1f} each",
    ),
    Trouble(
        "consumers wait for partitions",
        "a quarter of their lives or more",
        lambda found, _: found.without >= 0.25,
        lambda setup: setup.shares or _classic(setup),
        lambda found: f"{found.without:.0%}",
    ),
    Trouble(
        "a partition falls behind",
        "below three quarters of the median",
        lambda found, _: found.slowest < 0.75,
        _shared,
        lambda found: f"{found.slowest:.0%}",
    ),
    Trouble(
        "messages reach the writer again",
        "one or more",
        lambda found, _: found.duplicates > 0,
        _shared,
        lambda found: f"{found.duplicates:,}",
    ),
    Trouble(
        "commits fail",
        "one or more",
        lambda found, _: found.failed > 0,
        _shared,
        lambda found: f"{found.failed} of {found.commits}",
    ),
    Trouble(
        "the first message takes long",
        f"{WAIT_SECONDS:.0f} s or more, median",
        lambda found, _: found.first is None or found.first >= WAIT_SECONDS,
        _classic,
        lambda found: "mostly never" if found.first is None else f"{found.first:.1f} s",
    ),
    Trouble(
        "the table falls behind the topics",
        "less than one consumer each period can bring",
        lambda found, sizes: found.rows / found.produced < reachable(sizes),
        _shared,
        lambda found: f"{found.rows / found.produced:.0%}",
    ),
)


def verdict(trouble: Trouble, setup: Setup, figures: Figures, sizes: Sizes) -> Verdict:
    """Of one set-up and one trouble."""
    expected, found = trouble.expected(setup), trouble.found(figures, sizes)
    if expected == found:
        return "as expected"
    return "better" if expected else "worse"


def surprises(setup: Setup, figures: Figures, sizes: Sizes, kind: Verdict) -> Iterator[str]:
    """Troubles that are expected and not there, or the other way about, each with its figure."""
    for trouble in TROUBLES:
        if verdict(trouble, setup, figures, sizes) == kind:
            yield f"{trouble.name} ({trouble.shown(figures)})"
