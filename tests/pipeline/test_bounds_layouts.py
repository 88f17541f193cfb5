"""Bounds for every layout that a target may have: hours to years, NULLs, dates and texts, few values and many."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from airflow_kafka_bq.config import Partitioning
from airflow_kafka_bq.exceptions import MergeRejectedError
from airflow_kafka_bq.pipeline import bounds
from airflow_kafka_bq.schema.columns import Column
from airflow_kafka_bq.schema.target import Target
from tests.pipeline.world import World

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
UTC_TYPE = pa.timestamp("us", tz="UTC")


def layout(*columns: Column, key: tuple[str, ...], partition: Partitioning | None = None, **others: Any) -> Target:
    base = World(1).job().target
    return replace(base, columns=columns, key=key, partitioning=partition, by_coordinates=False, **others)


def rows(**columns: Any) -> pa.Table:
    arrays = {name: values if isinstance(values, pa.Array) else pa.array(values) for name, values in columns.items()}
    count = len(next(iter(arrays.values())))
    return pa.table({"_tombstone": pa.array([False] * count), **arrays})


def partitions_of(values: Any, granularity: Any, kind: str = "TIMESTAMP") -> tuple[tuple[Any, Any], ...]:
    target = layout(Column("at", kind), key=("at",), partition=Partitioning("at", granularity), cluster_by=())
    (found,) = bounds.of_rows(rows(at=values), target)
    return found.ranges


@pytest.mark.parametrize(
    ("granularity", "low", "high"),
    [
        ("hour", NOON, NOON + timedelta(hours=1)),
        ("day", NOON.replace(hour=0), datetime(2026, 2, 1, tzinfo=UTC)),
        ("month", datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)),
        ("year", datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)),
    ],
)
def test_a_bound_is_the_whole_partition(granularity: str, low: datetime, high: datetime) -> None:
    values = pa.array([NOON, NOON + timedelta(minutes=59)], UTC_TYPE)
    assert partitions_of(values, granularity) == ((low, high),)


def test_december_is_followed_by_january() -> None:
    values = pa.array([datetime(2025, 12, 31, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)], UTC_TYPE)
    assert partitions_of(values, "month") == ((datetime(2025, 12, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)),)


def test_dates_and_datetimes_are_partitions_too() -> None:
    assert partitions_of(pa.array([date(2026, 1, 31)]), "day", "DATE") == ((date(2026, 1, 31), date(2026, 2, 1)),)
    texts = pa.array(["2026-01-31T12:00:00", "2026-01-31T13:00:00"])  # a DATETIME travels as text
    midnight = datetime(2026, 1, 31)
    assert partitions_of(texts, "day", "DATETIME") == ((midnight, midnight + timedelta(days=1)),)


def test_behind_the_last_day_of_all_there_is_no_bound() -> None:
    ((low, high),) = partitions_of(pa.array([date(9999, 12, 31)]), "day", "DATE")
    assert (low, high) == (date(9999, 12, 31), None)


def test_many_days_are_joined_where_they_lie_nearest() -> None:
    """A statement has a size too: a hundred ranges are listed, and none is left out."""
    days = [date(2000, 1, 1) + timedelta(days=3 * number) for number in range(250)] + [date(2026, 1, 1)]
    found = partitions_of(pa.array(days), "day", "DATE")
    assert len(found) == 100
    assert all(any(low <= day < high for low, high in found) for day in days)
    assert found[-1] == (date(2026, 1, 1), date(2026, 1, 2))  # the far one is not joined


def test_a_null_is_a_partition() -> None:
    target = layout(Column("at", "DATE"), key=("at",), partition=Partitioning("at"), cluster_by=())
    (found,) = bounds.of_rows(rows(at=pa.array([None, date(2026, 1, 1)], pa.date32())), target)
    assert (found.has_null, len(found.ranges)) == (True, 1)


def span(column: Column, values: Any) -> tuple[Any, ...]:
    target = layout(column, key=(column.name,), cluster_by=(column.name,))
    return tuple((one.values, one.ranges) for one in bounds.of_rows(rows(**{column.name: values}), target))


def test_few_values_are_listed_and_many_are_a_range() -> None:
    number = Column("n", "INT64")
    assert span(number, list(range(20)) * 3) == ((tuple(range(20)), ()),)
    assert span(number, list(range(21))) == (((), ((0, 20),)),)
    assert span(Column("s", "STRING"), [f"{n:03}" for n in range(30)]) == (((), (("000", "029"),)),)
    assert span(Column("t", "TIMESTAMP"), pa.array([NOON], UTC_TYPE)) == (((), ((NOON, NOON),)),)


@pytest.mark.parametrize(
    ("column", "values"),
    [
        (Column("f", "FLOAT64"), [1.0]),  # NaN and -0.0 have no order that both sides share
        (Column("s", "STRING"), ["x" * 600, *(f"{n}" for n in range(30))]),
        (Column("s", "STRING"), ["x" * 600]),
        (Column("n", "INT64"), pa.array([None], pa.int64())),
        (Column("a", "INT64", "REPEATED"), [[1]]),
    ],
)
def test_what_cannot_be_bounded_is_left_unbounded(column: Column, values: Any) -> None:
    assert [found for found in span(column, values) if found[0] == () and found[1] == ()] == []
    assert "x" * 513 not in str(span(column, values))
    assert span(column, values) == ()


def test_a_column_that_the_key_does_not_decide_is_no_bound() -> None:
    """The row that is there may have another value of it."""
    target = layout(Column("id", "INT64"), Column("n", "INT64"), key=("id",), cluster_by=("n", "id"), immutable=False)
    assert [one.column for one in bounds.of_rows(rows(id=[1, 2], n=[5, 6]), target)] == ["id"]
    timed = replace(target, columns=(*target.columns, Column("at", "DATE")), partitioning=Partitioning("at"))
    found = bounds.of_rows(rows(id=[1], n=[5], at=pa.array([date(2026, 1, 1)])), timed)
    assert [one.column for one in found] == ["id"]


def test_a_key_with_two_partitions_contradicts_what_was_promised() -> None:
    columns = (Column("id", "INT64"), Column("at", "DATE"))
    target = layout(*columns, key=("id",), partition=Partitioning("at"), cluster_by=(), immutable=True)
    days = [date(2026, 1, 1), date(2026, 1, 1), date(2026, 1, 2)]
    bounds.of_rows(rows(id=[1, 1, 2], at=pa.array(days)), target)
    for clashing in (days, [None, *days[1:]]):
        with pytest.raises(MergeRejectedError, match="partition_immutable does not hold: 1 keys"):
            bounds.of_rows(rows(id=[1, 2, 1], at=pa.array(clashing, pa.date32())), target)


def test_tombstones_alone_have_bounds_as_well() -> None:
    target = layout(Column("id", "INT64"), key=("id",), cluster_by=("id",))
    only = rows(id=[7]).set_column(0, "_tombstone", pa.array([True]))
    (found,) = bounds.of_rows(only, target)
    assert found.values == (7,)
