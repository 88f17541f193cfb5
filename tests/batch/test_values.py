"""What travels is frozen, and its small sums are right."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from airflow_kafka_bq import batch
from airflow_kafka_bq.batch import (
    Bounds,
    Failure,
    Gap,
    JobResult,
    Kind,
    OffsetRange,
    Outcome,
    PartitionPlan,
    Position,
    RunPlan,
    TopicFacts,
)

VALUES = [getattr(batch, name) for name in batch.__all__ if dataclasses.is_dataclass(getattr(batch, name))]


def part(number: int, start: int, end: int) -> PartitionPlan:
    return PartitionPlan(number, start, end, None, Bounds(0, end, end), committed=None)


def test_every_value_of_the_room_is_looked_at() -> None:
    assert {one.__name__ for one in VALUES} == {
        *("Applied", "Bounds", "ColumnBounds", "Committed", "Decoded", "Gap", "GroupFacts", "GroupMember"),
        *("JobResult", "LedgerRow", "OffsetRange", "PartitionPlan", "Polled", "Position", "RawBatch", "RunContext"),
        *("RunPlan", "Staged", "TopicFacts"),
    }


@pytest.mark.parametrize("kind", VALUES)
def test_a_value_is_frozen_and_takes_nothing_new(kind: Any) -> None:
    value = kind(**{field.name: None for field in dataclasses.fields(kind)})
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(value, dataclasses.fields(kind)[0].name, 1)
    with pytest.raises((AttributeError, TypeError)):  # TypeError: Python's own answer for slots
        value.something_new = 1
    assert not hasattr(value, "__dict__")


@pytest.mark.parametrize("kind", VALUES)
def test_no_two_values_share_a_mutable_default(kind: Any) -> None:
    defaults = [field.default for field in dataclasses.fields(kind)]
    assert [one for one in defaults if isinstance(one, dict | list | set)] == []


def test_a_range_is_half_open_and_its_position_is_the_next_offset() -> None:
    assert OffsetRange(3, 10, 20, leader_epoch=7).position == Position(20, 7)
    assert OffsetRange(3, 10, 20).position == Position(20, None)


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


def test_a_gap_in_the_report() -> None:
    assert Gap(3, 10, 20).to_json() == {"partition": 3, "start": 10, "end": 20}


def test_words_of_the_contract() -> None:
    assert [str(one) for one in Kind] == ["live", "window", "redrive"]
    assert [str(one) for one in Outcome] == ["end", "limit", "window", "stopped"]
    assert json.dumps([Kind.LIVE, Outcome.END, Failure.AGAIN]) == '["live", "end", "again"]'


def test_a_finished_job_without_failure_is_a_success() -> None:
    assert JobResult("id").failure is None
    assert JobResult("id").error is None
