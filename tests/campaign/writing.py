"""Produces what a round draws: plainly, in transactions that commit, and in some that abort."""

from __future__ import annotations

import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

from confluent_kafka import Producer

from airflow_kafka_bq.testing.kafka import Acknowledged, new_producer, send, wait_until_stable
from tests.campaign.book import Book
from tests.campaign.messages import Drawn, Mix

_SECONDS = 30.0


@dataclass
class Writing:
    """Two producers, for all rounds: a connection and a transactional id cost as much as a kill."""

    bootstrap: str
    _plain: Producer = field(init=False)
    _transactional: Producer = field(init=False)

    def __post_init__(self) -> None:
        quiet = {"log_level": 0}  # their broker goes before they do
        self._plain = new_producer(self.bootstrap, quiet)
        self._transactional = new_producer(self.bootstrap, quiet | {"transactional.id": f"campaign-{uuid.uuid4()}"})
        self._transactional.init_transactions(_SECONDS)

    def plainly(self, topic: str, drawn: Sequence[Drawn]) -> list[Acknowledged]:
        """Acknowledged when this returns."""
        return send(self._plain, topic, [one.message for one in drawn], timeout_seconds=_SECONDS)

    def in_transaction(self, topic: str, drawn: Sequence[Drawn], *, commit: bool) -> list[Acknowledged]:
        """Acknowledged, and committed or aborted."""
        producer = self._transactional
        producer.begin_transaction()
        found = send(producer, topic, [one.message for one in drawn], timeout_seconds=_SECONDS)
        (producer.commit_transaction if commit else producer.abort_transaction)(_SECONDS)
        return found

    def fill(self, draw: random.Random, topic: str, mix: Mix, book: Book, count: int) -> int:
        """A mix of all; how many of them a reader sees."""
        seen = 0
        acknowledged: list[Acknowledged] = []
        for first in range(0, count, 4):
            drawn = mix.draw(min(4, count - first))
            way = draw.choice(("plain", "plain", "commit", "abort"))
            if way == "plain":
                found = self.plainly(topic, drawn)
            else:
                found = self.in_transaction(topic, drawn, commit=way == "commit")
            book.add(drawn, found, "aborted" if way == "abort" else "committed")
            acknowledged += found
            seen += len(drawn) if way != "abort" else 0
        wait_until_stable(self.bootstrap, acknowledged)
        return seen

    def fill_good(self, topic: str, mix: Mix, book: Book, count: int) -> None:
        """Messages that become rows, plainly."""
        drawn = mix.good(count)
        book.add(drawn, self.plainly(topic, drawn), "committed")
