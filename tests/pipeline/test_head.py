"""Where a run stands."""

from __future__ import annotations

from dataclasses import replace

from airflow_kafka_bq.batch import OffsetRange, Position
from airflow_kafka_bq.pipeline.head import Head
from tests.bigquery.targets import payload, staged


def test_positions_behind_a_batch_are_the_ends_of_its_ranges() -> None:
    batch = replace(staged(payload()), ranges=(OffsetRange(1, 4, 9, 2),))
    head = Head({0: Position(7), 1: Position(4)}, 3)
    assert head.after(batch) == {0: Position(7), 1: Position(9, 2)}
    assert head.positions[1] == Position(4)
