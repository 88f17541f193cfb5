"""How often something runs."""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import Any

import pytest

from airflow_kafka_bq.config.schedules import longest_pause


@pytest.mark.parametrize(
    ("schedule", "pause"),
    [
        (timedelta(minutes=5), timedelta(minutes=5)),
        (timedelta(), None),
        ("90s", timedelta(seconds=90)),
        ("15m", timedelta(minutes=15)),
        ("1d", timedelta(days=1)),
        ("0m", None),
        ("@hourly", timedelta(hours=1)),
        ("*/10 * * * *", timedelta(minutes=10)),
        ("0 8-18 * * *", timedelta(hours=14)),
        ("0 6 * * 1-5", timedelta(days=3)),
        ("@once", None),
        ("often", None),
        (None, None),
        (["an asset"], None),
    ],
)
def test_the_longest_pause_counts(schedule: Any, pause: timedelta | None) -> None:
    assert longest_pause(schedule) == pause


def test_without_croniter_a_cron_text_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "croniter", None)
    assert longest_pause("@hourly") is None
    assert longest_pause("1h") == timedelta(hours=1)
