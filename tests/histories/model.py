"""What should be in the tables: worked out from the messages themselves, and from nothing that the pipeline says."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_kafka_bq.testing.memory import Transaction
from airflow_kafka_bq.testing.memory.order import is_later, is_newer
from tests.pipeline.world import TOPIC, World


@dataclass(frozen=True)
class Message:
    """A message that was produced; ``good`` ones become rows."""

    partition: int
    offset: int
    timestamp_ms: int
    key: str
    n: int
    version: int | None = None
    good: bool = True
    tombstone: bool = False

    @property
    def coordinates(self) -> dict[str, Any]:
        """Shaped as a row, for the rules of order."""
        return {
            "_kafka_topic": TOPIC, "_kafka_partition": self.partition, "_kafka_offset": self.offset,
            "_kafka_timestamp": self.timestamp_ms, "updated": self.version,
        }  # fmt: skip


@dataclass
class Model:
    """All messages, by what became of their transactions."""

    visible: list[Message] = field(default_factory=list)
    undecided: dict[int, tuple[Transaction, list[Message]]] = field(default_factory=dict)

    def decide(self, number: int, *, commit: bool) -> None:
        """End a transaction."""
        transaction, messages = self.undecided.pop(number)
        (transaction.commit if commit else transaction.abort)()
        if commit:
            self.visible += messages

    def below(self, done: Mapping[int, tuple[int, int]]) -> Iterator[Message]:
        """Messages that the ledger says are done: from where the first run started to the position."""
        for one in self.visible:
            start, position = done.get(one.partition, (0, 0))
            if start <= one.offset < position:
                yield one


def lost_ranges(world: World) -> list[tuple[int, int, int]]:
    """What the dead-letter table says Kafka no longer had."""
    return [
        (row["_kafka_partition"], row["_kafka_offset"], row["_kafka_end_offset"])
        for row in world.letters()
        if row["stage"] == "lost"
    ]


def is_lost(message: Message, lost: list[tuple[int, int, int]]) -> bool:
    return any(part == message.partition and low <= message.offset < high for part, low, high in lost)


def _is_elsewhere(message: Message, done: Mapping[int, tuple[int, int]], lost: list[tuple[int, int, int]]) -> bool:
    """Lost, or in front of where the first live run started: a window may have brought it, or not."""
    return is_lost(message, lost) or message.offset < done.get(message.partition, (0, 0))[0]


def check_coordinates(world: World, model: Model, done: Mapping[int, tuple[int, int]]) -> None:
    """I1 and I2 where the key is the coordinates: every message once, nothing else."""
    rows, lost = world.offsets(), lost_ranges(world)
    bad = {(row["_kafka_partition"], row["_kafka_offset"]) for row in world.letters() if row["stage"] != "lost"}
    assert max(rows.values(), default=1) == 1, f"I2: {rows.most_common(3)}"
    known = {(one.partition, one.offset): one for one in model.visible}
    assert set(rows) | bad <= set(known), "a row that nobody produced, or that was aborted"
    assert len(bad) == sum(row["stage"] != "lost" for row in world.letters()), "I2: a dead letter twice"
    for one in model.below(done):
        place = (one.partition, one.offset)
        assert place in (rows if one.good else bad) or is_lost(one, lost), f"I1: {one} is missing"


def check_update(world: World, model: Model, done: Mapping[int, tuple[int, int]], *, exact: bool = False) -> None:
    """I1, I2 and I8 where the newest version of a key wins."""
    rows = {row["id"]: row for row in world.rows()}
    assert len(rows) == len(world.rows()), "I2: a key twice"
    lost = lost_ranges(world)
    keys: defaultdict[str, list[Message]] = defaultdict(list)
    for one in model.below(done):
        if one.good and not is_lost(one, lost):
            keys[one.key].append(one)
    for key, messages in keys.items():
        values = [one for one in messages if not one.tombstone]
        if not values:
            continue
        newest = values[0]
        for one in values[1:]:
            newest = one if is_newer(one.coordinates, newest.coordinates, ["updated"]) else newest
        assert key in rows, f"I1: no row for {newest}"
        ours, found = (newest.version is not None, newest.version or 0), rows[key]["updated"]
        assert (found is not None, found or 0) >= ours, f"I8: {rows[key]} is older than {newest}"
        if exact and not any(one.key == key and _is_elsewhere(one, done, lost) for one in model.visible):
            deleted = any(one.tombstone and is_later(one.coordinates, newest.coordinates) for one in messages)
            assert (rows[key]["n"], rows[key]["_deleted_at"] is not None) == (newest.n, deleted), (rows[key], messages)
