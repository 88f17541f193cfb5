"""A list of the client's messages as one Arrow batch, column by column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
from confluent_kafka import TIMESTAMP_NOT_AVAILABLE, Message

from airflow_kafka_bq.batch import HEADERS, RAW_SCHEMA
from airflow_kafka_bq.exceptions import BadMessagesError


def record_batch(messages: Sequence[Message]) -> pa.RecordBatch:
    """RAW_SCHEMA, one row per message, in the given order. None of them is an error entry."""
    columns: list[pa.Array[Any]] = [
        _partitions(messages),
        pa.array([message.offset() for message in messages], pa.int64()),
        _timestamps(messages),
        pa.array([message.key() for message in messages], pa.binary()),
        pa.array([message.value() for message in messages], pa.binary()),
        _headers(messages),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=RAW_SCHEMA)


_NO_HEADERS = pa.nulls(1_000, HEADERS)  # of a poll; to make them anew costs more than to take a message's key
EMPTY = pa.RecordBatch.from_pylist([], schema=RAW_SCHEMA)


def last_of_each(messages: Sequence[Message]) -> dict[int | None, Message]:
    """The last message of each partition."""
    return dict(zip(map(Message.partition, messages), messages, strict=True))


def leader_epochs(last: Mapping[int | None, Message]) -> dict[int, int]:
    """Epoch of the last message per partition, where the broker tells one."""
    epochs = {partition: message.leader_epoch() for partition, message in last.items()}
    return {partition: epoch for partition, epoch in epochs.items() if partition is not None and epoch is not None}


def _partitions(messages: Sequence[Message]) -> pa.Array[Any]:
    """Most polls have one: to repeat a number costs a tenth of taking a thousand to Arrow."""
    numbers = [message.partition() for message in messages]
    if numbers and numbers.count(numbers[0]) == len(numbers):
        return pa.repeat(pa.scalar(numbers[0], pa.int64()), len(numbers))
    return pa.array(numbers, pa.int64())


def _timestamps(messages: Sequence[Message]) -> pa.Array[Any]:
    stamps = [message.timestamp() for message in messages]
    return pa.array([None if kind == TIMESTAMP_NOT_AVAILABLE else time for kind, time in stamps], pa.int64())


def _headers(messages: Sequence[Message]) -> pa.Array[Any]:
    """Null for a message without headers, so that topics without any cost one call per message and nothing else."""
    try:
        pairs = [message.headers() for message in messages]
    except (SystemError, UnicodeDecodeError) as failure:
        raise _unreadable(messages) from failure
    if not any(pairs):
        return _NO_HEADERS.slice(0, len(pairs)) if len(pairs) <= len(_NO_HEADERS) else pa.nulls(len(pairs), HEADERS)
    return pa.array([_header_structs(each) if each else None for each in pairs], HEADERS)


def _header_structs(pairs: Any) -> list[dict[str, Any]]:
    return [{"key": key, "value": value.encode() if isinstance(value, str) else value} for key, value in pairs]


def _unreadable(messages: Sequence[Message]) -> BadMessagesError:
    """The client cannot show headers of which a key is not UTF-8, nor their bytes."""
    for message in messages:
        try:
            message.headers()
        except (SystemError, UnicodeDecodeError):
            break
    return BadMessagesError(
        "a header's key is not UTF-8, and the Kafka client does not show such headers",
        topic=message.topic(),
        partition=message.partition(),
        offset=message.offset(),
        remedy="have the producer send valid header keys, and step over this message on purpose with `kafka-bq seek`",
    )
