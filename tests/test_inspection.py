"""Names of what is repaired together."""

from __future__ import annotations

from datetime import date, datetime

from airflow_kafka_bq.inspection import Doubled


def test_what_a_part_is_called() -> None:
    assert Doubled(None, (), 0, 0).name == "none"
    assert Doubled(date(2026, 1, 31), (), 0, 0).name == "2026-01-31"
    assert Doubled(datetime(2026, 1, 31, 6), (), 0, 0).name == "2026-01-31T06:00:00"
