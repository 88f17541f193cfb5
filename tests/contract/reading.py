"""Polling a Source until a test has seen what it waits for."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from airflow_kafka_bq.ports import Source

_POLLS = 400  # a virtual clock never runs out of time
_SECONDS = 20.0


@dataclass
class Read:
    """Everything that a few polls brought."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    ends: dict[int, int] = field(default_factory=dict)
    out_of_range: dict[int, int] = field(default_factory=dict)
    epochs: dict[int, int] = field(default_factory=dict)

    @property
    def offsets(self) -> dict[int, list[int]]:
        """Offsets by partition, in the order of their arrival."""
        found: dict[int, list[int]] = {}
        for row in self.rows:
            found.setdefault(row["partition"], []).append(row["offset"])
        return found


def read(source: Source, until: Callable[[Read], bool], max_messages: int = 1000) -> Read:
    """Poll until the condition holds."""
    seen, deadline = Read(), time.monotonic() + _SECONDS
    for _ in range(_POLLS):
        polled = source.poll(max_messages, 0.2)
        assert polled.messages.num_rows <= max_messages
        seen.rows += polled.messages.to_pylist()
        seen.ends |= polled.ends
        seen.out_of_range |= polled.out_of_range
        seen.epochs |= polled.leader_epochs
        if until(seen):
            return seen
        if time.monotonic() > deadline:
            break
    raise AssertionError(f"not seen in time: {seen}")


def read_to_end(source: Source, *partitions: int) -> Read:
    """Poll until each of these partitions told its end (or that it is out of range)."""
    wanted = set(partitions or (0,))
    return read(source, lambda seen: wanted <= (seen.ends.keys() | seen.out_of_range.keys()))


def poll_idle(source: Source, times: int = 5) -> Read:
    """Poll some more, where nothing is to come."""
    polls = iter(range(times))
    return read(source, lambda _: next(polls) == times - 1)
