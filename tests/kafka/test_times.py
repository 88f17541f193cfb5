"""A timestamp is found by a few questions to the index of times, whatever the timestamps look like."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_kafka_bq.kafka import offsets
from airflow_kafka_bq.kafka.times import times_at
from airflow_kafka_bq.testing.memory.log import PartitionLog, Record

DAY_MS = 86_400_000


class Index:
    """A broker's index of one partition; counts questions."""

    def __init__(self, stamps: list[int]) -> None:
        self.stamps, self.asked = stamps, 0

    def answers(self, _requests: Any, _topic: str, specs: dict[int, Any]) -> dict[int, tuple[int, int]]:
        if not specs:
            return {}
        self.asked += 1
        asked = specs[0]._value if hasattr(specs[0], "_value") else specs[0]
        if asked == "max":
            best = max(range(len(self.stamps)), key=lambda at: (self.stamps[at], -at), default=-1)
            return {0: (best, self.stamps[best])} if best >= 0 else {0: (-1, -1)}
        found = next(((at, ms) for at, ms in enumerate(self.stamps) if ms >= int(asked)), (-1, -1))
        return {0: found}


class Specs:
    """Stands for the client's, whose values cannot be read back."""

    @staticmethod
    def for_timestamp(at_ms: int) -> int:
        return at_ms

    @staticmethod
    def max_timestamp() -> str:
        return "max"


def found(stamps: list[int], offset: int) -> tuple[int | None, int]:
    index = Index(stamps)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(offsets, "answers", index.answers)
        patch.setattr("airflow_kafka_bq.kafka.times._SPEC", Specs)
        requests: Any = None
        return times_at(requests, "t", {0: offset}).get(0), index.asked


def test_the_last_message_is_told_by_the_greatest_timestamp() -> None:
    """A millisecond behind the first one there is nothing left to halve."""
    assert found([0, 1], 1) == (1, 2)
    assert found([0, 1, 1], 2)[0] == 1
    assert found([5, 6, 2], 2)[0] == 6


@given(st.lists(st.integers(0, 40) | st.integers(0, 2**41), min_size=1, max_size=30), st.data())
def test_it_is_what_the_log_in_memory_says(stamps: list[int], data: st.DataObject) -> None:
    offset = data.draw(st.integers(0, len(stamps) - 1))
    log = PartitionLog()
    for ms in stamps:
        log.append(Record(-1, ms))
    assert found(stamps, offset)[0] == log.time_at(offset)


def test_an_ordered_log_is_exact_in_few_questions() -> None:
    stamps = [1_700_000_000_000 + at * 137 + (at % 7) * 3 for at in range(5_000)]
    most = 0
    for offset in range(0, 5_000, 97):
        at, asked = found(stamps, offset)
        assert at == stamps[offset]
        most = max(most, asked)
    assert most <= 30


def test_messages_of_one_millisecond_are_as_old_as_it_is() -> None:
    assert found([DAY_MS] * 10, 6)[0] == DAY_MS


def test_without_an_index_nothing_is_known() -> None:
    assert found([], 0) == (None, 1)
