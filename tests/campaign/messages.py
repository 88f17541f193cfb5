"""What a round produces, drawn by its seed: good messages, poison, tombstones."""

from __future__ import annotations

import itertools
import json
import random
from dataclasses import dataclass, field
from enum import StrEnum

from airflow_kafka_bq.testing.kafka import NewMessage
from tests.campaign.shapes import Shape


class Kind(StrEnum):
    """What should become of a message."""

    GOOD = "good"
    BAD = "bad"
    TOMBSTONE = "tombstone"


@dataclass(frozen=True)
class Drawn:
    """A message, and what should become of it."""

    kind: Kind
    message: NewMessage


_WEIGHTS = {Kind.GOOD: 70, Kind.BAD: 15, Kind.TOMBSTONE: 15}
_TEXTS = ("", "ä\n", '"\\', "{}", "x" * 300)
_POISON = (b"{poison", b"\xff\xfe\x00", b'{"id": NaN}', b"[1, 2", b'{"id": "a"} {"id": "b"}')
_ANOTHER_TYPE = (b'{"id": "k0-0"}', b'{"id": "k0-0", "version": "x", "n": 1, "text": ""}', b"[]")


@dataclass
class Mix:
    """Draws messages for one topic.

    A key stays in one partition, or is one of a few that occur in all: those are never deleted, and each of their
    versions is another, because across partitions the order of a tombstone depends on which batch comes first.
    """

    random: random.Random
    shape: Shape
    partitions: int
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    def draw(self, count: int) -> list[Drawn]:
        """So many messages."""
        return [self._one(self.random.choices(list(_WEIGHTS), list(_WEIGHTS.values()))[0]) for _ in range(count)]

    def good(self, count: int) -> list[Drawn]:
        """So many that become rows."""
        return [self._one(Kind.GOOD) for _ in range(count)]

    def _one(self, kind: Kind) -> Drawn:
        draw, number = self.random, next(self._numbers)
        part = draw.randrange(self.partitions)
        shared = kind is Kind.GOOD and draw.random() < 0.2
        key = f"shared-{draw.randrange(2)}" if shared else f"k{part}-{draw.randrange(4)}"
        if kind is Kind.TOMBSTONE:
            return Drawn(kind, NewMessage(None, key, partition=part))
        if kind is Kind.BAD:
            poison = _POISON + (_ANOTHER_TYPE if self.shape.is_keyed else ())
            return Drawn(kind, NewMessage(draw.choice(poison), key, partition=part))
        version = 1_000 + number if shared else draw.randrange(5)
        value = {"id": key, "version": version, "n": number, "text": draw.choice(_TEXTS)}
        headers = [("trace", str(number).encode()), ("empty", None)] if draw.random() < 0.2 else []
        return Drawn(kind, NewMessage(json.dumps(value), key, headers, part))


def kind_of(value: bytes | None, shape: Shape) -> Kind:
    """Of a message that nobody has in a book."""
    if value is None:
        return Kind.TOMBSTONE
    return Kind.BAD if value in _POISON or (shape.is_keyed and value in _ANOTHER_TYPE) else Kind.GOOD
