from __future__ import annotations

from typing import Any

from airflow_kafka_bq.testing.memory.order import is_newer


def _row(partition: int, offset: int, timestamp: int) -> dict[str, Any]:
    return {"_kafka_topic": "t", "_kafka_partition": partition, "_kafka_offset": offset, "_kafka_timestamp": timestamp}


def test_timestamps_that_go_back_make_a_circle() -> None:
    """Known, and stated: no order of batches is the right one then."""
    a, b, c = _row(0, 1, 3), _row(0, 2, 1), _row(1, 1, 2)
    assert is_newer(b, a, ())
    assert is_newer(a, c, ())
    assert is_newer(c, b, ())
