"""Every message that Kafka acknowledged, and what became of its transaction."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from airflow_kafka_bq.testing.kafka import Acknowledged
from tests.campaign.messages import Drawn, Kind


class Place(NamedTuple):
    """Coordinates; the timestamp tells a topic from its predecessor of the same name."""

    partition: int
    offset: int
    timestamp_ms: int


@dataclass(frozen=True)
class Entry:
    """A message that was acknowledged.

    :param fate: ``committed``, ``aborted``, or ``unknown`` where the answer to a commit was lost.
    :param life: of the topic, from 0; a topic that is created again lives once more.
    """

    place: Place
    kind: Kind
    key: str
    value: bytes | None
    fate: str
    life: int = 0

    @property
    def content(self) -> dict[str, Any]:
        """Of a good message."""
        found: dict[str, Any] = json.loads(self.value or b"null")
        return found


def entry(drawn: Drawn, where: Acknowledged, fate: str, life: int = 0) -> Entry:
    """An acknowledged message."""
    value = drawn.message.value
    raw = value.encode() if isinstance(value, str) else value
    assert raw is None or isinstance(raw, bytes)
    place = Place(where.partition, where.offset, where.timestamp_ms)
    return Entry(place, drawn.kind, str(drawn.message.key), raw, fate, life)


@dataclass
class Book:
    """All acknowledged messages of a round."""

    entries: list[Entry] = field(default_factory=list)

    def add(self, drawn: Iterable[Drawn], acknowledged: Iterable[Acknowledged], fate: str, life: int = 0) -> None:
        """Write down what a producer was told."""
        self.entries += [entry(one, where, fate, life) for one, where in zip(drawn, acknowledged, strict=True)]

    def committed(self) -> Iterator[Entry]:
        """Messages that a reader must see."""
        return (one for one in self.entries if one.fate == "committed")
