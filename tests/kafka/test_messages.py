from __future__ import annotations

from typing import Any

import pytest
from confluent_kafka import TIMESTAMP_CREATE_TIME, TIMESTAMP_NOT_AVAILABLE, Message

from airflow_kafka_bq.batch import RAW_SCHEMA
from airflow_kafka_bq.kafka.messages import EMPTY, last_of_each, leader_epochs, record_batch


def message(offset: int, **more: Any) -> Message:
    facts: dict[str, Any] = {"topic": "t", "partition": 0, "timestamp": (TIMESTAMP_CREATE_TIME, 5), "value": b"v"}
    return Message(**(facts | {"offset": offset} | more))


def test_every_field_arrives_as_it_was() -> None:
    batch = record_batch(
        [
            message(7, key=b"k", headers=[("a", b"1"), ("a", None)]),
            message(8, partition=3, value=None, key=b"", timestamp=(TIMESTAMP_NOT_AVAILABLE, -1)),
            message(9, value=b"\x00\xff", headers=[]),
        ]
    )
    assert batch.schema == RAW_SCHEMA
    assert batch.to_pydict() == {
        "partition": [0, 3, 0],
        "offset": [7, 8, 9],
        "timestamp_ms": [5, None, 5],
        "key": [b"k", b"", None],
        "value": [b"v", None, b"\x00\xff"],
        "headers": [[{"key": "a", "value": b"1"}, {"key": "a", "value": None}], None, None],
    }


def test_messages_without_headers_have_none() -> None:
    batch = record_batch([message(1), message(2)])
    assert batch.schema == RAW_SCHEMA
    assert batch.column("headers").to_pylist() == [None, None]
    assert EMPTY.schema == RAW_SCHEMA


@pytest.mark.parametrize("epoch", [0, 4])
def test_the_epoch_of_the_last_message_counts(epoch: int) -> None:
    found = leader_epochs(
        last_of_each([message(1, leader_epoch=9), message(2, leader_epoch=epoch), message(3, partition=1)])
    )
    assert found == {0: epoch}
