"""A function on one record answers for one message: what it does with it says nothing of the others."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_kafka_bq.formats.record_functions import LONGEST_ERROR, changed

LINE = pa.struct([("sku", pa.string()), ("count", pa.int64())])


def table(*values: Any, kind: pa.DataType | None = None, tombstones: Any = None) -> pa.Table:
    """Rows with one column of the message's."""
    count = len(values)
    return pa.table(
        {
            "a": pa.array(values, kind or pa.int64()),
            "_kafka_offset": pa.array(range(count), pa.int64()),
            "_tombstone": pa.array(tombstones or [False] * count, pa.bool_()),
        }
    )


def given_back(value: Any, kind: pa.DataType) -> Any:
    """What a row holds, or what was wrong, where the function gives this value."""
    found = changed(lambda record: {**record, "a": value}, table(None, kind=kind), ["a"])
    return found.failed[0] if found.failed else found.rows.column("a").to_pylist()[0]


def test_each_row_is_changed_left_out_or_failed() -> None:
    def odd(record: dict[str, Any]) -> dict[str, Any] | None:
        if record["a"] == 3:
            raise ValueError("three is not liked")
        return {**record, "a": record["a"] * 10} if record["a"] % 2 else None

    found = changed(odd, table(1, 2, 3, 4, 5), ["a"])
    assert found.rows.column("a").to_pylist() == [10, 50]
    assert found.rows.schema == table(1).schema
    assert found.kept.to_pylist() == [0, 4]
    assert found.failed == {
        2: f"transform {__name__}:{odd.__qualname__} raised ValueError: three is not liked"
    }  # fmt: skip


def test_kafka_columns_are_seen_and_stay_whatever_is_returned() -> None:
    seen: list[Any] = []

    def look(record: dict[str, Any]) -> dict[str, Any]:
        seen.append(dict(record))
        record["_kafka_offset"] = 99
        return {"a": record["a"]} if record["a"] else record

    found = changed(look, table(0, 7), ["a"])
    assert seen == [{"a": 0, "_kafka_offset": 0}, {"a": 7, "_kafka_offset": 1}]
    assert found.rows.to_pylist() == [
        {"a": 0, "_kafka_offset": 0, "_tombstone": False},
        {"a": 7, "_kafka_offset": 1, "_tombstone": False},
    ]


def test_a_row_that_marks_a_deletion_stays_as_it_is() -> None:
    def refuse(_: dict[str, Any]) -> None:
        raise AssertionError("not called")

    found = changed(refuse, table(None, tombstones=[True]), ["a"])
    assert (found.rows.to_pylist(), found.failed) == (table(None, tombstones=[True]).to_pylist(), {})


@pytest.mark.parametrize(
    ("result", "said"),
    [
        (5, "returned int, not a mapping of columns"),
        ([("a", 1)], "returned list, not a mapping of columns"),
        ({}, "returned a record without ['a'], with []"),
        ({"a": 1, "b": 2}, "returned a record without [], with ['b'] that the table does not have"),
        ({"A": 1}, "without ['a'], with ['A']"),
        ({"a": "x"}, "gave a str in column 'a', which is int64"),
    ],
)
def test_what_is_no_record_is_said(result: Any, said: str) -> None:
    found = changed(lambda record: result if record["a"] == 1 else record, table(0, 1, 2), ["a"])
    assert found.rows.column("a").to_pylist() == [0, 2]
    assert list(found.failed) == [1]
    assert said in found.failed[1]


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (1.5, pa.int64()),
        (True, pa.int64()),
        ("1", pa.int64()),
        (2**63, pa.int64()),
        (2**60 + 1, pa.float64()),
        (5, pa.string()),
        (b"x", pa.string()),
        ("x", pa.binary()),
        (1, pa.bool_()),
        (Decimal("1.005"), pa.decimal128(10, 2)),
        (datetime(2026, 1, 1), pa.timestamp("us", tz="UTC")),
        (1, pa.timestamp("us", tz="UTC")),
        (datetime(2026, 1, 1, 5, tzinfo=UTC), pa.date32()),
        ("2026-01-01", pa.date32()),
        ({"sku": "x", "count": 1, "price": 2}, LINE),
        ({"sku": "x", "count": 1.5}, LINE),
        ([("sku", "x")], LINE),
        ([1, "x"], pa.list_(pa.int64())),
        ({"a": 1}, pa.list_(pa.int64())),
        ([{"sku": 1}], pa.list_(LINE)),
        (object(), pa.string()),
    ],
)
def test_nothing_is_cut_rounded_or_dropped_to_fit(value: Any, kind: pa.DataType) -> None:
    assert f"in column 'a', which is {kind}" in str(given_back(value, kind))


@pytest.mark.parametrize(
    ("value", "kind", "held"),
    [
        (1.0, pa.int64(), 1),
        (1, pa.float64(), 1.0),
        (5, pa.decimal128(10, 2), Decimal("5.00")),
        ({"sku": "x"}, LINE, {"sku": "x", "count": None}),
        ([{"sku": "x", "count": 1}], pa.list_(LINE), [{"sku": "x", "count": 1}]),
        ((1, 2), pa.list_(pa.int64()), [1, 2]),
        (date(2026, 1, 1), pa.date32(), date(2026, 1, 1)),
        (None, pa.int64(), None),
    ],
)
def test_what_is_equal_is_taken(value: Any, kind: pa.DataType, held: Any) -> None:
    assert given_back(value, kind) == held


def test_no_number_is_no_number() -> None:
    assert math.isnan(given_back(math.nan, pa.float64()))


def test_a_long_text_is_cut() -> None:
    def fail(_: dict[str, Any]) -> None:
        raise ValueError("x" * 5_000)

    assert len(changed(fail, table(1), ["a"]).failed[0]) == LONGEST_ERROR


def test_of_no_rows_there_is_nothing_to_say() -> None:
    found = changed(lambda record: record, table(), ["a"])
    assert (found.rows, found.failed) == (table(), {})


OUTCOMES = st.lists(st.sampled_from(["keep", "drop", "raise", "wrong", "gone"]), max_size=12)


@given(OUTCOMES)
def test_every_row_has_one_fate_and_neighbours_do_not_matter(fates: list[str]) -> None:
    def play(record: dict[str, Any]) -> Any:
        fate = fates[record["_kafka_offset"]]
        if fate == "raise":
            raise KeyError("x")
        return {"keep": {"a": record["a"] + 1}, "drop": None, "wrong": {"a": "x"}}[fate]

    rows = table(*range(len(fates)), tombstones=[fate == "gone" for fate in fates])
    found = changed(play, rows, ["a"])
    expected = [(at, at + (fate == "keep")) for at, fate in enumerate(fates) if fate in {"keep", "gone"}]
    pairs = zip(found.rows.column("_kafka_offset").to_pylist(), found.rows.column("a").to_pylist(), strict=True)
    assert list(pairs) == expected
    assert found.kept.to_pylist() == [at for at, _ in expected]
    assert list(found.failed) == [at for at, fate in enumerate(fates) if fate in {"raise", "wrong"}]
