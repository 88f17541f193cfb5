"""The orders of the demo are what the story counts with."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from airflow_kafka_bq.demo.orders import PARTITIONS, Order, wave
from airflow_kafka_bq.testing.kafka import NewMessage


def is_order(message: NewMessage) -> bool:
    try:
        Order.model_validate_json(str(message.value))
    except ValidationError:
        return False
    return message.value is not None


def test_a_wave_holds_what_it_says() -> None:
    made = wave(20_000)
    valid = [message for message in made.messages if is_order(message)]
    assert (len(made.messages), made.orders, made.duplicates, made.bad, made.tombstones) == (
        20_000,
        18_800,
        1000,
        100,
        100,
    )
    assert len(valid) == made.orders + made.duplicates
    assert len({message.key for message in valid}) == made.orders
    assert sum(message.value is None for message in made.messages) == made.tombstones
    assert sum(message.value is not None and not is_order(message) for message in made.messages) == made.bad
    assert {message.partition for message in made.messages} == set(range(PARTITIONS))


def test_a_wave_is_the_same_each_time_and_shares_no_order_with_the_next() -> None:
    first, later = wave(1_000), wave(1_000, first_order=940)
    assert first == wave(1_000)
    keys = [{message.key for message in each.messages if is_order(message)} for each in (first, later)]
    assert keys[0] & keys[1] == set()


def test_an_order_comes_before_its_copy_and_before_its_tombstone_in_one_partition() -> None:
    seen: dict[object, NewMessage] = {}
    for message in wave(5_000).messages:
        if message.value is None:
            assert seen[message.key].value is not None
            assert seen[message.key].partition == message.partition
        elif message.key in seen:
            assert seen[message.key] == message
        seen[message.key] = message


@pytest.mark.parametrize("size", [1_000, 2_000, 100_000])
def test_bad_messages_stay_below_what_a_run_takes(size: int) -> None:
    made = wave(size)
    assert 0 < made.bad / size < 0.01
    assert made.tombstones > 0
    assert made.duplicates > 0
