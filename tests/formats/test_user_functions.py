from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.formats.user_functions import kept, name_of, transformed

ROWS = pa.table(
    {
        "_kafka_topic": pa.array(["t"] * 3),
        "_kafka_partition": pa.array([0, 0, 1], pa.int64()),
        "_kafka_offset": pa.array([5, 6, 5], pa.int64()),
        "n": pa.array([1, None, 3], pa.int64()),
        "_tombstone": pa.array([False] * 3),
    }
)


def positive(rows: pa.Table) -> Any:
    return pc.greater(rows.column("n"), pa.scalar(1))


def doubled(rows: pa.Table) -> pa.Table:
    return with_n(rows, pc.multiply(rows.column("n"), pa.scalar(2)))


def with_n(rows: pa.Table, values: Any) -> pa.Table:
    return rows.set_column(rows.schema.get_field_index("n"), "n", values)


def refusal(call: Callable[[], Any]) -> str:
    with pytest.raises(ConfigError) as raised:
        call()
    return str(raised.value)


class Limit:
    def __call__(self, rows: pa.Table) -> pa.Table:
        return rows


def test_a_function_is_called_by_the_name_its_author_knows() -> None:
    assert name_of(positive) == f"{__name__}:positive"
    assert name_of(Limit()) == f"{__name__}:Limit"
    assert name_of(functools.partial(positive)).endswith(":partial")


@pytest.mark.parametrize("mask", [[True, None, False], pa.array([True, None, False])])
def test_null_keeps_nothing(mask: Any) -> None:
    assert kept(lambda _: mask, ROWS).to_pylist() == [True, False, False]
    assert kept(positive, ROWS).to_pylist() == [False, False, True]


@pytest.mark.parametrize(
    ("mask", "said"),
    [
        ([True], "1 values of bool for 3 rows"),
        (pa.array([1, 2, 3]), "3 values of int64 for 3 rows"),
        ([1, 2, 3], "returned list, not a boolean mask"),
        (None, "returned NoneType, not a boolean mask"),
        (7, "returned int, not a boolean mask"),
    ],
)
def test_a_filter_that_returns_no_mask_is_named(mask: Any, said: str) -> None:
    text = refusal(lambda: kept(lambda _: mask, ROWS))
    assert said in text
    assert "filter tests.formats.test_user_functions:" in text


def test_only_the_named_columns_are_taken_over() -> None:
    other = pc.invert(ROWS.column("_tombstone"))
    found = transformed(lambda rows: doubled(rows).set_column(4, "_tombstone", other), ROWS, ["n"])
    assert found.column("n").to_pylist() == [2, None, 6]
    assert found.column("_tombstone").to_pylist() == [False] * 3
    assert found.schema.equals(ROWS.schema)


def test_columns_keep_their_types_and_the_order_of_columns_is_ours() -> None:
    narrow = with_n(ROWS, pa.array([1, 2, 3], pa.int8())).select(["n", "_kafka_offset"])
    found = transformed(lambda _: narrow, ROWS, ["n"])
    assert found.schema.equals(ROWS.schema)
    assert found.column("n").to_pylist() == [1, 2, 3]


def test_a_record_batch_will_do() -> None:
    assert transformed(lambda rows: rows.to_batches()[0], ROWS, ["n"]).equals(ROWS)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda rows: rows.slice(1), "returned 2 rows for 3"),
        (lambda rows: rows.to_pylist(), "returned list, not a pyarrow.Table"),
        (lambda rows: rows.drop_columns(["n"]), "missing columns ['n'], columns that the table does not have []"),
        (lambda rows: rows.append_column("m", rows.column("n")), "does not have ['m']"),
        (lambda rows: rows.take([1, 0, 2]), "changed _kafka_offset, or the order of the rows"),
        (lambda rows: with_n(rows, pa.array(["a", "b", "c"])), "column 'n' is string and does not become int64"),
        (lambda rows: with_n(rows, pa.array([0.5, 1.0, 2.0])), "column 'n' is double and does not become int64"),
    ],
)
def test_a_transform_is_held_to_rows_coordinates_names_and_types(change: Callable[[pa.Table], Any], said: str) -> None:
    assert said in refusal(lambda: transformed(change, ROWS, ["n"]))


@pytest.mark.parametrize("call", [lambda f: kept(f, ROWS), lambda f: transformed(f, ROWS, ["n"])])
def test_what_a_function_raises_is_told_with_its_name(call: Callable[[Any], Any]) -> None:
    def broken(rows: pa.Table) -> Any:
        return rows.column("no such")

    text = refusal(lambda: call(broken))
    assert "broken raised KeyError" in text
