"""The topic as a reader of our own sees it: what the broker itself holds for committed.

It settles what a producer could not know: a transaction whose end had no answer, a message that was written and never
acknowledged. And it shows a broker that lost what it acknowledged, which would not be ours.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from airflow_kafka_bq.testing.kafka import offset_bounds
from tests.campaign.book import Book, Entry, Place
from tests.campaign.messages import kind_of
from tests.campaign.shapes import Shape

_SECONDS = 30.0


@dataclass(frozen=True)
class Log:
    """A read_committed reader's view of a topic at one moment.

    :param bounds: by partition, log start and last stable offset.
    :param messages: by (partition, offset): time, key and value.
    """

    life: int
    bounds: dict[int, tuple[int, int]]
    messages: dict[tuple[int, int], tuple[int, str, bytes | None]]

    def covers(self, one: Entry) -> bool:
        """Whether the message must be here if it was committed."""
        start, end = self.bounds.get(one.place.partition, (0, 0))
        return one.life == self.life and start <= one.place.offset < end


def read(bootstrap: str, topic: str, partitions: int, life: int) -> Log:
    """Read it all."""
    bounds = offset_bounds(bootstrap, topic, range(partitions))
    settings = {"bootstrap.servers": bootstrap, "group.id": "campaign-reader", "enable.auto.commit": False}
    consumer = Consumer(settings | {"enable.partition.eof": True, "auto.offset.reset": "error", "log_level": 3})
    found = {}
    waiting = {part for part, (start, end) in bounds.items() if start < end}
    consumer.assign([TopicPartition(topic, part, bounds[part][0]) for part in waiting])
    try:
        while waiting:
            message = consumer.poll(_SECONDS)
            if message is None:
                raise TimeoutError(f"{topic}: partitions {waiting} do not end")
            error, part, offset = message.error(), message.partition(), message.offset()
            assert part is not None
            assert offset is not None
            if error is None:
                key = (message.key() or b"").decode()
                found[part, offset] = (message.timestamp()[1], key, message.value())
            elif error.code() != KafkaError._PARTITION_EOF:
                raise KafkaException(error)
            if offset >= bounds[part][1] - (error is None):
                waiting.discard(part)
    finally:
        consumer.close()
    inside = {place: one for place, one in found.items() if place[1] < bounds[place[0]][1]}
    return Log(life, bounds, inside)


def settle(book: Book, logs: Iterable[Log], shape: Shape) -> list[str]:
    """Complete the book by what the logs show; what a broker did wrong."""
    trouble = []
    for log in logs:
        known = {(one.place.partition, one.place.offset) for one in book.entries if one.life == log.life}
        for number, one in enumerate(book.entries):
            if not log.covers(one):
                continue
            there = (one.place.partition, one.place.offset) in log.messages
            if one.fate == "unknown":
                book.entries[number] = replace(one, fate="committed" if there else "aborted")
            elif there != (one.fate == "committed"):
                trouble.append(f"the broker itself {'shows' if there else 'lost'} {one}")
        book.entries += [
            Entry(Place(*place, time), kind_of(value, shape), key, value, "committed", log.life)
            for place, (time, key, value) in log.messages.items()
            if place not in known
        ]
    return trouble
