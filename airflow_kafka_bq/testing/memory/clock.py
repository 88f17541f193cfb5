"""Time that moves only when a test says so."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], datetime]
"""Aware UTC time."""
Sleep = Callable[[float], None]
"""Waits for seconds."""


class VirtualClock:
    """A clock that stands still until it is advanced; waiting advances it.

    Call it for the time of day; ``monotonic`` and ``sleep`` stand in for those of ``time``.
    """

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._start = start
        self._passed_seconds = 0.0

    def __call__(self) -> datetime:
        """The time of day."""
        return self._start + timedelta(seconds=self._passed_seconds)

    def monotonic(self) -> float:
        """Seconds since the clock was made."""
        return self._passed_seconds

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self._passed_seconds += max(0.0, seconds)

    advance = sleep


def utc_now() -> datetime:
    """The machine's clock."""
    return datetime.now(UTC)


def sleep_of(clock: Clock) -> Sleep:
    """How to wait on this clock: a virtual one is advanced, for any other real time passes."""
    return clock.sleep if isinstance(clock, VirtualClock) else time.sleep


def milliseconds(time_of_day: datetime) -> int:
    """Kafka's timestamp of a time, rounded down, without floats."""
    return (time_of_day - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def milliseconds_at_or_after(time_of_day: datetime) -> int:
    """The first timestamp of Kafka that is not before a time."""
    return -((datetime(1970, 1, 1, tzinfo=UTC) - time_of_day) // timedelta(milliseconds=1))
