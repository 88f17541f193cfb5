"""Time that stands still."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from airflow_kafka_bq.testing.memory.clock import (
    VirtualClock,
    milliseconds,
    milliseconds_at_or_after,
    sleep_of,
    utc_now,
)


def test_only_a_test_moves_a_virtual_clock() -> None:
    clock = VirtualClock(datetime(2026, 3, 1, tzinfo=UTC))
    assert clock() == clock() == datetime(2026, 3, 1, tzinfo=UTC)
    clock.advance(1.5)
    clock.advance(-9)
    assert (clock(), clock.monotonic()) == (datetime(2026, 3, 1, 0, 0, 1, 500_000, tzinfo=UTC), 1.5)


def test_waiting_advances_a_virtual_clock_only() -> None:
    clock = VirtualClock()
    sleep_of(clock)(2)
    assert clock.monotonic() == 2
    assert sleep_of(utc_now) is time.sleep
    assert abs(utc_now() - datetime.now(UTC)) < timedelta(seconds=5)


def test_milliseconds_round_down_for_messages_and_up_for_questions() -> None:
    moment = datetime(2026, 1, 1, microsecond=1, tzinfo=UTC)
    assert milliseconds(moment) == 1_767_225_600_000
    assert milliseconds_at_or_after(moment) == 1_767_225_600_001
    whole = datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert milliseconds(whole) == milliseconds_at_or_after(whole) == -1000
