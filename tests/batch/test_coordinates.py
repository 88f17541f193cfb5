from __future__ import annotations

import pytest

from airflow_kafka_bq.batch.coordinates import Committed, Gap, GroupFacts, OffsetRange, Polled, Position


def test_a_range_is_half_open_and_its_position_is_the_next_offset() -> None:
    assert OffsetRange(3, 10, 20, leader_epoch=7).position == Position(20, 7)
    assert OffsetRange(3, 10, 20).position == Position(20, None)


def test_a_position_of_another_epoch_is_another_one() -> None:
    """After an election the same offset may be another message."""
    assert Position(20, 7) != Position(20, 8)
    assert Committed(Position(20)) == Committed(Position(20, None), "")


def test_a_gap_in_the_report() -> None:
    assert Gap(3, 10, 20).to_json() == {"partition": 3, "start": 10, "end": 20}


def test_what_nobody_told_is_empty() -> None:
    assert GroupFacts() == GroupFacts(members=(), other_topics=(), unchecked=())
    with pytest.raises(TypeError):
        Polled()  # type: ignore[call-arg]  # an answer without messages still has their schema
