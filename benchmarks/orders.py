"""The messages: orders as JSON of about 250 bytes, the same for the same seed, and the model that reads them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, Field

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
