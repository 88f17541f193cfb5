"""What producers do."""

from __future__ import annotations

import json
import random
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition

from airflow_kafka_bq.testing.memory import NOW
from airflow_kafka_bq.testing.memory.clock import milliseconds
from tests.histories.explained import Trouble
from tests.histories.ground import SMALL, Ground
from tests.histories.model import BEYOND_MS, Becomes, Message, stamp_of
from tests.histories.telling import happening
from tests.pipeline.world import TOPIC

KINDS = ["good"] * 5 + ["bad", "bad", "tombstone", "tombstone"]
DAY_MS = 24 * 3600 * 1000
SO_MANY_MESSAGES = 60  # a longer history says nothing that a shorter one does not


class Producers(Ground):
    """Messages of all sorts, in transactions and without."""

    def _prepared(self, partition: int, key: int, version: int | None, kind: str) -> tuple[Message, dict[str, Any]]:
        """A message and how it is sent. Time goes on, so that no two have the same timestamp."""
        self.count += 1
        self.world.clock.advance(0.001)
        number, at = self._place(partition, key) % self.parts, self._timestamp()
        becomes, value = self._value(key, version, kind)
        stamp = stamp_of(milliseconds(self.world.clock()) if at == NOW else at)
        offset = self.world.cluster.log(TOPIC, number).high_watermark
        message = Message(self.model.life, number, offset, stamp, f"k{key}", self.count, version, becomes)
        message.sure = offset >= self.model.hidden.get(number, 0)
        if becomes == "dead letter":
            self.begin(Trouble.BAD_MESSAGES)
        sent = {"value": value, "key": message.key.encode(), "partition": number, "timestamp_ms": at}
        return message, sent

    def _place(self, partition: int, key: int) -> int:
        """A key lives in one partition, as Kafka's partitioner has it, until there are more partitions. Where the
        timestamps do not tell the order it stays there for good: between partitions they are all there is to go by.
        """
        if self.keyed == "coordinates":
            return partition
        if self.wandering:
            return key + self.count
        return key % (self.parts if self.times_tell else self.first_parts)

    def _timestamp(self) -> int | None:
        if self.timeless and self.count % 4 == 1:
            return None
        if self.timeless and self.count % 4 == 2:
            return BEYOND_MS
        if not self.times_tell:
            return milliseconds(self.world.clock()) - self.count % 3 * DAY_MS
        return NOW

    def _value(self, key: int, version: int | None, kind: str) -> tuple[Becomes, bytes | None]:
        body = {"id": f"k{key}", "n": self.count, "updated": version}
        if kind == "tombstone":
            return self.tombstones(), None
        if kind == "bad":
            broken = [b"{", json.dumps(body | {"n": "many"}).encode(), b"", b'{"id": NaN}', b"\xff"]
            return "dead letter", broken[self.count % (len(broken) if "model" in self.job else 1)]
        rejected = self.picky and self.count % 5 == 0
        return "dead letter" if rejected else "row", json.dumps(body).encode()

    def tombstones(self) -> Becomes:
        """What comes of them."""
        policy = self.settings.get("on_tombstone") or ("insert" if "model" not in self.job else None)
        if policy == "insert":
            return "row"
        if policy == "dead_letter":
            return "dead letter"
        return "tombstone" if self.keyed == "update" and policy in {None, "delete"} else "nothing"

    def produce(self, partition: int, key: int, version: int | None, kind: str) -> None:
        """One message."""
        message, sent = self._prepared(partition, key, version, kind)
        self.world.cluster.produce(TOPIC, **sent)
        self.model.visible.append(message)

    def produce_some(self, count: int) -> None:
        """Of all sorts, as the number of those before has it."""
        for _ in range(count if self.topic_there and self.count < SO_MANY_MESSAGES else 0):
            chance = random.Random(self.count)
            version = chance.choice([None, 0, 1, 2, 3, 4])
            self.produce(chance.randrange(4), chance.randrange(5), version, chance.choice(KINDS))

    @precondition(lambda self: self.topic_there and self.count < SO_MANY_MESSAGES)
    @happening(partition=SMALL, key=SMALL, version=st.none() | SMALL, kind=st.sampled_from(KINDS))
    def produce_one(self, partition: int, key: int, version: int | None, kind: str) -> None:
        self.produce(partition, key, version, kind)

    @precondition(lambda self: self.topic_there and self.count < SO_MANY_MESSAGES)
    @happening(count=st.integers(1, 6))
    def produce_many(self, count: int) -> None:
        self.produce_some(count)

    @precondition(lambda self: self.topic_there and self.count < SO_MANY_MESSAGES)
    @happening(partition=SMALL, key=SMALL, count=st.integers(1, 3))
    def produce_in_transaction(self, partition: int, key: int, count: int) -> None:
        """It stays open."""
        transaction, messages = self.world.cluster.transaction(), []
        for number in range(count):
            message, sent = self._prepared(partition, key + number, 1, "good")
            transaction.produce(TOPIC, **sent)
            messages.append(message)
        self.model.undecided[transaction.number] = transaction, messages

    @precondition(lambda self: self.model.undecided)
    @happening(commit=st.booleans())
    def end_transaction(self, commit: bool) -> None:
        self.model.decide(min(self.model.undecided), commit=commit)
        self.tell("transaction committed" if commit else "transaction aborted")
