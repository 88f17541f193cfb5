"""How many bad messages a run may have."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from airflow_kafka_bq.batch import Decoded, Kind, Staged
from airflow_kafka_bq.exceptions import BadMessagesError
from airflow_kafka_bq.pipeline.limits import BadMessages
from tests.pipeline.decoding import Message, decoded
from tests.pipeline.world import GROUP, World

GOOD, BAD = Message(b"{}"), Message(b"{")


def batch(good: int, bad: int, **settings: Any) -> tuple[Decoded, Staged]:
    found = decoded([GOOD] * good + [BAD] * bad, **settings)
    messages = good + bad
    staged = Staged("b1", Kind.LIVE, (), messages, found.rows.num_rows, bad, found.ignored, 0, (), (), ())
    return found, staged


def limits(**settings: Any) -> BadMessages:
    return BadMessages(World(1).config(**settings), GROUP)


def test_the_ratio_counts_from_a_thousand_messages_on() -> None:
    """One of ten would be ten per cent, and one typo no reason to stop a topic."""
    limits().check(*batch(998, 1))
    limits().check(*batch(989, 10))
    limits().check(*batch(990, 10))  # 1 % is allowed
    with pytest.raises(BadMessagesError, match=r"11 of 1000 messages are bad; allowed is max_bad_ratio=0\.01"):
        limits().check(*batch(989, 11))


def test_the_ratio_is_of_the_run_and_not_of_a_batch() -> None:
    counting = limits()
    counting.check(*batch(2_000, 0))
    counting.check(*batch(100, 21))  # 17 % of this batch
    with pytest.raises(BadMessagesError, match="41 of 2142 messages"):
        counting.check(*batch(1, 20))


@pytest.mark.parametrize("most", [0, 3])
def test_a_number_counts_from_the_first_message_on(most: int) -> None:
    counting = limits(max_bad_messages=most, max_bad_ratio=None)
    counting.check(*batch(5, most))
    with pytest.raises(BadMessagesError, match=f"{most + 1} bad messages; allowed are max_bad_messages={most}"):
        counting.check(*batch(5, 1))


def test_without_limits_all_may_be_bad() -> None:
    limits(max_bad_ratio=None).check(*batch(0, 2_000))


def test_a_batch_without_a_bad_message_is_let_through_behind_bad_ones() -> None:
    """Its own messages are not at fault; what was over the limit has ended the run already."""
    counting = limits(max_bad_messages=1)
    with pytest.raises(BadMessagesError):
        counting.check(*batch(1, 2))
    counting.check(*batch(5, 0))


def test_fail_names_the_first_bad_message() -> None:
    with pytest.raises(BadMessagesError) as caught:
        limits(on_bad_message="fail").check(*batch(3, 1))
    error = caught.value
    assert (error.topic, error.partition, error.offset) == ("shop.orders", 0, 103)
    assert (error.group_id, error.batch_id) == (GROUP, "b1")
    assert "on_bad_message='fail'; the first of this batch: " in error.message


def test_what_a_policy_made_a_dead_letter_is_not_bad() -> None:
    """``on_tombstone='dead_letter'`` asks for it."""
    tombstones = decoded([Message(None)] * 5, on_tombstone="dead_letter")
    assert tombstones.dead_letters.num_rows == 5
    staged = Staged("b1", Kind.LIVE, (), 5, 0, 5, 0, 0, (), (), ())
    limits(on_bad_message="fail").check(tombstones, staged)


def test_a_batch_that_is_staged_again_counts_only_what_was_found_since() -> None:
    counting = limits(max_bad_messages=3, max_bad_ratio=None)
    first, staged = batch(5, 2)
    counting.check(first, staged)
    again, restaged = batch(4, 3)
    counting.check(again, restaged, counted=first)
    with pytest.raises(BadMessagesError, match="4 bad messages"):
        counting.check(*batch(0, 1))


def test_the_first_of_a_run_are_logged_and_those_of_a_batch_are_in_the_error(caplog: pytest.LogCaptureFixture) -> None:
    counting = limits(max_bad_messages=6, max_bad_ratio=None)
    counting.check(*batch(1, 3))
    with pytest.raises(BadMessagesError) as caught:
        counting.check(*batch(1, 4))
    assert [record.getMessage().split(":")[1] for record in caplog.records] == [
        *(f" partition 0, offset {at}" for at in (101, 102, 103)), *(f" partition 0, offset {at}" for at in (101, 102)),
    ]  # fmt: skip
    assert (
        caplog.records[0]
        .getMessage()
        .startswith("a message cannot be used: partition 0, offset 101: decode, invalid_json: ")
    )
    for at in (102, 103, 104):
        assert f"; partition 0, offset {at}: decode, invalid_json: " in caught.value.message


def test_of_a_redrive_the_first_are_logged_and_none_is_too_many(caplog: pytest.LogCaptureFixture) -> None:
    found, staged = batch(0, 2)
    limits(on_bad_message="fail").check(found, replace(staged, kind=Kind.REDRIVE))
    assert len(caplog.records) == 2


@pytest.mark.parametrize("stage", ["decode", "registry", "validate", "transform", "key", "load", "merge"])
def test_every_stage_that_rejects_counts(stage: str) -> None:
    found, staged = batch(5, 1)
    letters = found.dead_letters
    at = letters.schema.get_field_index("stage")
    moved = letters.set_column(at, letters.schema.field(at), pa.array([stage]))
    with pytest.raises(BadMessagesError):
        limits(max_bad_messages=0).check(replace(found, dead_letters=moved), staged)
