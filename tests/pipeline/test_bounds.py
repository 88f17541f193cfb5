"""Literal bounds hold every row of the batch, and stand only where equal keys have equal values."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_kafka_bq.pipeline import bounds
from airflow_kafka_bq.testing.memory.statements import bounded
from tests.pipeline.world import KEEP, World

MOMENTS = st.datetimes(datetime(1960, 1, 1), datetime(2159, 1, 1)).map(lambda moment: moment.replace(tzinfo=UTC))


def _rows(moments: list[datetime], partitions: list[int], offsets: list[int]) -> pa.Table:
    stamps = pa.array(moments, pa.timestamp("us", tz="UTC"))
    columns: dict[str, Any] = {
        "_kafka_timestamp": stamps,
        "_kafka_partition": pa.array(partitions, pa.int64()),
        "_kafka_offset": pa.array(offsets, pa.int64()),
        "_tombstone": pa.array([False] * len(moments)),
    }
    return pa.table(columns)


@given(st.lists(st.tuples(MOMENTS, st.integers(0, 40), st.integers(0, 2**40)), min_size=1, max_size=60))
def test_every_row_lies_within_the_bounds_of_its_batch(found: list[tuple[datetime, int, int]]) -> None:
    world = World(1)
    target = world.target(world.config())
    rows = _rows(*map(list, zip(*found, strict=True)))
    made = bounds.of_rows(rows, target)
    assert {one.column for one in made} == {"_kafka_timestamp", "_kafka_partition", "_kafka_offset"}
    for row in rows.to_pylist():
        for one in made:
            assert bounded(row[one.column], one, half_open=one.column == "_kafka_timestamp"), (row, one)


def test_bounds_are_as_near_as_the_touched_days() -> None:
    world = World(1)
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    rows = _rows([noon, noon + timedelta(days=1), noon + timedelta(days=9)], [0, 0, 3], [5, 9, 7])
    found = {one.column: one for one in bounds.of_rows(rows, world.target(world.config()))}
    midnight = noon.replace(hour=0)
    days = [(midnight, midnight + timedelta(days=2)), (midnight + timedelta(days=9), midnight + timedelta(days=10))]
    assert list(found["_kafka_timestamp"].ranges) == days
    assert found["_kafka_partition"].values == (0, 3)
    assert set(found["_kafka_offset"].values) == {5, 7, 9}


@pytest.mark.parametrize("more", [1, 30])
def test_what_comes_late_in_a_batch_lies_within_its_bounds(more: int) -> None:
    """Behind as many rows as are looked at to see whether there are few values."""
    world = World(1)
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    partitions = [7] * 3_000 + list(range(more))
    rows = _rows([noon] * len(partitions), partitions, list(range(len(partitions))))
    found = {one.column: one for one in bounds.of_rows(rows, world.target(world.config()))}
    if more == 1:
        assert set(found["_kafka_partition"].values) == {0, 7}
    else:
        assert found["_kafka_partition"].ranges == ((0, 29),)
    assert found["_kafka_offset"].ranges == ((0, len(partitions) - 1),)


def test_many_values_become_a_span_with_both_ends() -> None:
    world = World(1)
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    rows = _rows([noon] * 100, [0] * 100, list(range(100, 200)))
    found = {one.column: one for one in bounds.of_rows(rows, world.target(world.config()))}
    assert found["_kafka_offset"].ranges == ((100, 199),)


@pytest.mark.parametrize("immutable", [False, True])
def test_a_business_key_bounds_the_partition_only_where_it_is_promised_to_stay(immutable: bool) -> None:
    """The same order may come again on another day: bounds by this batch's day would hide the row that is there."""
    world = World(1)
    settings = {**KEEP, "partition_by": "_kafka_timestamp"}
    if immutable:
        settings |= {"partition_immutable": True}
    target = world.target(world.config(**settings))
    rows = _rows([datetime(2026, 3, 1, tzinfo=UTC)], [0], [1]).append_column("id", pa.array(["a"]))
    assert ("_kafka_timestamp" in {one.column for one in bounds.of_rows(rows, target)}) is immutable


def test_an_order_that_comes_again_on_another_day_is_found() -> None:
    world = World(1)
    world.send({"id": "a", "n": 1}, timestamp_ms=0)
    world.run(**KEEP)
    world.send({"id": "a", "n": 2}, timestamp_ms=86_400_000 * 40)
    report = world.run(**KEEP)
    assert (report.rows["inserted"], report.rows["unchanged"]) == (0, 1)
    assert [row["n"] for row in world.rows()] == [1]
