from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest

from airflow_kafka_bq.batch import ColumnBounds
from airflow_kafka_bq.config import IntegerRange, Partitioning
from airflow_kafka_bq.exceptions import MergeRejectedError
from airflow_kafka_bq.pipeline import bounds
from airflow_kafka_bq.pipeline.partitions import floor, partitions, written_since
from airflow_kafka_bq.schema.columns import Column
from tests.bigquery.targets import FIELDS, keep, rows

RANGES = IntegerRange("n", -10, 25, 10)  # the last one is -10+30..25, smaller than the others


@pytest.mark.parametrize(
    ("values", "ranges"),
    [
        ([-10], ((-10, 0),)),
        ([-1], ((-10, 0),)),
        ([0, 9], ((0, 10),)),
        ([0, 10], ((0, 20),)),
        ([-10, 10], ((-10, 0), (10, 20))),
        ([20, 24], ((20, 25),)),
        ([-11, -(2**63)], ((None, -10),)),
        ([25, 2**63 - 1], ((25, None),)),
        ([24, 25], ((20, None),)),
        ([-11, -10], ((None, 0),)),
        ([-(2**63), 2**63 - 1], ((None, -10), (25, None))),
    ],
)
def test_a_bound_is_the_whole_range(values: list[int], ranges: Any) -> None:
    assert partitions(pa.array(values, pa.int64()), RANGES) == ColumnBounds("n", ranges)


def test_null_is_a_partition_and_in_no_range() -> None:
    assert partitions(pa.array([None, 3], pa.int64()), RANGES) == ColumnBounds("n", ((0, 10),), has_null=True)


def test_many_ranges_are_joined_where_they_lie_nearest() -> None:
    ranges = IntegerRange("n", 0, 10_000, 1)
    values = [-1, *range(0, 999, 3), 9_000, 10_000]
    found = partitions(pa.array(values, pa.int64()), ranges).ranges
    assert len(found) == 100
    assert all(
        any((low is None or low <= one) and (high is None or one < high) for low, high in found) for one in values
    )
    assert found[-2:] == ((9_000, 9_001), (10_000, None))


def test_each_row_has_the_number_of_its_range() -> None:
    wide = IntegerRange("n", -(2**62), 2**62 - 1, 2**60)
    assert floor(pa.array([-(2**62), 0, 2**62, -(2**63), None], pa.int64()), wide).to_pylist() == [0, 4, 8, -1, None]


def test_what_was_written_since_begins_with_a_whole_partition() -> None:
    moment = datetime(2026, 1, 31, 6, 30, tzinfo=UTC)
    hours, months = (Partitioning("_PARTITIONTIME", "hour"), Partitioning("_PARTITIONTIME", "month"))
    for layout, first in ((hours, moment.replace(minute=0)), (months, datetime(2026, 1, 1, tzinfo=UTC))):
        assert written_since(moment, layout) == ColumnBounds("_PARTITIONTIME", ((first, None),), has_null=True)


def test_a_key_in_two_ranges_contradicts_the_promise() -> None:
    target = keep(*FIELDS, Column("n", "INT64"), partitioning=RANGES, immutable=True, cluster_by=())
    one, near, far = ({"order_id": "a", "n": number} for number in (1, 9, 11))
    (found,) = bounds.of_rows(rows(target, one, near), target)
    assert found == ColumnBounds("n", ((0, 10),))
    with pytest.raises(MergeRejectedError, match="several values of n"):
        bounds.of_rows(rows(target, one, far), target)


def test_rows_by_ingestion_time_go_into_one_partition_and_others_into_their_own() -> None:
    columns = (*FIELDS, Column("n", "INT64"))
    found = rows(keep(*columns), {"order_id": "a", "n": 1}, {"order_id": "b", "n": 99})
    assert bounds.touched(found, keep(*columns, partitioning=Partitioning("_PARTITIONTIME"))) is None
    assert bounds.touched(found, keep(*columns, partitioning=RANGES)).to_pylist() == [1, 4]


def test_nothing_but_a_window_bounds_rows_by_ingestion_time() -> None:
    plain = keep(partitioning=Partitioning("_PARTITIONTIME"), cluster_by=(), immutable=True)
    assert bounds.of_rows(rows(plain, {"order_id": "a"}), plain) == ()
