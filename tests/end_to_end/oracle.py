"""Keeps every message that Kafka acknowledged, and looks for each of them: in the table, or among the dead letters."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from airflow_kafka_bq.testing.kafka import Acknowledged, NewMessage, offset_bounds, produce
from tests.end_to_end.pipe import Pipe

Place = tuple[int, int, int]  # partition, offset, timestamp in milliseconds


@dataclass
class Oracle:
    """The acknowledged messages of one pipe in payload mode, their coordinates and contents."""

    pipe: Pipe
    sent: dict[Place, Any] = field(default_factory=dict)
    gone: set[Place] = field(default_factory=set)

    def produce(self, messages: Iterable[Any]) -> list[Acknowledged]:
        """Produce in small record batches, as a reader gets at least one at a time; remember what was taken."""
        wanted = list(messages)
        small = {"batch.num.messages": 10}
        return self.remember(wanted, produce(self.pipe.bootstrap, self.pipe.topic, wanted, settings=small))

    def remember(self, messages: Iterable[Any], acknowledged: list[Acknowledged]) -> list[Acknowledged]:
        """Messages that somebody else produced."""
        for message, one in zip(messages, acknowledged, strict=True):
            stamped = message.timestamp_ms if isinstance(message, NewMessage) else None  # the mock tells another one
            self.sent[one.partition, one.offset, stamped or one.timestamp_ms] = _value(message)
        return acknowledged

    def lose(self, partition: int, offsets: Collection[int]) -> None:
        """Kafka has no longer what these offsets held, and the run has said so."""
        self.gone |= {place for place in self.sent if place[0] == partition and place[1] in offsets}

    def settle(self, *settings: str) -> dict[str, Any]:
        """One ordinary run, after which everything must be as if no fault had been."""
        report = self.pipe.run(*settings)
        assert report.get("outcome") == "end", report
        assert report["committed"] is True, report
        self.check()
        return report

    def check(self) -> None:
        """Each message once, whole; positions at the ends; no hole in the history; group as ledger; staging ends."""
        self.check_rows()
        ends = offset_bounds(self.pipe.bootstrap, self.pipe.topic, range(self.pipe.partitions))
        assert self.pipe.ledger() == {part: bounds[1] for part, bounds in ends.items()}
        assert self.pipe.committed() == self.pipe.ledger()
        self.pipe.check_history()
        for name in (name for name in self.pipe.tables() if "__stg_" in name):  # of runs that failed
            assert self.pipe.client.get_table(f"{self.pipe.dataset}.{name}").expires, name

    def check_rows(self) -> None:
        """Each message once, whole: in the table, or among the dead letters with its bytes."""
        wanted = Counter((place, _canonical(value)) for place, value in self.sent.items() if place not in self.gone)
        found = self._rows()
        found += self._letters()
        assert found == wanted, f"missing: {wanted - found}, too much: {found - wanted}"

    def prefix(self) -> None:
        """What is below the ledger's positions is there, once; and nothing else is."""
        if not self.pipe.tables():
            return  # it failed before it made any
        below = self.pipe.ledger()
        wanted = Counter(
            (place, _canonical(value))
            for place, value in self.sent.items()
            if place not in self.gone and place[1] < below.get(place[0], 0)
        )
        found = self._rows() + self._letters()
        assert found == wanted, f"missing: {wanted - found}, too much: {found - wanted}"
        self.pipe.check_history()

    def _rows(self) -> Counter[tuple[Place, str]]:
        columns = "_kafka_partition, _kafka_offset, UNIX_MILLIS(_kafka_timestamp), TO_JSON_STRING(payload)"
        rows = self.pipe.query(f"SELECT {columns} FROM {self.pipe.name()}")
        return Counter((row[:3], json.dumps(json.loads(row[3] or "null"), sort_keys=True)) for row in rows)

    def _letters(self) -> Counter[tuple[Place, str]]:
        columns = "_kafka_partition, _kafka_offset, UNIX_MILLIS(_kafka_timestamp), _kafka_value"
        letters = f"SELECT {columns} FROM {self.pipe.name('__dead_letters')} WHERE stage != 'lost'"
        return Counter((row[:3], _canonical(row[3])) for row in self.pipe.query(letters))


def _value(message: Any) -> Any:
    return message.value if isinstance(message, NewMessage) else message


def _canonical(value: Any) -> str:
    """JSON as the table shows it; what is no JSON as its bytes."""
    if isinstance(value, dict) or value is None:
        return json.dumps(value, sort_keys=True)
    raw = value.encode() if isinstance(value, str) else value
    try:
        return json.dumps(json.loads(raw), sort_keys=True)
    except ValueError:
        return repr(raw)
