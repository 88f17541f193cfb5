"""Partitions are shared out by outstanding messages."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from airflow_kafka_bq.batch import Bounds, Gap, Kind, PartitionPlan, Position, RunPlan, TopicFacts
from airflow_kafka_bq.pipeline.slicing import slices, whole


def plan(*lags: int, gaps: tuple[int, ...] = (), **other: Any) -> RunPlan:
    partitions = {
        number: PartitionPlan(number, 10, 10 + lag, None, Bounds(0, 10 + lag, 10 + lag), 10)
        for number, lag in enumerate(lags)
    }
    return RunPlan(
        TopicFacts("t", tuple(partitions), "id", "c"), "c/t", Kind.LIVE, partitions, 3,
        {number: Position(10) for number in partitions}, tuple(Gap(number, 5, 10) for number in gaps), **other,
    )  # fmt: skip


def lags(found: list[RunPlan]) -> list[int]:
    return [one.lag for one in found]


def test_messages_count_and_not_partitions() -> None:
    found = slices(plan(900, 100, 100, 100, 300, 300), 2)
    assert sorted(lags(found)) == [900, 900]
    assert sorted(len(one.partitions) for one in found) == [1, 5]


def test_never_more_slices_than_partitions_with_messages_and_never_none() -> None:
    assert lags(slices(plan(5, 0, 7, 0), 8)) == [7, 5]
    empty = slices(plan(0, 0), 4)
    assert lags(empty) == [0]
    assert set(empty[0].partitions) == {0, 1}


def test_a_gap_goes_with_its_partition() -> None:
    found = slices(plan(5, 0, 7, gaps=(0, 1)), 2)
    where = {gap.partition: number for number, one in enumerate(found) for gap in one.gaps}
    assert set(where) == {0, 1}
    assert all(gap.partition in one.partitions for one in found for gap in one.gaps)


@given(st.lists(st.integers(0, 1_000), min_size=1, max_size=30), st.integers(1, 9))
def test_together_they_are_the_plan_and_none_is_far_above_its_share(sizes: list[int], most: int) -> None:
    whole_plan = plan(*sizes)
    found = slices(whole_plan, most)
    assert whole(found) == whole_plan
    assert sum(len(one.partitions) for one in found) == len(sizes)
    ideal = max(max(sizes), -(-sum(sizes) // len(found)))
    assert max(lags(found)) <= max(sizes) + sum(sizes) / len(found)
    assert 3 * max(lags(found)) <= 4 * ideal + 3 * max(sizes)
    assert found == slices(whole_plan, most)
