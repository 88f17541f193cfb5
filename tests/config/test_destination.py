"""Where a position is moved to, as people and templates write it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from airflow_kafka_bq.config.destination import Destination
from airflow_kafka_bq.exceptions import ConfigError


@pytest.mark.parametrize(
    ("to", "found", "shown"),
    [
        ("earliest", "earliest", "earliest"),
        (" latest ", "latest", "latest"),
        ("2026-01-31T06:00:00", datetime(2026, 1, 31, 6, tzinfo=UTC), "2026-01-31T06:00:00+00:00"),
        (datetime(2026, 1, 31, tzinfo=UTC), datetime(2026, 1, 31, tzinfo=UTC), "2026-01-31T00:00:00+00:00"),
        ("1:456, 0:123", {0: 123, 1: 456}, "0:123,1:456"),
        ("{0: 123, 1: 456}", {0: 123, 1: 456}, "0:123,1:456"),
        ('{"0": 123}', {0: 123}, "0:123"),
        ({"0": "123"}, {0: 123}, "0:123"),
    ],
)
def test_what_it_takes(to: Any, found: Any, shown: str) -> None:
    destination = Destination.of(to)
    assert (destination.to, str(destination), destination.partitions) == (found, shown, None)


def test_partitions_are_numbers_or_text() -> None:
    assert Destination.of("latest", "0, 3").partitions == (0, 3)
    assert Destination.of("latest", [3]).partitions == (3,)


@pytest.mark.parametrize(
    ("to", "partitions", "said"),
    [
        ("yesterday", None, "--to: 'yesterday' is not an ISO time"),
        ("0:1,0:2", None, "names a partition twice"),
        ("0:-1", None, "--to '0:-1': an offset is a whole number from 0"),
        ("{0: -1}", None, "not partition: offset"),
        ("{0", None, "no mapping of partition to offset"),
        (7, None, "neither an ISO time nor"),
        ("0:1", "0", "offsets name their partitions"),
        ("latest", "a", "no list of numbers"),
        ("latest", [], "names no partition"),
    ],
)
def test_anything_else_is_refused(to: Any, partitions: Any, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Destination.of(to, partitions)
