"""Lines of the queries as values."""

from __future__ import annotations

from datetime import date

from airflow_kafka_bq.bigquery.audits import counted
from airflow_kafka_bq.bigquery.repairs import together
from airflow_kafka_bq.inspection import DayCount, Doubled, Surplus

MONDAY, TUESDAY = date(2026, 1, 5), date(2026, 1, 6)


def test_lines_of_all_days_are_summed() -> None:
    lines = [
        ("rows", TUESDAY, 0, 7), ("rows", MONDAY, 0, 5), ("rows", None, 0, 1), ("null_keys", MONDAY, 0, 2),
        ("by_key", MONDAY, 1, 3), ("by_key", TUESDAY, 2, 2), ("copies", MONDAY, 1, 1),
    ]  # fmt: skip
    found = counted(
        [{"what": what, "day": day, "groups_found": groups, "n": n} for what, day, groups, n in lines], coordinates=True
    )
    assert (found.rows, found.null_keys) == (13, 2)
    assert (found.by_key, found.by_coordinates, found.copies) == (Surplus(3, 5), Surplus(), Surplus(1, 1))
    assert found.days == (DayCount(None, 1, 0), DayCount(MONDAY, 5, 3), DayCount(TUESDAY, 7, 2))
    assert counted([], coordinates=False).by_coordinates is None


def test_partitions_are_put_together_by_the_first_of_their_keys() -> None:
    lines = [(MONDAY, MONDAY, 4, 2), (MONDAY, TUESDAY, 1, 0), (TUESDAY, TUESDAY, 2, 1)]
    found = together([{"first": first, "part": part, "n": n, "keys_found": keys} for first, part, n, keys in lines])
    assert found == (Doubled(MONDAY, (MONDAY, TUESDAY), 2, 5), Doubled(TUESDAY, (TUESDAY,), 1, 2))
