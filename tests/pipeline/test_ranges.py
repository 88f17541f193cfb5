"""Ranges of literals: fewer, never narrower."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_kafka_bq.batch import ColumnBounds
from airflow_kafka_bq.pipeline.ranges import MAX_RANGES, MAX_VALUES, few_ranges, joined_bounds

DAY = timedelta(days=1)
FIRST = datetime(2026, 1, 1, tzinfo=UTC)


def days(*numbers: int) -> ColumnBounds:
    return ColumnBounds("at", tuple((FIRST + DAY * one, FIRST + DAY * (one + 1)) for one in sorted(numbers)))


def test_neighbours_are_one_range() -> None:
    assert few_ranges([(1, 2), (2, 4), (3, 4), (6, 7)]) == ((1, 4), (6, 7))
    assert few_ranges([(1, 9), (2, 3), (5, None), (7, 8)]) == ((1, None),)
    assert few_ranges([]) == ()


def test_the_nearest_are_joined_until_few_are_left() -> None:
    found = few_ranges(
        [(10 * one, 10 * one + 1) for one in range(MAX_RANGES)] + [(10 * MAX_RANGES - 8, 10 * MAX_RANGES)]
    )
    assert len(found) == MAX_RANGES
    assert found[-1] == (10 * MAX_RANGES - 10, 10 * MAX_RANGES)


def holds(bounds: ColumnBounds, value: Any) -> bool:
    if value is None:
        return bounds.has_null
    if bounds.values:
        return value in bounds.values
    return any(low <= value and (high is None or value <= high) for low, high in bounds.ranges)


NUMBERS = st.one_of(
    st.frozensets(st.integers(0, 60), min_size=1, max_size=MAX_VALUES).map(
        lambda one: ColumnBounds("n", (), tuple(sorted(one)))
    ),
    st.tuples(st.integers(0, 30), st.integers(0, 30)).map(lambda one: ColumnBounds("n", ((one[0], sum(one)),))),
)
DATES = st.frozensets(st.integers(0, 40), max_size=6).map(
    lambda found: ColumnBounds(
        "n",
        tuple((date(2026, 1, 1) + DAY * one, date(2026, 1, 2) + DAY * one) for one in sorted(found)),
        has_null=not found,
    )
)


@pytest.mark.parametrize(
    ("kind", "values"),
    [(NUMBERS, [*range(-1, 62)]), (DATES, [None, *(date(2026, 1, 1) + DAY * one for one in range(50))])],
)
def test_what_one_batch_may_touch_all_together_may(kind: Any, values: list[Any]) -> None:
    @given(st.lists(kind, min_size=1, max_size=5))
    def check(parts: list[ColumnBounds]) -> None:
        (whole,) = joined_bounds([(one,) for one in parts])
        assert [one for one in values if any(holds(part, one) for part in parts) and not holds(whole, one)] == []

    check()


def test_days_stay_apart_and_values_few() -> None:
    (whole,) = joined_bounds([(days(0, 1),), (days(9),), (days(1, 2),)])
    assert whole == ColumnBounds("at", ((FIRST, FIRST + 3 * DAY), (FIRST + 9 * DAY, FIRST + 10 * DAY)))
    (few,) = joined_bounds([(ColumnBounds("p", (), (3, 1)),), (ColumnBounds("p", (), (2, 3)),)])
    assert few == ColumnBounds("p", (), (1, 2, 3))
    (many,) = joined_bounds([(ColumnBounds("p", (), tuple(range(n, n + MAX_VALUES))),) for n in (0, 5)])
    assert many == ColumnBounds("p", ((0, MAX_VALUES + 4),))
    (mixed,) = joined_bounds([(ColumnBounds("o", (), (7,)),), (ColumnBounds("o", ((20, 90),)),)])
    assert mixed == ColumnBounds("o", ((7, 90),))


def test_an_open_end_stays_open() -> None:
    last = ColumnBounds("at", ((FIRST, None),))
    assert joined_bounds([(days(-3),), (last,), (days(4),)])[0].ranges[-1] == (FIRST, None)


def test_a_column_that_one_batch_does_not_bound_is_not_bounded() -> None:
    at, place = days(0), ColumnBounds("p", (), (1,))
    assert joined_bounds([(at, place), (at,)]) == (at,)
    assert joined_bounds([(at, place), (at,), (at, place)]) == (at,)
    assert joined_bounds([(at,), ()]) == ()
    assert joined_bounds([]) == ()
    nulls = ColumnBounds("at", (), has_null=True)
    assert joined_bounds([(nulls,), (nulls,)]) == (nulls,)


def test_an_open_begin_stays_open() -> None:
    """Whole numbers below all ranges of a table are in one partition with those above."""
    below, inside = ColumnBounds("n", ((None, 0), (10, 20))), ColumnBounds("n", ((0, 10),), has_null=True)
    assert joined_bounds([(inside,), (below,)]) == (ColumnBounds("n", ((None, 20),), has_null=True),)
    assert joined_bounds([(below,), (below,)]) == (ColumnBounds("n", ((None, 20),)),)
    assert few_ranges([(None, 0), (0, 10), (90, None)]) == ((None, 10), (90, None))
