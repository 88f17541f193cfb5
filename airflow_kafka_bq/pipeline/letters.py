"""A redrive's side of the stations: messages out of the dead-letter table, and what became of each."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from airflow_kafka_bq.batch import (
    DEAD_LETTER_SCHEMA,
    LETTER_SCHEMA,
    RAW_SCHEMA,
    REDRIVEN,
    LetterPlace,
    OffsetRange,
    RawBatch,
)
from airflow_kafka_bq.config import JobConfig
from airflow_kafka_bq.config.letters import LetterSelection
from airflow_kafka_bq.exceptions import StopRequested
from airflow_kafka_bq.formats.coordinates import kafka_timestamps
from airflow_kafka_bq.pipeline.bounds import MAX_PARTITIONS
from airflow_kafka_bq.pipeline.sizes import payload_bytes
from airflow_kafka_bq.ports import Warehouse
from airflow_kafka_bq.schema.target import Target

log = logging.getLogger(__name__)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MAX_LETTERS = 10_000
"""Messages of a batch: each may be a range of its own in the history, and a statement is at most 1 MB long."""


@dataclass(slots=True)
class LetterDrain:
    """Reads dead letters, batch after batch, each bounded as the job says. One thread uses it.

    :param stopped: asked before every batch; when true the run ends with ``StopRequested``.
    :param clock: monotonic seconds.
    :param after: the last letter of what was applied already, by the same run under an earlier plan.
    :param oldest: letters of messages from before this time are left to wait: see ``pipeline.markers``.
    """

    warehouse: Warehouse
    target: Target
    config: JobConfig
    wanted: LetterSelection
    stopped: Callable[[], bool] = lambda: False
    clock: Callable[[], float] = time.monotonic
    messages_before: int = 0
    bytes_before: int = 0
    began: float | None = None
    after: LetterPlace | None = None
    oldest: datetime | None = None
    limited: bool = False  # a bound of the run was reached before the last letter
    _messages: int = field(init=False)
    _bytes: int = field(init=False)
    _began: float = field(init=False)
    _batches: Iterator[pa.Table] = field(init=False)

    def __post_init__(self) -> None:
        self._messages, self._bytes = self.messages_before, self.bytes_before
        self._began = self.clock() if self.began is None else self.began
        self._batches = self._cut()
        if self.oldest is not None:
            floor = LetterPlace((self.oldest - _EPOCH) // timedelta(milliseconds=1), -1, -1)
            self._tell_older(floor)
            self.after = max(self.after or floor, floor)

    def _tell_older(self, floor: LetterPlace) -> None:
        for piece in self.warehouse.letters(
            self.target, self.config.topic, self.wanted, None, 1, self.config.max_bytes_billed
        ):
            if LetterPlace.last_of(piece) < floor:
                log.warning(
                    "dead letters of messages from before %s are left to wait: on_tombstone='delete' has forgotten "
                    "what was removed before then, and they might bring it back", self.oldest,
                )  # fmt: skip

    def next_batch(self) -> RawBatch | None:
        """The next batch; None behind the last letter, or when a bound of the run is reached."""
        found = self.next_letters()
        return None if found is None else RawBatch(found.select(RAW_SCHEMA.names), ())

    def next_letters(self) -> pa.Table | None:
        """The same, with what each letter failed of: LETTER_SCHEMA."""
        if self.stopped():
            raise StopRequested
        return next(self._batches, None)

    def _cut(self) -> Iterator[pa.Table]:
        """Batches in the order of the letters' places."""
        kept = LETTER_SCHEMA.empty_table()
        for piece in self._pieces():
            kept = pa.concat_tables([kept, piece])
            while (count := self._room(kept)) is not None:
                yield kept.slice(0, count)
                kept = kept.slice(count)
                if self._spent():
                    self.limited = True
                    return
        if kept.num_rows:
            yield kept

    def _pieces(self) -> Iterator[pa.Table]:
        """All that is selected; counted as it is read, so that no more is read than the run may take."""
        while (most := self._most()) > 0:
            read = 0
            for piece in self.warehouse.letters(
                self.target, self.config.topic, self.wanted, self.after, most, self.config.max_bytes_billed
            ):
                read += piece.num_rows
                self._messages += piece.num_rows
                self._bytes += payload_bytes(piece)
                self.after = LetterPlace.last_of(piece)
                yield piece
            if read < most:
                return
        self.limited = True

    def _most(self) -> int:
        """Letters that one query gives: BigQuery sorts them, and its answer has a size."""
        bounds = [self.config.batch_messages]
        for most in (self.wanted.limit, self.config.max_messages):
            if most is not None:
                bounds.append(most - self._messages)
        return min(bounds)

    def _room(self, kept: pa.Table) -> int | None:
        """How many of these letters fill a batch; None where more fit in."""
        config = self.config
        fits = min(MAX_LETTERS, config.batch_messages, _of_few_days(kept))
        if kept.num_rows >= fits:
            return fits
        return kept.num_rows if kept.num_rows and payload_bytes(kept) >= config.batch_bytes else None

    def _spent(self) -> bool:
        config = self.config
        late = config.max_seconds is not None and self.clock() - self._began >= config.max_seconds
        return late or (config.max_bytes is not None and self._bytes >= config.max_bytes)


def _of_few_days(letters: pa.Table) -> int:
    """How many letters touch no more partitions of their table than BigQuery changes in one statement."""
    if letters.num_rows <= MAX_PARTITIONS:
        return MAX_LETTERS
    days = pc.floor_temporal(kafka_timestamps(letters.column("timestamp_ms"))[0], unit="day").to_pylist()
    seen: set[Any] = set()
    for index, day in enumerate(days):
        seen.add(day)
        if len(seen) > MAX_PARTITIONS:
            return index
    return MAX_LETTERS


def ranges_of(messages: pa.Table) -> tuple[OffsetRange, ...]:
    """Ranges that hold these messages and no others."""
    found: list[tuple[int, int, int]] = []
    partitions: list[Any] = messages.column("partition").to_pylist()
    offsets: list[Any] = messages.column("offset").to_pylist()
    for partition, offset in sorted(zip(partitions, offsets, strict=True)):
        if found and found[-1][0] == partition and offset <= found[-1][2]:
            found[-1] = (partition, found[-1][1], offset + 1)
        else:
            found.append((partition, offset, offset + 1))
    return tuple(OffsetRange(*one) for one in found)


def outcomes(messages: pa.Table, failed: pa.Table) -> pa.Table:
    """What became of each message: why it failed again, or that it did not. DEAD_LETTER_SCHEMA, without contents.

    :param messages: RAW_SCHEMA. :param failed: those of them that failed, DEAD_LETTER_SCHEMA.
    """
    where = ["_kafka_partition", "_kafka_offset", "_kafka_timestamp"]
    stamped = kafka_timestamps(messages.column("timestamp_ms"))[0]
    columns = [messages.column("partition"), messages.column("offset"), stamped]
    read = pa.table(columns, names=where).to_pylist()
    why = ("stage", "reason", "error", "schema_id")
    again = {tuple(one[name] for name in where): one for one in failed.select([*where, *why]).to_pylist()}
    well = {"stage": REDRIVEN, "reason": REDRIVEN}
    rows = [again.get(tuple(one.values())) or {**one, **well} for one in read]
    return pa.Table.from_pylist(rows, DEAD_LETTER_SCHEMA)
