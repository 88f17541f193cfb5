from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest

from airflow_kafka_bq.batch import HEADERS, RAW_SCHEMA
from airflow_kafka_bq.formats.coordinates import coordinates, headers, kafka_timestamps

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST, END = datetime(1960, 1, 1, tzinfo=UTC), datetime(2160, 1, 1, tzinfo=UTC)


def milliseconds(moment: datetime) -> int:
    return round((moment - EPOCH).total_seconds() * 1000)


def stamped(*values: int | None) -> tuple[list[Any], int]:
    found, replaced = kafka_timestamps(pa.chunked_array([pa.array(values, pa.int64())]))
    assert found.type == pa.timestamp("us", tz="UTC")
    return found.to_pylist(), replaced


def test_the_years_that_partitions_can_be_made_for_are_kept() -> None:
    last = milliseconds(END) - 1
    assert stamped(milliseconds(FIRST), 0, last) == (
        [FIRST, EPOCH, END.replace(year=2159, month=12, day=31, hour=23, minute=59, second=59, microsecond=999_000)],
        0,
    )


@pytest.mark.parametrize("outside", [None, -1 - 315_619_200_000, milliseconds(END), 2**63 - 1, -(2**63)])
def test_no_timestamp_or_one_outside_of_them_is_the_epoch_and_counted(outside: int | None) -> None:
    assert stamped(outside, 1000, outside) == ([EPOCH, EPOCH.replace(second=1), EPOCH], 2)


def test_nothing_is_nothing() -> None:
    assert stamped() == ([], 0)


def test_coordinates_are_columns_by_name_and_never_null() -> None:
    raw = {
        "partition": [0, 1],
        "offset": [7, 8],
        "timestamp_ms": [None, 1000],
        "key": [b"a", None],
        "value": [None, b"{}"],
        "headers": [None, [{"key": "h", "value": None}]],
    }
    found = coordinates(pa.Table.from_pydict(raw, RAW_SCHEMA), "shop.orders", pa.array(["a", None]))
    table = pa.table(found)
    assert table.to_pylist() == [
        {
            "_kafka_topic": "shop.orders",
            "_kafka_partition": partition,
            "_kafka_offset": offset,
            "_kafka_timestamp": moment,
            "_kafka_key": key,
            "_kafka_headers": lines,
        }
        for partition, offset, moment, key, lines in [
            (0, 7, EPOCH, "a", []),
            (1, 8, EPOCH.replace(second=1), None, [{"key": "h", "value": None}]),
        ]
    ]


def test_headers_that_are_there_are_not_copied() -> None:
    some: Any = pa.array([[], [{"key": "h", "value": b"1"}]], HEADERS)
    assert headers(some) is some
