"""Which rows a function of the job fails for, and when it is the function itself."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.formats.user_functions import kept
from airflow_kafka_bq.pipeline.culprits import without_culprits
from airflow_kafka_bq.pipeline.isolate import MAX_FOUND


def _rows(count: int) -> pa.Table:
    return pa.table({"n": pa.array(range(count), pa.int64())})


@given(st.integers(1, 60), st.sets(st.integers(0, 59), max_size=10))
def test_exactly_the_rows_that_fail_are_left_out(count: int, bad: set[int]) -> None:
    def call(rows: pa.Table) -> list[int]:
        numbers: list[Any] = rows.column("n").to_pylist()
        if found := bad & set(numbers):
            raise ConfigError("it failed") from ValueError(str(found))
        return numbers

    bad = {one for one in bad if one < count}
    origins = pa.array(range(100, 100 + count), pa.int64())
    result, taken, letters = without_culprits("transform", _rows(count), origins, call)
    assert result == [one for one in range(count) if one not in bad]
    assert [one.index for one in letters] == sorted(100 + one for one in bad)
    assert {(one.stage, one.reason) for one in letters} <= {("transform", "transform_failed")}
    assert (taken is None) == (not bad)


def test_a_function_that_fails_for_no_rows_is_broken() -> None:
    def call(_: pa.Table) -> None:
        raise ConfigError("broken") from NameError("pricee")

    with pytest.raises(ConfigError, match="broken") as caught:
        without_culprits("filter", _rows(3), pa.array([0, 1, 2]), call)
    assert isinstance(caught.value.__cause__, NameError)


def test_what_a_function_returns_is_no_rows_fault() -> None:
    """A mask that is too short: cut into halves it might fit."""
    calls = list[int]()

    def short(rows: pa.Table) -> list[bool]:
        calls.append(rows.num_rows)
        return [True] if rows.num_rows else []

    with pytest.raises(ConfigError, match="one boolean per row"):
        without_culprits("filter", _rows(3), pa.array([0, 1, 2]), lambda rows: kept(short, rows))
    assert calls == [3]


@pytest.mark.parametrize("count", [MAX_FOUND, MAX_FOUND + 1])
def test_more_than_a_hundred_are_the_functions_fault(count: int) -> None:
    def call(rows: pa.Table) -> int:
        if rows.num_rows:
            raise ConfigError("it failed") from ValueError()
        return 0

    if count == MAX_FOUND:
        assert len(without_culprits("filter", _rows(count), pa.array(range(count)), call)[2]) == count
        return
    with pytest.raises(ConfigError, match="it failed"):
        without_culprits("filter", _rows(count), pa.array(range(count)), call)
