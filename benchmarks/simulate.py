"""Lag over a day: what a schedule, slices and batches make of a day's messages.

Each run plans what has arrived when it starts, as the product does, and takes the time of the formula in
docs/scaling.md. Two days are played, so that the second one begins with what the first one left; the second is shown.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import sys
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from benchmarks.arrivals import CURVES, DAY, Arrivals, curve

BATCHES_A_MERGE = 100  # of a run in slices
_DAYS = 2
_MULTIPLES = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "b": 10**9}
_SECONDS = {"s": 1, "m": 60, "h": 3_600}
_LEAST_INTERVAL = 10


@dataclass(frozen=True, slots=True)
class Setup:
    """A job and where it runs; what a second of it is worth.

    :ivar every: seconds between the starts of two runs; one that is late starts when the one before has ended.
    :ivar slices: 1 is one task, which merges each batch; more are a task group, which merges at the end.
    :ivar rows_per_second: that one worker reads, parses and writes to its staging file.
    :ivar ceiling: rows per second that broker and network give to all workers together.
    :ivar start_seconds: of a run until its first message is read, all that Airflow does between tasks included.
    :ivar load_seconds: of a load job. :ivar merge_seconds: of a transaction with its MERGE.
    :raises ValueError: a number is not above zero, or a time below it.
    """

    every: float
    slices: int
    batch_messages: int
    rows_per_second: float
    start_seconds: float
    load_seconds: float
    merge_seconds: float
    ceiling: float = math.inf

    def __post_init__(self) -> None:
        for name in ("every", "slices", "batch_messages", "rows_per_second", "ceiling"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name}={getattr(self, name)}: it has to be above 0")
        for name in ("start_seconds", "load_seconds", "merge_seconds"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ValueError(f"{name}={getattr(self, name)}: it is a time, at least 0")

    def landings(self, messages: int) -> Iterator[tuple[float, int]]:
        """(seconds after the start of a run, messages that are in the table from then on), MERGE by MERGE."""
        if messages and self.slices > 1:
            yield from self._merged_at_the_end(messages)
        elif messages:
            yield from self._merged_by_batch(messages)

    def _merged_by_batch(self, messages: int) -> Iterator[tuple[float, int]]:
        """While a batch is loaded the next is read, and while it is merged that one is loaded; two are in memory."""
        rate = min(self.rows_per_second, self.ceiling)
        read = loaded = merged = merged_before = self.start_seconds
        for size in _parts(messages, self.batch_messages):
            read = max(read, merged_before) + size / rate
            loaded = max(loaded, read) + self.load_seconds
            merged_before, merged = merged, max(merged, loaded) + self.merge_seconds
            yield merged, size

    def _merged_at_the_end(self, messages: int) -> Iterator[tuple[float, int]]:
        share = math.ceil(messages / self.slices)
        batches = math.ceil(share / self.batch_messages)
        read = max(share / self.rows_per_second, messages / self.ceiling) / batches
        staged = read + (batches - 1) * max(read, self.load_seconds) + self.load_seconds
        ended = self.start_seconds + staged
        for size in _parts(messages, self.batch_messages * BATCHES_A_MERGE):
            ended += self.merge_seconds
            yield ended, size

    def batches(self, messages: int) -> int:
        """Load jobs of a run."""
        shares = min(self.slices, messages)
        whole, more = divmod(messages, shares) if shares else (0, 0)
        size = self.batch_messages
        return more * math.ceil((whole + 1) / size) + (shares - more) * math.ceil(whole / size)


@dataclass(frozen=True, slots=True)
class Run:
    """One that the day has seen the start of.

    :ivar landings: (second, messages in the table from then on), all messages of all runs counted.
    """

    start: float
    end: float
    messages: int
    batches: int
    landings: tuple[tuple[float, int], ...]


@dataclass(frozen=True)
class Played:
    """What came of it. Times are seconds since the first midnight; the last day is what the figures are of."""

    arrivals: Arrivals
    setup: Setup
    days: int
    runs: tuple[Run, ...]

    @cached_property
    def steps(self) -> list[tuple[float, int]]:
        """(second, messages in the table from then on), in order."""
        return [(0.0, 0), *(one for run in self.runs for one in run.landings)]

    @cached_property
    def _times(self) -> list[float]:
        return [at for at, _ in self.steps]

    def landed(self, seconds: float) -> int:
        """Messages in the table."""
        return self.steps[bisect_right(self._times, seconds) - 1][1]

    def lag(self, seconds: float) -> int:
        return self.arrivals.by(seconds) - self.landed(seconds)

    def age(self, seconds: float) -> float:
        """Seconds that the oldest message has waited which is not in the table; 0 if all are."""
        return seconds - self.arrivals.at(self.landed(seconds)) if self.lag(seconds) else 0.0

    def corners(self) -> list[float]:
        """Moments of the last day at which lag is greatest: just before rows land, and at its end."""
        start, end = (self.days - 1) * DAY, self.days * DAY
        return [*(math.nextafter(at, 0) for at, _ in self.steps if start < at <= end), float(end)]

    def figures(self) -> dict[str, Any]:
        """Of the last day."""
        start, end = float((self.days - 1) * DAY), float(self.days * DAY)
        runs = [run for run in self.runs if start <= run.start < end]
        busy = sum(min(run.end, end) - run.start for run in runs)
        corners = self.corners()
        # A day that ends with more lag than it began with, by more than comes between two runs, has not kept up.
        grown = self.lag(end) - self.lag(start)
        return {
            "arrived": self.arrivals.by(end) - self.arrivals.by(start),
            "landed": self.landed(end) - self.landed(start),
            "lag_at_start": self.lag(start),
            "lag_at_end": self.lag(end),
            "worst_lag": max(map(self.lag, corners)),
            "worst_age_seconds": round(max(map(self.age, corners)), 1),
            "runs": len(runs),
            "longest_run_seconds": round(max((run.end - run.start for run in runs), default=0.0), 1),
            "batches": sum(run.batches for run in runs),
            "merges": sum(len(run.landings) for run in runs),
            "busy": round(busy / DAY, 4),
            "keeps_up": grown <= self.arrivals.peak() * self.setup.every,
        }


def play(arrivals: Arrivals, setup: Setup, days: int = _DAYS) -> Played:
    """Runs, one at a time, from the first midnight on; the table begins with all that came before."""
    runs: list[Run] = []
    planned, start = 0, 0.0
    while start < days * DAY:
        messages = arrivals.by(start) - planned
        landings, total = [], planned
        for after, size in setup.landings(messages):
            total += size
            landings.append((start + after, total))
        planned = total
        end = landings[-1][0] if landings else start + setup.start_seconds
        runs.append(Run(start, end, messages, setup.batches(messages), tuple(landings)))
        tick = (math.floor(start / setup.every) + 1) * setup.every
        start = max(tick, end)
    return Played(arrivals, setup, days, tuple(runs))


def _parts(whole: int, size: int) -> Iterator[int]:
    for first in range(0, whole, size):
        yield min(size, whole - first)


def count(text: str) -> int:
    """``250000``, ``100M``, ``1.5k``, ``10B``.

    :raises argparse.ArgumentTypeError: it is none, or below 1.
    """
    found = re.fullmatch(r"([0-9][0-9_,]*(?:\.[0-9]+)?)([kmgb]?)", text.strip(), re.IGNORECASE)
    value = float(re.sub("[_,]", "", found[1])) * _MULTIPLES[found[2].lower()] if found else 0.0
    if not 1 <= value < 1e15:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 on, such as 250000, 100M or 10B")
    return round(value)


def seconds(text: str) -> float:
    """``90``, ``90s``, ``15m``, ``1h``.

    :raises argparse.ArgumentTypeError: it is none.
    """
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)([smh]?)", text.strip())
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} is no time such as 90, 90s, 15m or 1h")
    return float(found[1]) * _SECONDS[found[2] or "s"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Play what the command line says, and tell."""
    parser = _parser()
    given = parser.parse_args(arguments)
    try:
        played = _played(given)
        if given.picture:
            from benchmarks.lag_picture import picture

            given.picture.write_text(picture({given.curve: played}), "utf-8")
    except ValueError as error:
        parser.error(str(error))
    except OSError as error:
        parser.error(f"--picture {given.picture}: {error.strerror}")
    figures = played.figures()
    if given.json:
        print(json.dumps({"setup": asdict(played.setup) | {"ceiling": given.ceiling}, **figures}, indent=1))
    else:
        for name, value in figures.items():
            print(f"{name.replace('_', ' '):20} {value if isinstance(value, bool) else f'{value:,}'}")
    if not figures["keeps_up"]:
        sys.exit("it does not keep up: more slices, larger batches, or a schedule with longer intervals")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.simulate", description=__doc__)
    add = parser.add_argument
    add("--messages-per-day", type=count, default=10**8, metavar="N", help="such as 1M, 100M, 10B (100M)")
    add("--curve", default="shop", help=f"{', '.join(CURVES)}, or weights of equal parts of the day: 1,1,4,2 (shop)")
    add("--every", type=seconds, default=900.0, metavar="TIME", help="between two runs: 90s, 15m, 1h (15m)")
    add("--slices", type=int, default=1, help="workers; more than one is a task group (1)")
    add("--batch-messages", type=count, metavar="N", help="messages of a batch (that of the job's defaults)")
    add("--rows-per-second", type=count, metavar="N", help="of a worker (as measured)")
    add("--ceiling", type=count, metavar="N", help="rows per second of broker and network (none)")
    add("--start-seconds", type=seconds, metavar="TIME", help="until a run reads its first message (as measured)")
    add("--load-seconds", type=seconds, metavar="TIME", help="of a load job (an assumption)")
    add("--merge-seconds", type=seconds, metavar="TIME", help="of a transaction with its MERGE (an assumption)")
    add("--picture", type=Path, help="an SVG file")
    add("--json", action="store_true", help="all figures, as JSON")
    return parser


def _played(given: argparse.Namespace) -> Played:
    """With what was measured where nothing is given.

    :raises ValueError: something is out of range.
    """
    from benchmarks.scaling import CONSTANTS

    if not _LEAST_INTERVAL <= given.every <= DAY:
        raise ValueError(f"--every {given.every:g} seconds: from {_LEAST_INTERVAL} s to a day")
    start, load, merge = given.start_seconds, given.load_seconds, given.merge_seconds
    setup = Setup(
        given.every,
        given.slices,
        given.batch_messages or CONSTANTS.batch_messages(),
        given.rows_per_second or CONSTANTS.rows_per_second,
        CONSTANTS.start_seconds(given.slices) if start is None else start,
        CONSTANTS.load_seconds if load is None else load,
        CONSTANTS.merge_seconds if merge is None else merge,
        given.ceiling or math.inf,
    )
    return play(curve(given.curve, given.messages_per_day), setup)


if __name__ == "__main__":
    main()
