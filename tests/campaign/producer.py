"""A process that produces all the while and writes down every message that Kafka acknowledged."""

from __future__ import annotations

import base64
import json
import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Producer

from airflow_kafka_bq.testing.kafka import new_producer, send
from tests.campaign.book import Book, Entry, Place, entry
from tests.campaign.messages import Drawn, Kind, Mix
from tests.campaign.shapes import SHAPES

_SECONDS = 120.0  # longer than any outage: what is not acknowledged by then is for the log to tell
_CHUNK_MESSAGES = 6


@dataclass(frozen=True)
class Task:
    """What to produce.

    :param most: messages in all, spread over ``seconds``.
    """

    bootstrap: str
    topic: str
    shape: str
    partitions: int
    seed: str
    path: Path
    most: int
    seconds: float

    @property
    def longest_rest(self) -> float:
        """Between two chunks."""
        return self.seconds / self.most * (_CHUNK_MESSAGES + 1)


class _Process:
    """Inside of the process: a chunk, a rest, a command, and so on."""

    def __init__(self, connection: Connection, task: Task) -> None:
        self.connection, self.task = connection, task
        self.random = random.Random(task.seed)
        shape = next(one for one in SHAPES if one.name == task.shape)
        self.mix = Mix(self.random, shape, task.partitions)
        self.life = self.sent = 0
        self.paused = False
        self._connect()

    def _connect(self) -> None:
        self.plain = new_producer(self.task.bootstrap)
        self.transactional: Producer | None = None

    def run(self) -> None:
        """Until told to stop, or until nobody is there to tell it."""
        with self.task.path.open("a") as self.file:
            while True:
                idle = self.paused or self.sent >= self.task.most
                if self.connection.poll(None if idle else self.random.uniform(0, self.task.longest_rest)):
                    word, value = self.connection.recv()
                    if word == "stop":
                        break
                    self._obey(word, value)
                    self.connection.send(self.sent)
                elif not idle:
                    self._chunk()
        self.connection.send(self.sent)

    def _obey(self, word: str, value: int) -> None:
        if word == "partitions":
            self.mix.partitions = value
        elif word == "life":
            self.life = value
        self._connect()  # what a client knows of a topic may be five minutes old
        self.paused = word == "pause"

    def _chunk(self) -> None:
        drawn = self.mix.draw(self.random.randint(1, _CHUNK_MESSAGES))
        self.sent += len(drawn)
        if (way := self.random.choice(("plain", "plain", "commit", "abort"))) == "plain":
            self._sent(drawn, send(self.plain, self.task.topic, _messages(drawn), timeout_seconds=_SECONDS), "")
            return
        try:
            self._transaction(drawn, commit=way == "commit")
        except KafkaException:  # the transaction's fate is in the log; the producer is of no more use
            self.transactional = None

    def _transaction(self, drawn: list[Drawn], *, commit: bool) -> None:
        if self.transactional is None:
            self.transactional = new_producer(self.task.bootstrap, {"transactional.id": f"campaign-{uuid.uuid4()}"})
            self.transactional.init_transactions(_SECONDS)
        producer, name = self.transactional, str(self.sent)
        producer.begin_transaction()
        try:
            self._sent(drawn, send(producer, self.task.topic, _messages(drawn), timeout_seconds=_SECONDS), name)
            if commit:
                _again(lambda: producer.commit_transaction(_SECONDS))
        except KafkaException as failure:
            if not _error(failure).txn_requires_abort():
                raise
            commit = False
        if not commit:
            _again(lambda: producer.abort_transaction(_SECONDS))
        self._write({"transaction": name, "fate": "committed" if commit else "aborted"})

    def _sent(self, drawn: Sequence[Drawn], acknowledged: Sequence[Any], transaction: str) -> None:
        for one, where in zip(drawn, acknowledged, strict=True):
            told = entry(one, where, "", self.life)
            value = None if told.value is None else base64.b64encode(told.value).decode()
            self._write([*told.place, told.kind, told.key, value, transaction, self.life])

    def _write(self, document: Any) -> None:
        self.file.write(json.dumps(document) + "\n")
        self.file.flush()


def _messages(drawn: Sequence[Drawn]) -> list[Any]:
    return [one.message for one in drawn]


def _error(failure: KafkaException) -> KafkaError:
    found = failure.args[0]
    assert isinstance(found, KafkaError)
    return found


def _again(end: Any) -> None:
    """Ending a transaction may be repeated where the client says so: it is one and the same end."""
    for _ in range(20):
        try:
            end()
        except KafkaException as failure:
            if not _error(failure).retriable():
                raise
        else:
            return
    raise KafkaException(KafkaError(KafkaError._TIMED_OUT, "the transaction could not be ended"))


def _produce(connection: Connection, task: Task) -> None:
    _Process(connection, task).run()


class ProducerProcess:
    """Started; each command is carried out when the method returns, the chunk that was under way before it."""

    def __init__(self, task: Task) -> None:
        context = get_context("forkserver")
        self._task = task
        self._connection, theirs = context.Pipe()
        self._process: BaseProcess = context.Process(target=_produce, args=(theirs, task), daemon=True)
        self._process.start()
        theirs.close()

    def tell(self, word: str, value: int = 0) -> int:
        """``pause``, ``resume``, ``partitions`` (so many from now on), ``life`` (of the topic) or ``stop``.

        :returns: how many messages it has sent so far.
        :raises TimeoutError: the chunk before does not end.
        """
        self._connection.send((word, value))
        if not self._connection.poll(_SECONDS + 60):
            raise TimeoutError("the producer does not come back")
        sent: int = self._connection.recv()
        return sent

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.join()
        self._connection.close()

    def book(self) -> Book:
        """What it wrote down."""
        lines = [json.loads(line) for line in self._task.path.read_text().splitlines()]
        fates = {one["transaction"]: one["fate"] for one in lines if isinstance(one, dict)} | {"": "committed"}
        entries = []
        for line in (one for one in lines if isinstance(one, list)):
            partition, offset, time, kind, key, value, transaction, life = line
            raw = None if value is None else base64.b64decode(value)
            fate = fates.get(transaction, "unknown")
            entries.append(Entry(Place(partition, offset, time), Kind(kind), key, raw, fate, life))
        return Book(entries)
