"""Transactions in a test: committed, aborted, left open, abandoned like those of a producer that crashed."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Literal, Self

from confluent_kafka import KafkaException, Producer

from airflow_kafka_bq.testing.kafka.producing import Acknowledged, Messages, new_producer, send
from airflow_kafka_bq.testing.kafka.topics import wait_until_stable


class OpenTransaction:
    """A transaction that has begun; leaving the ``with`` block aborts it, unless it was ended before.

    ::

        with OpenTransaction(kafka.bootstrap) as transaction:
            transaction.produce("orders", [b"1", b"2"])     # a read_committed reader sees nothing behind these
            transaction.commit()

    :param transactional_id: a second transaction under the same id fences the first; None makes a fresh one.
    :param expires_after_seconds: when the broker aborts it by itself.
    """

    def __init__(
        self,
        bootstrap: str,
        *,
        transactional_id: str | None = None,
        expires_after_seconds: float = 60.0,
        settings: Mapping[str, Any] | None = None,
        timeout_seconds: float = 30.0,
    ) -> None:
        self._bootstrap = bootstrap
        self._timeout_seconds = timeout_seconds
        self._acknowledged: list[Acknowledged] = []
        ours = {
            "transactional.id": transactional_id or f"test-{uuid.uuid4()}",
            "transaction.timeout.ms": int(expires_after_seconds * 1000),
        }
        self._settings = dict(settings or {})
        self._producer: Producer | None = new_producer(bootstrap, ours | self._settings)
        self._producer.init_transactions(timeout_seconds)
        self._producer.begin_transaction()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._producer is not None:
            self.abort(wait=False)

    def produce(self, topic: str, messages: Messages) -> list[Acknowledged]:
        """As :func:`.producing.produce`; the messages are in the log, and become readable with :meth:`commit`."""
        found = send(self._open_producer(), topic, messages, timeout_seconds=self._timeout_seconds)
        self._acknowledged += found
        return found

    def commit(self, *, wait: bool = True) -> None:
        """Commit.

        :param wait: until the last stable offset has passed the messages; the broker moves it a moment after its
            answer. Do not wait while another open transaction holds it back.
        """
        self._open_producer().commit_transaction(self._timeout_seconds)
        self._ended(wait=wait)

    def abort(self, *, wait: bool = True) -> None:
        """Abort; ``wait`` as in :meth:`commit`."""
        self._open_producer().abort_transaction(self._timeout_seconds)
        self._ended(wait=wait)

    def abandon(self) -> None:
        """Drop the producer without ending the transaction: it stays open until the broker's time limit."""
        self._open_producer()
        self._producer = None

    def _open_producer(self) -> Producer:
        if self._producer is None:
            raise RuntimeError("the transaction has ended")
        return self._producer

    def _ended(self, *, wait: bool) -> None:
        self._producer = None
        if wait:
            wait_until_stable(
                self._bootstrap, self._acknowledged, settings=self._settings, timeout_seconds=self._timeout_seconds
            )


def produce_in_transaction(
    bootstrap: str,
    topic: str,
    messages: Messages,
    *,
    outcome: Literal["commit", "abort"] = "commit",
    settings: Mapping[str, Any] | None = None,
    wait: bool = True,
) -> list[Acknowledged]:
    """One transaction with ``messages``, ended by ``outcome``; it leaves a control record behind them.

    :param wait: until a ``read_committed`` reader can pass it; not while another open transaction is before it.
    :raises KafkaException: the broker refused the transaction.
    """
    with OpenTransaction(bootstrap, settings=settings) as transaction:
        found = transaction.produce(topic, messages)
        if outcome == "commit":
            transaction.commit(wait=wait)
        else:
            transaction.abort(wait=wait)
    return found


def warm_up(bootstrap: str, topic: str, *, settings: Mapping[str, Any] | None = None) -> None:
    """Have the broker create its internal topics for offsets and transactions now.

    The first commit and the first transaction of a broker's life each wait for that, 1 to 1.5 s.

    :param topic: an existing topic, to which one aborted message is written.
    :raises KafkaException: the broker did not manage in time.
    """
    from confluent_kafka import Consumer, TopicPartition

    group = {"bootstrap.servers": bootstrap, "group.id": f"warm-up-{uuid.uuid4()}", "log_level": 3}
    consumer = Consumer(group | dict(settings or {}))
    try:
        for found in consumer.commit(offsets=[TopicPartition(topic, 0, 0)], asynchronous=False) or []:
            if found.error is not None:
                raise KafkaException(found.error)
    finally:
        consumer.close()
    produce_in_transaction(bootstrap, topic, [None], outcome="abort", settings=settings)
