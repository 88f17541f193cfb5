"""Rebalances as the broker's group coordinator writes them down, in the topic ``__consumer_offsets``.

A member sees only those that it takes part in; here each is counted once, for both protocols. Classic groups get a new
generation, those of KIP-848 a new epoch.
"""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

_TOPIC = "__consumer_offsets"
_TIMEOUT_SECONDS = 10.0
# Types of records: the first two bytes of a key.
_CLASSIC_GROUP, _GROUP_EPOCH, _MEMBER = 2, 3, 5


@dataclass(frozen=True, slots=True)
class Entry:
    """A record of the coordinator. :param at: when it was written, seconds of the epoch."""

    key: bytes
    value: bytes | None
    at: float


@dataclass(frozen=True, slots=True)
class Rebalance:
    """A group that has members got a new generation or epoch."""

    at: float
    group: str
    number: int
    members: int


class CoordinatorLog:
    """The coordinator's records from now on.

    :param bootstrap: of a broker that has committed once: the topic is there.
    """

    def __init__(self, bootstrap: str) -> None:
        self._consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "unused", "log_level": 3})
        partitions = self._consumer.list_topics(_TOPIC, timeout=_TIMEOUT_SECONDS).topics[_TOPIC].partitions
        self._starts = self._ends(partitions)

    def rebalances(self) -> list[Rebalance]:
        """Since this object was made; closes its client."""
        ends = self._ends(self._starts)
        waiting = {partition for partition, end in ends.items() if end > self._starts[partition]}
        found: dict[int, list[Entry]] = defaultdict(list)
        self._consumer.assign([TopicPartition(_TOPIC, each, self._starts[each]) for each in waiting])
        while waiting:
            messages = self._consumer.consume(1_000, _TIMEOUT_SECONDS / 100)
            for message in messages:
                if message.error() is not None:
                    raise KafkaException(message.error())
                found[int(message.partition() or 0)].append(_entry(message))
            positions = self._consumer.position([TopicPartition(_TOPIC, each) for each in waiting])
            waiting -= {each.partition for each in positions if each.offset >= ends[each.partition]}
        self._consumer.close()
        # A group's records are all in one partition, in order.
        return sorted((one for entries in found.values() for one in parsed(entries)), key=lambda one: one.at)

    def _ends(self, partitions: Iterable[int]) -> dict[int, int]:
        ends = {}
        for partition in partitions:
            bounds = self._consumer.get_watermark_offsets(TopicPartition(_TOPIC, partition), timeout=_TIMEOUT_SECONDS)
            ends[partition] = int(bounds[1])
        return ends


def parsed(entries: list[Entry]) -> Iterator[Rebalance]:
    """Rebalances of groups that have members; a group that the last member leaves gets a number too, and no work."""
    members: defaultdict[str, set[str]] = defaultdict(set)
    for entry in entries:
        kind, group, rest = _key(entry.key)
        if kind == _MEMBER:
            (members[group].discard if entry.value is None else members[group].add)(_text(rest)[0])
        elif kind == _GROUP_EPOCH and entry.value is not None and members[group]:
            yield Rebalance(entry.at, group, struct.unpack_from(">i", entry.value, 2)[0], len(members[group]))
        elif kind == _CLASSIC_GROUP and entry.value is not None:
            generation, count = _generation(entry.value)
            if count:
                yield Rebalance(entry.at, group, generation, count)


def _entry(message: Message) -> Entry:
    key, value = message.key(), message.value()
    return Entry(bytes(key or b""), None if value is None else bytes(value), message.timestamp()[1] / 1_000)


def _key(key: bytes) -> tuple[int, str, bytes]:
    group, rest = _text(key[2:])
    return struct.unpack_from(">h", key)[0], group, rest


def _text(data: bytes) -> tuple[str, bytes]:
    """A text and what is behind it; null is an empty one."""
    size = max(0, struct.unpack_from(">h", data)[0])
    return data[2 : 2 + size].decode(), data[2 + size :]


def _generation(value: bytes) -> tuple[int, int]:
    """Generation, and number of members: version, protocol type, generation, protocol, leader, timestamp, members."""
    version = struct.unpack_from(">h", value)[0]
    _, rest = _text(value[2:])
    generation = struct.unpack_from(">i", rest)[0]
    _, rest = _text(rest[4:])
    _, rest = _text(rest)
    return generation, struct.unpack_from(">i", rest, 8 if version >= 2 else 0)[0]
