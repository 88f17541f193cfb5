"""The messages: orders as JSON of about 250 bytes, the same for the same seed, and the model that reads them."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka import Message as Delivered
from pydantic import AwareDatetime, BaseModel, Field

from airflow_kafka_bq.testing.kafka import create_topic, new_producer
from airflow_kafka_bq.testing.kafka.api_keys import error_code

SEED = 20260101
PARTITIONS = 4
_STATES = ("created", "paid", "packed", "shipped", "delivered", "returned")
_CITIES = ("Amsterdam", "Berlin", "Kraków", "Lisboa", "Lyon", "Malmö", "Praha", "Sevilla", "Wien")
_STREETS = ("Rue de la République", "Hauptstraße", "Prinsengracht", "Avenida da Liberdade", "Vodičkova")


class Address(BaseModel):
    """Where an order goes."""

    street: str
    city: str
    postcode: str
    country: str | None = None


class Order(BaseModel):
    """One order."""

    order_id: int
    customer: str
    state: str
    amount: Annotated[Decimal, Field(max_digits=12, decimal_places=2)]
    updated_at: AwareDatetime
    express: bool
    reference: str
    ship_to: Address


def values(messages: int, seed: int = SEED) -> Iterator[tuple[bytes, bytes]]:
    """(key, value) of orders 0 to ``messages`` - 1; the key is the customer."""
    draw = random.Random(seed)
    for number in range(messages):
        minute, milliseconds = divmod(number * 137, 60_000)
        customer = f"C{draw.randrange(100_000):06d}"
        updated_at = f"2026-01-{1 + minute // 1440 % 28:02d}T{minute // 60 % 24:02d}:{minute % 60:02d}"
        yield (
            customer.encode(),
            (
                f'{{"order_id":{number},"customer":"{customer}","state":"{_STATES[draw.randrange(6)]}",'
                f'"amount":{draw.randrange(100, 1_000_000) / 100:.2f},'
                f'"updated_at":"{updated_at}:{milliseconds / 1000:06.3f}Z",'
                f'"express":{"true" if draw.randrange(5) == 0 else "false"},"reference":"{draw.getrandbits(80):020x}",'
                f'"ship_to":{{"street":"{_STREETS[draw.randrange(5)]} {draw.randrange(1, 400)}",'
                f'"city":"{_CITIES[draw.randrange(9)]}","postcode":"{draw.randrange(10_000, 99_999)}",'
                f'"country":"{draw.choice(("AT", "CZ", "DE", "ES", "FR"))}"}}}}'
            ).encode(),
        )


def fill(bootstrap: str, topic: str, messages: int) -> dict[str, float]:
    """Create the topic and produce; order ``n`` is in partition ``n % PARTITIONS`` at offset ``n // PARTITIONS``.

    :raises KafkaException: a message was not acknowledged.
    """
    create_topic(bootstrap, topic, PARTITIONS)
    errors: list[KafkaError] = []

    def note(error: KafkaError | None, _: Delivered) -> None:
        if error is not None:
            errors.append(error)

    producer = new_producer(bootstrap, {"linger.ms": 20, "delivery.report.only.error": True, "on_delivery": note})
    size = 0
    for number, (key, value) in enumerate(values(messages)):
        size += len(value)
        while True:
            try:
                producer.produce(topic, value, key, partition=number % PARTITIONS)
                break
            except BufferError:
                producer.poll(0.1)
    if producer.flush(120) or errors:
        raise KafkaException(errors[0] if errors else KafkaError(error_code("_TIMED_OUT")))
    return {"messages": messages, "mean_value_bytes": round(size / messages, 1)}


if __name__ == "__main__":
    print(json.dumps(fill(sys.argv[1], sys.argv[2], int(sys.argv[3]))))
