"""The peak of a process while the backlog grows: the same bounds of a batch, ever more messages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks.cases import MODEL, Run, engine
from benchmarks.site import Site

IDLE, DEFAULT, SMALL, SMALLEST = "nothing to read", "all defaults", "batch_bytes: 16MiB", "batch_bytes: 2MiB"
SETTINGS: Mapping[str, dict[str, Any]] = {
    IDLE: {},
    DEFAULT: {},
    SMALL: {"batch_bytes": "16MiB"},
    SMALLEST: {"batch_bytes": "2MiB"},
}
# As long as reading a batch takes, and BigQuery's takes longer: with none, what is read behind a batch would never be
# a whole one while that is still in memory.
MERGE_SECONDS: Mapping[str, float] = {IDLE: 0.0, DEFAULT: 1.5, SMALL: 0.5, SMALLEST: 0.1}
# The smallest one fills four batches at least: with fewer, the two that are in memory at a time are not full.
COUNTS: Mapping[str, tuple[int, ...]] = {
    IDLE: (0,),
    DEFAULT: (1_100_000, 4_400_000),
    SMALL: (300_000, 1_500_000),
    SMALLEST: (30_000, 300_000, 1_500_000),
}
TRIED: Mapping[str, tuple[int, ...]] = {**dict.fromkeys(SETTINGS, (5_000, 20_000)), IDLE: (0,)}
Counts = Mapping[str, tuple[int, ...]]


def run(site: Site, settings: str, topic: str, messages: int) -> Run:
    """One of them."""
    seconds = MERGE_SECONDS[settings]
    found = engine(site, topic, messages, "engine, model", seconds, model=MODEL, **SETTINGS[settings])[0]
    return {"settings": settings, **found}


def plan(counts: Counts) -> Iterator[tuple[str, int]]:
    """In the order in which they are run."""
    yield from ((settings, count) for settings, each in counts.items() for count in each)
