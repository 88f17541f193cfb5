"""Commits of a member that are under way: asked for in one thread, answered in another.

The client's commit that waits is of no use here. Called beside a poll of the same consumer, it never returns
(librdkafka 2.16); called in the thread that polls, it keeps the group waiting for as long as the coordinator is away.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

_Key = frozenset[tuple[int, int, str]]


class Commits:
    """The commit that is waited for. An answer that comes after its time, of an earlier one, is told apart."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wanted: list[TopicPartition] = []
        self._answer: Future[None] | None = None

    @property
    def pending(self) -> bool:
        """Whether somebody waits for an answer."""
        return self._answer is not None

    def asked_for(self, wanted: list[TopicPartition]) -> Future[None]:
        """What will become of this one. An earlier one is not waited for any more."""
        answer: Future[None] = Future()
        with self._lock:
            self._wanted, self._answer = wanted, answer
        return answer

    # In the thread that owns the consumer

    def send(self, consumer: Consumer) -> None:
        """Without waiting; ``answered`` hears of it by a later poll."""
        if self.pending:
            self._try(lambda wanted: consumer.commit(offsets=wanted, asynchronous=True))

    def send_and_wait(self, consumer: Consumer) -> None:
        """From within a callback of the client, where no poll can bring the answer. What was sent is sent again."""
        if self.pending:
            self._try(lambda wanted: self.answered(None, consumer.commit(offsets=wanted, asynchronous=False)))

    def give_up(self) -> None:
        """Nothing is sent: the partitions are lost."""
        self.answered(KafkaError(KafkaError._ASSIGNMENT_LOST), self._wanted)  # noqa: SLF001

    def answered(self, error: Any, partitions: list[TopicPartition]) -> None:
        """The client's ``on_commit``: a refusal of all, or of some; each partition's answer is looked at."""
        refusals = [one.error for one in partitions if one.error is not None]
        found = error if error is not None else next(iter(refusals), None)
        with self._lock:
            if self._answer is None or _key(self._wanted) != _key(partitions):
                return
            answer, self._answer = self._answer, None
        if found is None:
            answer.set_result(None)
        else:
            answer.set_exception(KafkaException(found))

    def _try(self, commit: Callable[[list[TopicPartition]], object]) -> None:
        with self._lock:
            wanted, answer = self._wanted, self._answer
        try:
            commit(wanted)
        except KafkaException as error:
            with self._lock:
                mine = answer is not None and self._answer is answer
                self._answer = None if mine else self._answer
            if mine and answer is not None:
                answer.set_exception(error)


def _key(partitions: Iterable[TopicPartition]) -> _Key:
    return frozenset((one.partition, one.offset, one.metadata or "") for one in partitions)
