from __future__ import annotations

import re
from typing import Any

import pytest

from airflow_kafka_bq.config import IntegerRange, Partitioning
from airflow_kafka_bq.config.partitioning import partitioning

RANGE = {"column": "shop", "start": 0, "end": 100, "interval": 10}


def test_a_column_and_how_it_is_cut() -> None:
    assert partitioning("created_on") == Partitioning("created_on", "day")
    assert partitioning("none") == "none"
    with pytest.raises(ValueError, match="granularity 'week' is none of hour, day, month, year"):
        partitioning("created_on:week")


@pytest.mark.parametrize("written", ["_PARTITIONTIME:hour", "_partitiontime:HOUR", {"column": "_PartitionTime"}])
def test_the_time_of_writing_is_a_column_of_bigquerys_own(written: Any) -> None:
    found = partitioning(written)
    assert found == Partitioning("_PARTITIONTIME", "day" if isinstance(written, dict) else "hour")
    assert found.by_ingestion
    assert not Partitioning("created_on").by_ingestion


def test_whole_numbers_are_ranges() -> None:
    found = partitioning({**RANGE, "start": "-5"})
    assert found == IntegerRange("shop", -5, 100, 10) == partitioning(found)
    assert (found.partitions, found.by_ingestion) == (11, False)
    assert IntegerRange("shop", 0, 100, 10).partitions == 10


def test_a_layout_is_named_as_people_say_it() -> None:
    names = map(str, (Partitioning("a", "month"), Partitioning("_PARTITIONTIME"), IntegerRange("a", 0, 9, 3)))
    assert list(names) == ["month of a", "day of ingestion", "a from 0 to 9 by 3"]


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("_PARTITIONDATE", "say _PARTITIONTIME:day"),
        ({**RANGE, "granularity": "day"}, "is neither"),
        ({"column": "shop", "start": 0, "end": 10}, "is neither"),
        ({**RANGE, "start": 1.5}, "'start' must be a whole number"),
        ({**RANGE, "end": True}, "'end' must be a whole number"),
        ({**RANGE, "end": 0}, "'start' 0 must lie below 'end' 0"),
        ({**RANGE, "end": 2**63}, "within 64 bits"),
        ({**RANGE, "start": -(2**62), "end": 2**62, "interval": 2**60}, "so their distance"),
        ({**RANGE, "interval": 0}, "'interval' 0 must be at least 1"),
        ({**RANGE, "end": 20_001, "interval": 2}, "'interval' 2 must be at least 3: a table has at most 10,000"),
        ({**RANGE, "column": "a;b"}, "is not a column name"),
    ],
)
def test_what_bigquery_would_refuse_is_refused(written: Any, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        partitioning(written)
