"""What travels is frozen, and speaks the words of the contract."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from airflow_kafka_bq import batch
from airflow_kafka_bq.batch import Failure, Kind, Outcome

VALUES = [getattr(batch, name) for name in batch.__all__ if dataclasses.is_dataclass(getattr(batch, name))]


def test_every_value_of_the_room_is_looked_at() -> None:
    assert {one.__name__ for one in VALUES} == {
        *("Applied", "Bounds", "ColumnBounds", "Committed", "Decoded", "Gap", "GroupFacts", "GroupMember"),
        *(
            "JobResult",
            "LedgerRow",
            "LetterPlace",
            "OffsetRange",
            "PartitionPlan",
            "Polled",
            "Position",
            "RawBatch",
            "RunContext",
        ),
        *("Delivered", "Portion", "Recent", "RunPlan", "Staged", "StagedTable", "TopicFacts", "Uncopied"),
        *("Absence", "Absent", "Rights", "Written"),
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


def test_words_of_the_contract() -> None:
    assert [str(one) for one in Kind] == ["live", "window", "redrive", "seek"]
    assert [str(one) for one in Outcome] == ["end", "limit", "window", "stopped"]
    assert json.dumps([Kind.LIVE, Outcome.END, Failure.AGAIN]) == '["live", "end", "again"]'
