"""Bounds and order, apart from any table."""

from __future__ import annotations

import itertools
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_kafka_bq.batch import ColumnBounds
from airflow_kafka_bq.testing.memory.order import is_newer, newest, oldest
from airflow_kafka_bq.testing.memory.statements import bounded

FIRST, SECOND = date(2026, 1, 1), date(2026, 1, 2)


@pytest.mark.parametrize(
    ("value", "bounds", "half_open", "inclusive"),
    [
        (5, ColumnBounds("c", ((1, 5), (8, 9))), False, True),
        (1, ColumnBounds("c", ((1, 5),)), True, True),
        (8, ColumnBounds("c", ((1, 5), (8, 9))), True, True),
        (7, ColumnBounds("c", ((1, 5), (8, 9))), False, False),
        (None, ColumnBounds("c", ((1, 5),)), False, False),
        (None, ColumnBounds("c", ((1, 5),), has_null=True), True, True),
        ("b", ColumnBounds("c", (), ("a", "b")), True, True),
        ("c", ColumnBounds("c", (), ("a", "b"), has_null=True), False, False),
        (None, ColumnBounds("c", (), ("a",), has_null=True), True, True),
        (None, ColumnBounds("c", ()), True, True),
        (3, ColumnBounds("c", ()), True, True),
        (SECOND, ColumnBounds("c", ((FIRST, SECOND),)), False, True),
        (SECOND, ColumnBounds("c", ((FIRST, None),)), True, True),
        ("2026-01-01T23:59:59", ColumnBounds("c", ((datetime(2026, 1, 1), datetime(2026, 1, 2)),)), True, True),
    ],
)
def test_bounds_are_literals_of_the_on_clause(
    value: Any, bounds: ColumnBounds, half_open: bool, inclusive: bool
) -> None:
    assert bounded(value, bounds, half_open=True) is half_open
    assert bounded(value, bounds, half_open=False) is inclusive


def messages() -> st.SearchStrategy[dict[str, Any]]:
    small = st.integers(0, 3)
    return st.fixed_dictionaries(
        {
            "_kafka_topic": st.just("t"),
            "_kafka_partition": small,
            "_kafka_offset": small,
            "_kafka_timestamp": small,
            "version": st.none() | small,
        }
    )


def one_message_per_offset(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return list({(row["_kafka_partition"], row["_kafka_offset"]): row for row in rows}.values())


@given(st.lists(messages(), min_size=1, max_size=5).map(one_message_per_offset), st.sampled_from([(), ("version",)]))
def test_the_winner_of_a_batch_does_not_depend_on_its_order(rows: list[dict[str, Any]], version: list[str]) -> None:
    assert len({str(newest(order, version)) for order in itertools.permutations(rows)}) == 1
    assert len({str(oldest(order)) for order in itertools.permutations(rows)}) == 1


@given(messages(), messages(), st.sampled_from([(), ("version",)]))
def test_of_two_messages_at_most_one_is_newer(one: dict[str, Any], other: dict[str, Any], version: list[str]) -> None:
    assert not (is_newer(one, other, version) and is_newer(other, one, version))
    places = [(row["_kafka_partition"], row["_kafka_offset"]) for row in (one, other)]
    if places[0] != places[1]:
        assert is_newer(one, other, version) is not is_newer(other, one, version)
        assert newest([one, other], version) == (one if is_newer(one, other, version) else other)


def test_a_row_without_coordinates_is_older_than_any_message() -> None:
    adopted = dict.fromkeys(("_kafka_topic", "_kafka_partition", "_kafka_offset", "_kafka_timestamp"))
    message = {"_kafka_topic": "t", "_kafka_partition": 0, "_kafka_offset": 0, "_kafka_timestamp": 0}
    assert is_newer(message, adopted, ())
