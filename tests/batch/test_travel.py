from __future__ import annotations

from dataclasses import replace

import pytest

from airflow_kafka_bq.batch.coordinates import Bounds, TopicFacts
from airflow_kafka_bq.batch.travel import Kind, LedgerRow, PartitionPlan, RunPlan


def part(number: int, start: int, end: int) -> PartitionPlan:
    return PartitionPlan(number, start, end, None, Bounds(0, end, end), committed=None)


def test_lag_is_what_lies_between_start_and_end() -> None:
    assert part(0, 5, 12).lag == 7
    plan = RunPlan(
        facts=TopicFacts("shop.orders", (0, 1, 2), None, None),
        pipeline="p",
        kind=Kind.LIVE,
        partitions={0: part(0, 5, 12), 1: part(1, 3, 3), 2: part(2, 0, 1)},
        revision=0,
        positions={},
    )
    assert plan.lag == 8
    assert replace(plan, partitions={}).lag == 0


@pytest.mark.parametrize(
    ("written", "found", "same"),
    [("a", "a", True), ("a", "b", False), (None, "b", True), ("a", None, True), (None, None, True)],
)
def test_a_row_is_of_another_topic_only_if_both_ids_are_told(
    written: str | None, found: str | None, same: bool
) -> None:
    row = LedgerRow("p", "t", written, None, "g", 1, None, None, {}, None)
    assert row.is_of(TopicFacts("t", (0,), found, None)) is same
