"""Many JSON messages quickly, for benchmarks."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Producer

from airflow_kafka_bq.testing.kafka.api_keys import error_code
from airflow_kafka_bq.testing.kafka.producing import new_producer

_CHUNK_MESSAGES = 1_000
_STATES = ("created", "paid", "packed", "shipped", "delivered", "returned")


@dataclass(frozen=True, slots=True)
class BulkReport:
    """What :func:`produce_bulk` did; every message was acknowledged."""

    messages: int
    value_bytes: int
    seconds: float


def bulk_values(messages: int, *, seed: int = 0, first_id: int = 0) -> Iterator[bytes]:
    """JSON objects of about 250 bytes, the same for the same seed.

    Fields: ``order_id`` (``first_id`` and up, so unique), ``customer_id``, ``state``, ``amount``, ``currency``,
    ``updated_at`` (ISO 8601, one millisecond apart), ``express``, ``note``.
    """
    choice = random.Random(seed)  # noqa: S311 - test data must be repeatable
    notes = [f"{choice.getrandbits(400):0100x}" for _ in range(97)]
    amounts = [f"{choice.random() * 1000:.2f}" for _ in range(101)]
    clock = [f"{minute // 60:02d}:{minute % 60:02d}" for minute in range(1440)]
    for i in range(first_id, first_id + messages):
        minute, millisecond = divmod(i, 60_000)
        yield (
            b'{"order_id":%d,"customer_id":%d,"state":"%s","amount":%s,"currency":"EUR",'
            b'"updated_at":"2025-06-15T%s:%02d.%03dZ","express":%s,"note":"%s"}'
            % (
                i,
                i * 7919 % 100_003,
                _STATES[i % 6].encode(),
                amounts[i % 101].encode(),
                clock[minute % 1440].encode(),
                millisecond // 1000,
                millisecond % 1000,
                b"true" if i % 5 == 0 else b"false",
                notes[i % 97].encode(),
            )
        )


def produce_bulk(
    bootstrap: str,
    topic: str,
    messages: int,
    partitions: int,
    *,
    seed: int = 0,
    first_id: int = 0,
    compression: str = "none",
    settings: Mapping[str, Any] | None = None,
    timeout_seconds: float = 300.0,
) -> BulkReport:
    """Produce :func:`bulk_values` over partitions 0 to ``partitions`` - 1 in turn, and wait for the acknowledgements.

    Message number i goes to partition i modulo ``partitions``, without key, with the time of producing. Retries
    neither duplicate nor reorder.

    :raises KafkaException: a message was refused, or not acknowledged in time.
    """
    started = time.monotonic()
    errors: list[KafkaError] = []
    producer = _bulk_producer(bootstrap, compression, errors, settings)
    value_bytes = 0
    values = bulk_values(messages, seed=seed, first_id=first_id)
    while chunk := list(islice(values, _CHUNK_MESSAGES * partitions)):
        value_bytes += sum(map(len, chunk))
        for partition in range(partitions):
            _enqueue(producer, topic, partition, chunk[partition::partitions])
    missing = producer.flush(timeout_seconds)
    if missing:
        errors.append(KafkaError(error_code("_TIMED_OUT"), f"{missing} messages for {topic} not acknowledged"))
    if errors:
        raise KafkaException(errors[0])
    return BulkReport(messages, value_bytes, time.monotonic() - started)


def _bulk_producer(
    bootstrap: str, compression: str, errors: list[KafkaError], settings: Mapping[str, Any] | None
) -> Producer:
    """A callback in Python for every message would halve the rate: only failures call back."""

    def note(error: KafkaError | None, _: object) -> None:
        if error is not None:
            errors.append(error)

    ours = {
        "compression.type": compression,
        "linger.ms": 20,
        "queue.buffering.max.kbytes": 256 * 1024,
        "delivery.report.only.error": True,
        "on_delivery": note,
    }
    return new_producer(bootstrap, ours | dict(settings or {}))


def _enqueue(producer: Producer, topic: str, partition: int, values: list[bytes]) -> None:
    """The batch call ignores a partition inside a message, hence one call for each partition.

    Where the client's queue is full it takes the first messages, marks the rest, and does not raise.
    """
    waiting = [{"value": value} for value in values]
    while waiting:
        taken = producer.produce_batch(topic, waiting, partition=partition)
        waiting = [{"value": each["value"]} for each in waiting if "_error" in each] if taken < len(waiting) else []
        producer.poll(0.05 if waiting else 0)
