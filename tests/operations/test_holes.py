from __future__ import annotations

from airflow_kafka_bq.batch import OffsetRange
from airflow_kafka_bq.operations.holes import holes, shared


def test_holes_between_ranges() -> None:
    covered = (OffsetRange(0, 0, 3), OffsetRange(0, 10, 20), OffsetRange(0, 30, 40), OffsetRange(1, 0, 5))
    lost = (OffsetRange(0, 20, 28),)
    assert holes(covered, {0: 10, 1: 0}, {0: 50, 1: 5}, lost) == [OffsetRange(0, 28, 30), OffsetRange(0, 40, 50)]
    assert holes(covered, {0: 0, 1: 0}, {0: 15, 1: 2}, ()) == [OffsetRange(0, 3, 10)]
    assert holes((), {}, {0: 9}, ()) == []


def test_what_lies_in_both() -> None:
    one = [OffsetRange(0, 0, 10), OffsetRange(1, 5, 6)]
    other = (OffsetRange(0, 8, 20), OffsetRange(0, 2, 3), OffsetRange(1, 6, 9), OffsetRange(2, 0, 9))
    assert shared(one, other) == [OffsetRange(0, 8, 10), OffsetRange(0, 2, 3)]
