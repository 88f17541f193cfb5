"""What was produced, and what Kafka made of it: nothing here is told by the pipeline."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from airflow_kafka_bq.testing.memory import Transaction
from tests.pipeline.world import TOPIC, World

BEYOND_MS = 9_000_000_000_000  # of the year 2255, which no row's timestamp can be
Becomes = Literal["row", "dead letter", "nothing", "tombstone"]
Place = tuple[int, int, int]  # partition, offset, timestamp: of all topics that had this name, no two are alike


@dataclass(slots=True, eq=False)
class Message:
    """One message.

    :param life: of the topic: how often one of this name was created before.
    :param timestamp_ms: as a row has it.
    :param becomes: what must come of it; a tombstone marks the row of its key.
    :param sure: false where Kafka lost it before anybody can be held to have read it.
    :param gone: Kafka has it no more, by other ways than retention.
    :param deleted: retention took it; it must be in the table, or told as lost, or lie in front of the start.
    """

    life: int
    partition: int
    offset: int
    timestamp_ms: int
    key: str
    n: int
    version: int | None
    becomes: Becomes
    sure: bool = True
    gone: bool = False
    deleted: bool = False

    def lose(self, position: dict[int, int]) -> None:
        """Kafka has it no more; it is owed only if it was read."""
        self.gone = True
        self.sure &= self.offset < position.get(self.partition, 0)

    @property
    def place(self) -> Place:
        """Coordinates."""
        return self.partition, self.offset, self.timestamp_ms

    @property
    def coordinates(self) -> dict[str, Any]:
        """Shaped as a row, for the rules of order."""
        return {
            "_kafka_topic": TOPIC, "_kafka_partition": self.partition, "_kafka_offset": self.offset,
            "_kafka_timestamp": self.timestamp_ms, "updated": self.version,
        }  # fmt: skip


@dataclass
class Model:
    """All messages, by what became of their transactions.

    :param life: of the topic that is there, or that was there last.
    :param hidden: per partition, below which offset new messages stand where lost ones stood: a run that read the lost
        ones cannot know of them.
    """

    visible: list[Message] = field(default_factory=list)
    undecided: dict[int, tuple[Transaction, list[Message]]] = field(default_factory=dict)
    life: int = 0
    ids: dict[str, int] = field(default_factory=dict)  # topic id -> life
    log_starts: dict[tuple[int, int], int] = field(default_factory=dict)  # of life and partition
    hidden: dict[int, int] = field(default_factory=dict)

    def decide(self, number: int, *, commit: bool) -> None:
        """End a transaction."""
        transaction, messages = self.undecided.pop(number)
        (transaction.commit if commit else transaction.abort)()
        if commit:
            self.visible += messages

    def living(self) -> Iterator[Message]:
        """Of the topic that is there, those in open transactions too."""
        for one in self.visible:
            if one.life == self.life:
                yield one
        for _, messages in self.undecided.values():
            yield from (one for one in messages if one.life == self.life)

    def compacted(self, world: World, position: dict[int, int]) -> int:
        """The cleaner ran: what it took is owed only if it lies below the position. How many it took."""
        there = {
            (part, record.offset)
            for part in world.cluster.partitions(TOPIC)
            for record in world.cluster.log(TOPIC, part).records
        }
        taken = [one for one in self.living() if (one.partition, one.offset) not in there and not one.deleted]
        for one in taken:
            one.lose(position)
        return len(taken)

    def retained(self, partition: int, log_start: int) -> None:
        """Retention ran."""
        self.log_starts[self.life, partition] = log_start
        for one in self.living():
            one.deleted |= one.partition == partition and one.offset < log_start

    def truncated(self, partition: int, end: int, old_end: int, position: int, *, unseen: bool) -> None:
        """An election lost what is at and past ``end``.

        :param unseen: nobody read what was lost, so nobody is misled by what comes in its place.
        """
        for one in self.living():
            if one.partition == partition and one.offset >= end:
                one.lose({partition: position})
        if not unseen:
            self.hidden[partition] = max(old_end, self.hidden.get(partition, 0))

    def topic_deleted(self, position: dict[int, int]) -> None:
        """What was not read is lost, and a new life begins."""
        for one in self.living():
            one.lose(position)
        self.life += 1
        self.hidden.clear()

    def target_lost(self) -> None:
        """The table's rows are gone: what Kafka has no more cannot be owed."""
        for one in self.visible:
            one.sure &= one.life == self.life and not (one.deleted or one.gone)

    def start_over(self) -> None:
        """What the log holds is owed again."""
        for one in self.living():
            one.sure = not (one.deleted or one.gone)
        self.hidden.clear()


def stamp_of(timestamp_ms: int | None) -> int:
    """As a row has it: 1970 where a message has none, or one that no row can hold."""
    return timestamp_ms if timestamp_ms is not None and timestamp_ms < BEYOND_MS else 0
