"""NULL lists become empty, and no element changes its list."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_kafka_bq.batch import HEADERS
from airflow_kafka_bq.formats.coordinates import headers
from airflow_kafka_bq.formats.lists import lists_of

LISTS = st.lists(st.none() | st.lists(st.integers(0, 9), max_size=3), max_size=12)


@given(LISTS, st.integers(0, 3), st.integers(0, 12))
def test_null_becomes_empty_also_in_a_slice(lists: list[list[int] | None], first: int, length: int) -> None:
    array: Any = pa.array(lists, pa.list_(pa.int64())).slice(first, length)
    found = lists_of(array, array.flatten(), array.type)
    assert found.null_count == 0
    assert found.to_pylist() == [one or [] for one in lists[first : first + length]]


def test_elements_that_a_null_hides_belong_to_nobody() -> None:
    """Arrow lets a NULL list have elements of its own."""
    hidden: Any = pa.ListArray.from_arrays(
        pa.array([0, 1, 3, 4], pa.int32()), pa.array([1, 2, 3, 4], pa.int64()), mask=pa.array([False, True, False])
    )
    assert lists_of(hidden, hidden.flatten(), hidden.type).to_pylist() == [[1], [], [4]]


@pytest.mark.parametrize("chunked", [False, True])
def test_headers_are_never_null_and_stay_with_their_message(chunked: bool) -> None:
    some = [None, [{"key": "a", "value": b"1"}, {"key": "a", "value": None}], None, [], [{"key": "b", "value": b""}]]
    array: Any = pa.array(some, HEADERS)
    found = headers(pa.chunked_array([array.slice(0, 2), array.slice(2)]) if chunked else array)
    assert found.type.equals(HEADERS)
    assert found.to_pylist() == [one or [] for one in some]
    assert headers(pa.nulls(3, HEADERS)).to_pylist() == [[], [], []]
