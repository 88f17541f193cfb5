"""The messages: shop events as JSON of about 245 bytes, the same for the same seed, and the model that reads them."""

from __future__ import annotations

import argparse
import json
import random
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from pydantic import AwareDatetime, BaseModel

SEED = 20260101
PARTITIONS = 4
_BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
_EVENTS = ("view", "click", "add_to_cart", "purchase", "refund")
_TAGS = ("new", "mobile", "promo", "eu", "us", "beta", "vip")
_SPREAD = 0x9E3779B97F4A7C15F39CC0605CEDC835  # an odd number: its multiples are all different


class Context(BaseModel):
    """Where it happened."""

    page: str
    ref: str
    tags: list[str]


class Event(BaseModel):
    """One event: six columns, one of them nested."""

    event_id: str
    user_id: int
    ts: AwareDatetime
    event: str
    amount: float
    context: Context


def values(messages: int, seed: int = SEED, *, bad_every: int | None = None) -> Iterator[tuple[bytes, bytes]]:
    """(key, value) of events 0 to ``messages`` - 1; the key is the user.

    :param bad_every: each so many-th message has a text where its amount should be.
    """
    draw = random.Random(seed)
    for number in range(messages):
        user = draw.randrange(100_000)
        event = {
            "event_id": str(uuid.UUID(int=(number + 1) * _SPREAD % 2**128)),
            "user_id": user,
            "ts": (_BEGAN + timedelta(milliseconds=37 * number)).isoformat(timespec="milliseconds"),
            "event": _EVENTS[draw.randrange(5)],
            "amount": round(draw.random() * 500, 2),
            "context": {
                "page": f"/shop/item/{draw.randrange(10_000)}",
                "ref": f"https://search.example.org/campaign/{draw.randrange(1_000)}",
                "tags": draw.sample(_TAGS, draw.randrange(1, 4)),
            },
        }
        if bad_every and number % bad_every == 0:
            event["amount"] = "a lot"
        yield str(user).encode(), json.dumps(event, separators=(",", ":")).encode()


if __name__ == "__main__":
    # What reads the messages imports the model of this module, and no model of a user brings a broker along.
    from confluent_kafka.admin import AdminClient

    from benchmarks.produce import produce

    parser = argparse.ArgumentParser()
    parser.add_argument("bootstrap")
    parser.add_argument("topic")
    parser.add_argument("messages", type=int)
    parser.add_argument("--partitions", type=int, default=PARTITIONS)
    parser.add_argument("--bad-every", type=int)
    parser.add_argument("--once", action="store_true", help="do nothing where the topic is there")
    told = parser.parse_args()
    if told.once and told.topic in AdminClient({"bootstrap.servers": told.bootstrap}).list_topics(timeout=30).topics:
        print("{}")
    else:
        events = values(told.messages, bad_every=told.bad_every)
        print(json.dumps(produce(told.bootstrap, told.topic, told.partitions, events)))
