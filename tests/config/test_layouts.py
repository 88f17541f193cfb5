"""Rules about partitions that need more than one parameter."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_kafka_bq.config import JobConfig
from airflow_kafka_bq.config.layouts import column_of
from airflow_kafka_bq.exceptions import ConfigError

KEYED = {"topic": "shop.orders", "table": "analytics.orders", "model": "shop:Order", "dedup_key": ["id"]}
RANGE = {"column": "shop", "start": 0, "end": 100, "interval": 10}
FILTERED = {"table_options": {"require_partition_filter": True}}


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"partition_by": "_PARTITIONTIME", "partition_immutable": True}, ("partition_immutable", "another time")),
        ({"partition_by": "_PARTITIONTIME", **FILTERED}, ("require_partition_filter", "set dedup_window")),
        (
            {"partition_by": "_PARTITIONTIME", "dedup_key": None, **FILTERED},
            ("require_partition_filter", "set dedup_window"),
        ),
        ({"partition_by": RANGE, **FILTERED}, ("require_partition_filter", "put the partition column")),
        (
            {"partition_by": RANGE, "table_options": {"partition_expiration_days": 3}},
            ("partition_expiration_days", "have no age"),
        ),
        ({"partition_by": RANGE, "dedup_window": "3d"}, ("dedup_window", "partitions by time")),
    ],
)
def test_refused(parameters: dict[str, Any], words: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError) as caught:
        JobConfig.of(**{**KEYED, **parameters})
    assert [word for word in words if word not in str(caught.value)] == []


@pytest.mark.parametrize(
    "parameters",
    [
        {"partition_by": "_PARTITIONTIME", "table_options": {"partition_expiration_days": 3}},
        {"partition_by": "_PARTITIONTIME", "dedup_window": "3d", **FILTERED},
        {"partition_by": "_PARTITIONTIME", "dedup_window": "3d", "dedup_key": None},
        {"partition_by": RANGE, "dedup_key": ["id", "shop"], **FILTERED},
        {"partition_by": RANGE, "partition_immutable": True, **FILTERED},
        {"partition_by": "created_on", "dedup_window": "3d", **FILTERED},
    ],
)
def test_taken(parameters: dict[str, Any]) -> None:
    JobConfig.of(**{**KEYED, **parameters})


def test_the_column_of_a_new_table() -> None:
    def column(**parameters: Any) -> str | None:
        return column_of(JobConfig.of(**{**KEYED, **parameters}))

    assert column() == "_kafka_timestamp"
    assert column(partition_by="Created_On") == "created_on"
    assert column(partition_by=RANGE) == "shop"
    assert column(partition_by="_PARTITIONTIME") == "_partitiontime"
    assert column(partition_by="none") is column(kafka_columns="none") is None
