from __future__ import annotations

import json

import pytest

from airflow_kafka_bq.kafka.progress import FetchPositions, interval_ms


def statistics(**partitions: int) -> str:
    parts = {key[1:]: {"partition": int(key[1:]), "next_offset": offset} for key, offset in partitions.items()}
    internal = {"-1": {"partition": -1, "next_offset": 0}}
    return json.dumps({"topics": {"t": {"partitions": parts | internal}, "other": {"partitions": {}}}})


def test_positions_of_open_partitions_are_told() -> None:
    positions = FetchPositions("t")
    assert positions.of({0: None}) == {}
    positions.record(statistics(p0=7, p1=-1001, p2=3))
    assert positions.of({0: None, 1: None}) == {0: 7}
    positions.record(json.dumps({"topics": {}}))
    assert positions.of({0: None}) == {0: 7}
    positions.clear()
    assert positions.of({0: None}) == {}


@pytest.mark.parametrize(("stall", "expected"), [(30, 5000), (60, 5000), (6, 1000), (0.1, 100)])
def test_a_stall_is_looked_at_several_times(stall: float, expected: int) -> None:
    assert interval_ms(stall) == expected
