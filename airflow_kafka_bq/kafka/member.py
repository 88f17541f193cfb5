"""The thread that owns the consumer of a member: it polls on while batches are staged and merged.

Nobody else calls that consumer, but for commits. Others ask the thread: for messages, to place partitions, to end.
While nobody asks for messages, all partitions are paused and the group is polled on.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from typing import TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from airflow_kafka_bq.batch import Position
from airflow_kafka_bq.exceptions import TerminalError
from airflow_kafka_bq.kafka import offsets
from airflow_kafka_bq.kafka.clients import Clients
from airflow_kafka_bq.kafka.commits import Commits
from airflow_kafka_bq.kafka.evictions import Evictions
from airflow_kafka_bq.kafka.standing import Standing
from airflow_kafka_bq.ports.source import ShareChanged

T = TypeVar("T")

_GRACE_SECONDS = 0.5  # between two polls of one batch; a pause throws away what was fetched ahead
_TURN_SECONDS = 0.1  # of a poll while paused: who asks waits that long
_ANSWER_SECONDS = 0.01
_WAKE_SECONDS = 1.0
_SEEK_SECONDS = 10.0
_MOST = 1_000


class Member:
    """One member of one group, for one topic.

    :param incremental: whether rebalances move single partitions.
    """

    def __init__(
        self,
        clients: Clients,
        topic: str,
        standing: Standing,
        evictions: Evictions,
        commits: Commits,
        *,
        incremental: bool,
    ) -> None:
        self._clients, self._topic, self._standing, self._evictions = clients, topic, standing, evictions
        self._commits = commits
        self._incremental = incremental
        self._commands: queue.SimpleQueue[Callable[[Consumer], None]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._over = threading.Event()
        self._known: dict[int, Position] = {}  # of the ledger, as last seen
        self._open: dict[int, Position] = {}  # what is being read: where it was placed
        self._next: dict[int, int] = {}  # of each partition that is ours: the message that is to be handed over next
        self._kept: list[Message] = []  # came while nobody asked
        self._flowing = False

    # Called by others

    def start(self, positions: Mapping[int, Position]) -> None:
        """Subscribe. :raises TerminalError: it is a member already."""
        if self._thread is not None:
            raise TerminalError("this source has joined its group before")
        self._known = dict(positions)
        consumer = self._clients.consumer
        self._thread = threading.Thread(target=self._run, args=(consumer,), name="kafka-bq-member", daemon=True)
        self._thread.start()

    def ask(self, most: int, seconds: float) -> list[Message]:
        """Messages and events of open partitions, at most so many; a rebalance may make it wait."""
        return self._done(lambda consumer: self._fetched(consumer, most, seconds))

    def place(self, positions: Mapping[int, Position]) -> None:
        """Read exactly these partitions from exactly here. :raises ShareChanged: one is not ours."""
        self._done(lambda consumer: self._place(consumer, dict(positions)))

    def finish(self, partition: int) -> None:
        """Fetch it no more."""
        self._done(lambda consumer: self._finish(consumer, partition))

    def commit(self, wanted: list[TopicPartition], seconds: float) -> None:
        """Commit as a member, and wait for the answer; the group is polled on meanwhile.

        :raises KafkaException: what the coordinator says, of all partitions or of one.
        :raises TimeoutError: nothing; it may still be applied.
        """
        answer = self._commits.asked_for(wanted)
        self._commands.put(self._send)
        answer.result(seconds)

    def stop(self) -> None:
        """Leave the group and close the consumer, in the thread that owns it. Waits until that is done."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    def _done(self, work: Callable[[Consumer], T]) -> T:
        answer: Future[T] = Future()

        def command(consumer: Consumer) -> None:
            try:
                answer.set_result(work(consumer))
            except BaseException as error:
                answer.set_exception(error)

        self._commands.put(command)
        while not answer.done():
            if self._thread is None or not self._thread.is_alive():
                self._standing.check()
                raise TerminalError("this Kafka source is not a member of its group, or it is closed")
            with suppress(TimeoutError):
                answer.exception(_GRACE_SECONDS)
        return answer.result()

    # The thread

    def _run(self, consumer: Consumer) -> None:
        try:
            consumer.subscribe([self._topic], on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._lost_all)
            while not self._over.is_set():
                self._turn(consumer)
        except KafkaException as error:
            self._standing.fail(self._evictions.failure(error))
        except Exception as error:  # a bug of ours: whoever asks next hears of it
            self._standing.fail(TerminalError(f"the member's thread ended: {type(error).__name__}: {error}"))
            raise
        finally:
            consumer.close()

    def _turn(self, consumer: Consumer) -> None:
        """Do what is asked; else see to it that the group hears of us."""
        answering = self._flowing and self._commits.pending and not self._kept
        with suppress(queue.Empty):
            patience = 0.0 if not self._flowing or answering else _GRACE_SECONDS
            return self._commands.get(timeout=patience)(consumer)
        if not answering:  # the answer of a commit comes by a poll: for that alone nothing is paused
            self._pause(consumer)
        self._kept += self._polled(consumer, _MOST, _ANSWER_SECONDS if answering else _TURN_SECONDS)
        return None

    def _polled(self, consumer: Consumer, most: int, seconds: float) -> list[Message]:
        """Wait for one, then take along what is there. What is said of the group itself goes to ``Standing``."""
        self._evictions.about_to_poll()
        found = consumer.consume(1, seconds)
        if found and most > 1:
            found += consumer.consume(most - 1, 0)
        if self._evictions.unexplained:
            found += consumer.consume(most, _TURN_SECONDS)
        return self._evictions.sorted_out(found)

    def _send(self, consumer: Consumer) -> None:
        """The client joins again by itself: what was asked for before it was put out is not committed behind that."""
        if self._standing.lost_within(0):
            self._commits.give_up()
        else:
            self._commits.send(consumer)

    def _fetched(self, consumer: Consumer, most: int, seconds: float) -> list[Message]:
        self._flow(consumer)
        found, self._kept = self._kept[:most], self._kept[most:]
        found = found or self._polled(consumer, most, seconds)
        ours = self._open.keys() & self._standing.partitions
        if not ours >= {message.partition() for message in found}:
            found = [message for message in found if message.partition() in ours]
        read = [message for message in found if message.error() is None]
        lasts = dict(zip(map(Message.partition, read), map(Message.offset, read), strict=True))
        self._next.update((part, last + 1) for part, last in lasts.items() if part is not None and last is not None)
        return found

    def _place(self, consumer: Consumer, positions: dict[int, Position]) -> None:
        self._pause(consumer)
        self._open, self._known = positions, {**self._known, **positions}
        for partition, position in positions.items():
            if self._next.get(partition) != position.next_offset:
                self._seek(consumer, partition, position.next_offset)

    def _seek(self, consumer: Consumer, partition: int, offset: int) -> None:
        """A partition that was assigned just now takes no seek until the client has begun to fetch it."""
        deadline = time.monotonic() + _SEEK_SECONDS
        while partition in self._standing.partitions:
            try:
                consumer.seek(TopicPartition(self._topic, partition, offset))
            except KafkaException as error:
                if error.args[0].code() != KafkaError._STATE or time.monotonic() > deadline:  # noqa: SLF001
                    raise
                self._kept += self._polled(consumer, _MOST, _TURN_SECONDS / 2)
            else:
                self._kept = [message for message in self._kept if message.partition() != partition]
                self._next[partition] = offset
                return
        self._standing.check()
        raise ShareChanged

    def _finish(self, consumer: Consumer, partition: int) -> None:
        if self._open.pop(partition, None) is not None:
            consumer.pause([TopicPartition(self._topic, partition)])

    def _flow(self, consumer: Consumer) -> None:
        """Fetch again. The client looks at a resumed partition within a second; a question to its leader wakes it."""
        if self._flowing or not (ours := self._ours()):
            return
        consumer.resume(ours)
        with suppress(KafkaException):
            consumer.offsets_for_times([TopicPartition(one.topic, one.partition, 0) for one in ours], _WAKE_SECONDS)
        self._flowing = True

    def _pause(self, consumer: Consumer) -> None:
        if self._flowing:
            consumer.pause(self._ours())
            self._flowing = False

    def _ours(self) -> list[TopicPartition]:
        numbers = sorted(self._open.keys() & self._standing.partitions)
        return [TopicPartition(self._topic, number) for number in numbers]

    # Rebalances: called by the client, in the thread, from within a poll

    def _assigned(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        numbers = [one.partition for one in partitions]
        wanted = [offsets.placed(self._topic, number, self._where(number)) for number in numbers]
        (consumer.incremental_assign if self._incremental else consumer.assign)(wanted)
        consumer.pause([*wanted, *self._ours()])
        self._flowing = False
        self._kept = [message for message in self._kept if message.partition() not in numbers]  # they come again
        self._next.update((one.partition, one.offset) for one in wanted)
        self._standing.assigned(numbers, besides=self._incremental)

    def _where(self, number: int) -> Position:
        """Where reading goes on: behind what was handed over, else at the ledger's position as last seen."""
        placed, reached = self._open.get(number), self._next.get(number)
        if placed is not None and reached is not None and reached != placed.next_offset:
            return Position(reached)
        return placed or self._known.get(number) or Position(0)

    def _revoked(self, consumer: Consumer, partitions: Sequence[TopicPartition]) -> None:
        numbers, meanwhile = [one.partition for one in partitions], partial(self._commits.send_and_wait, consumer)
        with self._standing.giving_up(numbers, meanwhile, settled=self._incremental):
            self._unassign(consumer, partitions)

    def _lost_all(self, consumer: Consumer, partitions: Sequence[TopicPartition]) -> None:
        if partitions:
            self._evictions.lost()
        self._unassign(consumer, partitions)

    def _unassign(self, consumer: Consumer, partitions: Sequence[TopicPartition]) -> None:
        if self._incremental:
            consumer.incremental_unassign(list(partitions))
        else:
            consumer.unassign()
