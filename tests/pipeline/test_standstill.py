from __future__ import annotations

from airflow_kafka_bq.batch import OffsetRange
from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.pipeline.standstill import place


def test_the_only_open_partition_is_the_one_that_is_meant() -> None:
    error = ConfigError("too large", topic="t")
    place(error, [OffsetRange(3, 7, 90)])
    assert (error.partition, error.offset) == (3, 7)
    assert error.message == "too large; next to be read: offset 7 of partition 3"


def test_of_two_none_is_accused() -> None:
    error = ConfigError("too large", topic="t")
    place(error, [OffsetRange(0, 5, 9), OffsetRange(3, 7, 90)])
    assert (error.partition, error.offset) == (None, None)
    assert error.message == "too large; next to be read: offset 5 of partition 0, 7 of partition 3"


def test_where_all_is_read_nothing_is_added() -> None:
    error = ConfigError("no")
    place(error, [])
    assert (error.message, error.partition) == ("no", None)
