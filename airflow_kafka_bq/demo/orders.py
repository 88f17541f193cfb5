"""The orders of the demo: what is in the topic, and what has to be in the table. The same for the same size."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from pydantic import BaseModel

from airflow_kafka_bq.testing.kafka import NewMessage

TOPIC = "shop.orders"
PARTITIONS = 4
_SEED = 20_250_615
_FIRST_DAY = datetime(2025, 6, 1, tzinfo=UTC)
_DAYS = 30


class Order(BaseModel):
    """A row."""

    order_id: str
    ordered_on: date
    customer: str | None = None
    total: Decimal | None = None
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Wave:
    """Messages in the order of producing, and how many there are of each kind."""

    messages: tuple[NewMessage, ...]
    orders: int
    duplicates: int  # sent twice, as a producer does that got no answer the first time
    bad: int
    tombstones: int  # each for an order of the same wave


def wave(size: int, first_order: int = 0) -> Wave:
    """``size`` messages: one in 20 is a duplicate, one in 200 is bad, one in 200 is a tombstone.

    An order's messages are all in one partition. A duplicate comes somewhere behind its order, a tombstone behind an
    order that was sent once.

    :param first_order: number of the first order: waves with other numbers share no order.
    """
    duplicates, bad, tombstones = size // 20, size // 200, size // 200
    orders = size - duplicates - bad - tombstones
    choice = random.Random(_SEED + first_order)  # noqa: S311 - the counts have to be the same each time
    chosen = choice.sample(range(orders), duplicates + tombstones)
    values = [_value(first_order + number, choice) for number in range(orders)]
    placed = [(float(number), _message(first_order + number, value)) for number, value in enumerate(values)]
    for number in chosen[:duplicates]:
        place = choice.uniform(number, orders)
        placed.append((place, _message(first_order + number, values[number])))
    for number in chosen[duplicates:]:
        place = choice.uniform(number, orders)
        placed.append((place, _message(first_order + number, None)))
    for number in range(bad):
        partition = number % PARTITIONS
        placed.append((choice.uniform(0, orders), NewMessage(_bad(number), key=f"bad-{number}", partition=partition)))
    placed.sort(key=lambda pair: pair[0])
    return Wave(tuple(message for _, message in placed), orders, duplicates, bad, tombstones)


def _value(number: int, choice: random.Random) -> str:
    ordered = _FIRST_DAY + timedelta(seconds=choice.randrange(_DAYS * 86_400))
    return json.dumps({
        "order_id": _order_id(number),
        "ordered_on": ordered.date().isoformat(),
        "customer": f"customer-{choice.randrange(1_000)}",
        "total": choice.randrange(100, 50_000) / 100,
        "updated_at": ordered.isoformat(),
    })  # fmt: skip


def _message(number: int, value: str | None) -> NewMessage:
    return NewMessage(value, key=_order_id(number), partition=number % PARTITIONS)


def _order_id(number: int) -> str:
    return f"order-{number:06d}"


def _bad(number: int) -> str:
    """No JSON, JSON that was cut off, a field that is missing, a value of another type."""
    kinds = (
        "<order/>",
        '{"order_id": "order-',
        '{"ordered_on": "2025-06-15"}',
        '{"order_id": "order-x", "ordered_on": "soon", "updated_at": "2025-06-15T12:00:00Z"}',
    )
    return kinds[number % len(kinds)]
