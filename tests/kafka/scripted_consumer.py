"""A consumer that does what a test says: rebalances and messages come with the polls that they are scripted for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message, TopicPartition

TOPIC = "t"


def message(partition: int, offset: int) -> Message:
    return Message(topic=TOPIC, partition=partition, offset=offset, value=b"v")


def event(code: int, text: str = "said") -> Message:
    """Of the group: it has no topic."""
    return Message(error=KafkaError(code, text))


def parts(*numbers: int) -> list[TopicPartition]:
    return [TopicPartition(TOPIC, number) for number in numbers]


class ScriptedConsumer:
    """Stands in for ``confluent_kafka.Consumer``; everything that was done to it is in ``done``."""

    def __init__(self) -> None:
        self.done: list[tuple[str, Any]] = []
        self.script: list[Callable[[], list[Message]]] = []
        self.polls = 0
        self.mute = False  # no commit is answered
        self.paused: set[int] = set()
        self.refusal: KafkaError | None = None
        self.on_commit: Callable[[Any, list[TopicPartition]], None] | None = None
        self.closed = threading.Event()
        self._callbacks: dict[str, Callable[..., None]] = {}
        self._commits: list[list[TopicPartition]] = []

    # What a test plays

    def assigns(self, *numbers: int) -> None:
        self.script.append(lambda: self._called("on_assign", numbers))

    def revokes(self, *numbers: int) -> None:
        self.script.append(lambda: self._called("on_revoke", numbers))

    def loses(self, *numbers: int, event: Message | None = None) -> None:
        self.script.append(lambda: self._called("on_lost", numbers) + ([event] if event is not None else []))

    def brings(self, *messages: Message) -> None:
        self.script.append(lambda: list(messages))

    def _called(self, name: str, numbers: tuple[int, ...]) -> list[Message]:
        self._callbacks[name](self, parts(*numbers))
        return []

    # As the client's

    def subscribe(self, topics: list[str], **callbacks: Callable[..., None]) -> None:
        self._callbacks = callbacks
        self.done.append(("subscribe", topics))

    def consume(self, _count: int, _seconds: float) -> list[Message]:
        self.polls += 1
        for offsets in [] if self.mute else self._commits:
            assert self.on_commit
            self.on_commit(self.refusal, offsets)
        self._commits = []
        if not self.script:
            self.closed.wait(0.005)
            return []
        return self.script.pop(0)()

    def commit(self, offsets: list[TopicPartition], asynchronous: bool) -> list[TopicPartition]:
        self.done.append(("commit", {one.partition: one.offset for one in offsets}))
        if asynchronous:
            self._commits.append(offsets)
        elif self.refusal is not None:
            raise KafkaException(self.refusal)
        return offsets

    def seek(self, at: TopicPartition) -> None:
        self.done.append(("seek", (at.partition, at.offset)))

    def pause(self, partitions: list[TopicPartition]) -> None:
        self.paused |= {one.partition for one in partitions}

    def resume(self, partitions: list[TopicPartition]) -> None:
        self.paused -= {one.partition for one in partitions}

    def offsets_for_times(self, partitions: list[TopicPartition], _seconds: float) -> list[TopicPartition]:
        return partitions

    def close(self) -> None:
        self.closed.set()

    def _placed(self, name: str, partitions: list[TopicPartition]) -> None:
        self.done.append((name, {one.partition: one.offset for one in partitions}))

    def assign(self, partitions: list[TopicPartition]) -> None:
        self._placed("assign", partitions)

    def incremental_assign(self, partitions: list[TopicPartition]) -> None:
        self._placed("incremental_assign", partitions)

    def unassign(self) -> None:
        self.done.append(("unassign", None))

    def incremental_unassign(self, partitions: list[TopicPartition]) -> None:
        self.done.append(("incremental_unassign", [one.partition for one in partitions]))
