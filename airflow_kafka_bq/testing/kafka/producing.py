"""Messages into Kafka, from a test: where each one landed is known when the function returns."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from confluent_kafka import KafkaError, KafkaException, Producer
from confluent_kafka import Message as DeliveredMessage

from airflow_kafka_bq.testing.kafka.api_keys import error_code


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A message to produce.

    :param value: bytes as they are, text in UTF-8, a mapping as JSON, None for a tombstone.
    :param headers: pairs in order; a name may repeat, a value may be None.
    :param partition: None leaves the choice to the client: by hash of the key, at random without one.
    :param timestamp_ms: milliseconds since 1970; None or 0 takes the time of producing.
    """

    value: bytes | str | Mapping[str, Any] | None = None
    key: bytes | str | None = None
    headers: Sequence[tuple[str, bytes | None]] = ()
    partition: int | None = None
    timestamp_ms: int | None = None


Messages: TypeAlias = Iterable[NewMessage | bytes | str | Mapping[str, Any] | None]
"""What the functions here take: whole messages, or values alone."""


class Acknowledged(NamedTuple):
    """Coordinates that the broker gave a message: topic, partition, offset, timestamp in milliseconds since 1970."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int


def produce(
    bootstrap: str,
    topic: str,
    messages: Messages,
    *,
    settings: Mapping[str, Any] | None = None,
    timeout_seconds: float = 30.0,
) -> list[Acknowledged]:
    """Produce ``messages`` and wait for all acknowledgements; retries cannot duplicate or reorder them.

    :param settings: further client settings, such as ``compression.type`` or those of a login.
    :returns: one entry for each message, in the order given.
    :raises KafkaException: a message was refused, or not acknowledged in time.
    """
    producer = new_producer(bootstrap, settings)
    return send(producer, topic, messages, timeout_seconds=timeout_seconds)


def new_producer(bootstrap: str, settings: Mapping[str, Any] | None = None) -> Producer:
    """An idempotent producer, for several calls of :func:`send`; it connects when first used."""
    ours: dict[str, Any] = {"bootstrap.servers": bootstrap, "enable.idempotence": True, "linger.ms": 2, "log_level": 3}
    return Producer(ours | dict(settings or {}))


def send(producer: Producer, topic: str, messages: Messages, *, timeout_seconds: float = 30.0) -> list[Acknowledged]:
    """:func:`produce` with a producer that is there already; within a transaction if it has begun one."""
    deliveries = _Deliveries()
    for position, message in enumerate(messages):
        _enqueue(
            producer, topic, message if isinstance(message, NewMessage) else NewMessage(message), deliveries, position
        )
    missing = producer.flush(timeout_seconds)
    if missing:
        raise KafkaException(KafkaError(error_code("_TIMED_OUT"), f"{missing} messages not acknowledged"))
    return deliveries.in_order()


class _Deliveries:
    """Collects acknowledgements, which arrive by partition, into the order of producing."""

    def __init__(self) -> None:
        self._by_position: dict[int, Acknowledged] = {}
        self._error: KafkaError | None = None

    def record(self, position: int, error: KafkaError | None, message: DeliveredMessage) -> None:
        if error is not None:
            self._error = self._error or error
            return
        topic, partition, offset = message.topic(), message.partition(), message.offset()
        if topic is None or partition is None or offset is None:
            raise AssertionError("a delivered message has coordinates")
        self._by_position[position] = Acknowledged(topic, partition, offset, message.timestamp()[1])

    def in_order(self) -> list[Acknowledged]:
        if self._error is not None:
            raise KafkaException(self._error)
        return [self._by_position[position] for position in range(len(self._by_position))]


def _enqueue(producer: Producer, topic: str, message: NewMessage, deliveries: _Deliveries, position: int) -> None:
    """A full queue is emptied first: a test may produce more than the client holds."""
    value = json.dumps(message.value) if isinstance(message.value, Mapping) else message.value
    options: dict[str, Any] = {
        "key": message.key,
        "value": value,
        "headers": list(message.headers),
        "partition": -1 if message.partition is None else message.partition,
        "timestamp": message.timestamp_ms or 0,
        "on_delivery": lambda error, delivered: deliveries.record(position, error, delivered),
    }
    while True:
        try:
            return producer.produce(topic, **options)
        except BufferError:
            producer.poll(0.1)
