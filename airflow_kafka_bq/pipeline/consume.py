"""Consume: bounded batches, each partition read to the end that was fixed when the run started.

A partition is done when a message reaches end - 1, when a message at or past the end arrives (it is dropped), or when
an end-of-partition event carries an offset >= end. Silence is never the end: commit markers, aborted messages and open
transactions leave no message to wait for, and a broken connection is silent too.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import repeat
from operator import contains

import pyarrow as pa

from airflow_kafka_bq.batch import (
    RAW_SCHEMA,
    Gap,
    Kind,
    OffsetRange,
    PartitionPlan,
    Polled,
    Position,
    RawBatch,
    RunPlan,
    first_and_last,
    whole_numbers,
)
from airflow_kafka_bq.config import JobConfig
from airflow_kafka_bq.exceptions import ConfigError, OffsetGapError, StopRequested, TopicChangedError
from airflow_kafka_bq.pipeline.held import Places
from airflow_kafka_bq.pipeline.pieces import Pieces, piece_bytes
from airflow_kafka_bq.pipeline.same_topic import ANOTHER_TOPIC, require_same_topic
from airflow_kafka_bq.pipeline.sizes import payload_bytes
from airflow_kafka_bq.pipeline.standstill import place, stalled
from airflow_kafka_bq.ports import Source

POLL_MESSAGES = 1_000  # larger polls cost CPU: the list outgrows the cache
POLL_SECONDS = 0.2  # a signal is seen only between two polls
_MAX_POSITION_CHECK_SECONDS = 1.0


@dataclass(slots=True)
class _Part:
    """Progress in one partition."""

    start: int  # of the batch that is being filled
    next_offset: int
    end: int
    epoch: int | None

    @property
    def done(self) -> bool:
        return self.next_offset >= self.end

    def skip_to_end(self) -> None:
        """Over what holds no message for us: nobody tells its epoch, and an older one would look like a truncation."""
        if not self.done:
            self.next_offset, self.epoch = self.end, None


@dataclass(slots=True)
class Drain:
    """Reads a plan's ranges, batch after batch. One thread uses it.

    :param stopped: asked before every poll; when true the run ends with ``StopRequested``.
    :param clock: monotonic seconds.
    """

    source: Source
    plan: RunPlan
    config: JobConfig
    group_id: str
    stopped: Callable[[], bool] = lambda: False
    clock: Callable[[], float] = time.monotonic
    # Of the same run under an earlier plan; they count for the bounds of the run.
    messages_before: int = 0
    bytes_before: int = 0
    began: float | None = None
    _parts: dict[int, _Part] = field(init=False)
    _gaps: list[Gap] = field(init=False)
    _messages: int = 0
    _bytes: int = 0
    _opened: bool = False
    _began: float = field(init=False)
    limited: bool = False  # a bound of the run was reached before the end
    places: Places = field(default_factory=Places)
    listen: Callable[[pa.RecordBatch], None] | None = None  # hears of each piece while a batch is filled

    def __post_init__(self) -> None:
        self._parts = {
            part: _Part(_from(one, self.plan), one.start_offset, one.end_offset, one.leader_epoch)
            for part, one in self.plan.partitions.items()
        }
        self._gaps = list(self.plan.gaps)
        self._began = self.clock() if self.began is None else self.began
        self._messages, self._bytes = self.messages_before, self.bytes_before

    def next_batch(self) -> RawBatch | None:
        """The next batch; None when every partition reached its end, or a bound of the run did.

        :raises StalledError: messages are outstanding and nothing moves.
        :raises OffsetGapError: retention overtook the run, and ``on_gap="fail"``.
        :raises TopicChangedError: the topic was deleted or created again meanwhile: the batch may be of two topics.
        :raises ConfigError: a message is too large for the client.
        """
        try:
            return self._next_batch()
        except ConfigError as error:
            place(error, self._unread())
            raise

    def _next_batch(self) -> RawBatch | None:
        if self._finished() and not self._moved():
            return None
        if not self._opened and self._open_parts():
            self._open()
        chunks = self._fill()
        ranges = tuple(
            OffsetRange(number, part.start, part.next_offset, part.epoch)
            for number, part in sorted(self._parts.items())
            if part.next_offset > part.start
        )
        if ranges and self.plan.facts.topic_id is not None:
            require_same_topic(self.source, self.plan, ranges[0], self.group_id)
        for part in self._parts.values():
            part.start = part.next_offset
        gaps, self._gaps = tuple(self._gaps), []
        return RawBatch(pa.Table.from_batches(chunks, RAW_SCHEMA), ranges, gaps) if ranges or gaps else None

    def _finished(self) -> bool:
        if all(part.done for part in self._parts.values()):
            return True
        config = self.config
        self.limited = bool(
            (config.max_messages is not None and self._messages >= config.max_messages)
            or (config.max_bytes is not None and self._bytes >= config.max_bytes)
            or (config.max_seconds is not None and self.clock() - self._began >= config.max_seconds)
        )
        return self.limited

    def _moved(self) -> bool:
        return bool(self._gaps) or any(part.next_offset > part.start for part in self._parts.values())

    def _open_parts(self) -> list[int]:
        return [number for number, part in self._parts.items() if not part.done]

    def _open(self) -> None:
        self.source.open({number: Position(self._parts[number].next_offset, self._parts[number].epoch)
                          for number in self._open_parts()})  # fmt: skip
        self._opened = True

    def _fill(self) -> list[pa.RecordBatch]:
        pieces = Pieces(piece_bytes(self.config.batch_bytes), self.places, self.listen)
        count = size = 0
        began = moved_at = checked_at = self.clock()
        seen = dict(self.source.fetch_positions()) if self._opened else {}
        while not self._finished() and not self._full(count, size, began):
            if self.stopped():
                raise StopRequested
            polled = self.source.poll(self._room(count, pieces.room), POLL_SECONDS)
            kept = self._take(polled)
            now = self.clock()
            if kept.num_rows:
                added = payload_bytes(kept)
                pieces.add(kept, added)
                count, size = count + kept.num_rows, size + added
                self._messages, self._bytes = self._messages + kept.num_rows, self._bytes + added
            if polled.messages.num_rows or polled.ends or polled.out_of_range:
                moved_at = now
            elif now - checked_at >= min(_MAX_POSITION_CHECK_SECONDS, self.config.stall_timeout_seconds / 4):
                checked_at, at = now, dict(self.source.fetch_positions())
                if at != seen:
                    moved_at, seen = now, at
            if now - moved_at >= (patience := self.config.stall_timeout_seconds) and (unread := self._unread()):
                raise stalled(self.source, self.plan, unread, self.group_id, patience)
        return pieces.taken()

    def _full(self, count: int, size: int, began: float) -> bool:
        config = self.config
        late = config.batch_seconds is not None and self.clock() - began >= config.batch_seconds
        return count >= config.batch_messages or size >= config.batch_bytes or (late and count > 0)

    def _room(self, count: int, of_piece: int) -> int:
        room = min(POLL_MESSAGES, of_piece, self.config.batch_messages - count)
        if self.config.max_messages is not None:
            room = min(room, self.config.max_messages - self._messages)
        return room

    def _take(self, polled: Polled) -> pa.RecordBatch:
        """Keep what lies below each end, note progress, finish partitions."""
        kept, numbers = self._below_end(polled)
        for number, offset in polled.ends.items():
            part = self._parts.get(number)
            if part and offset >= part.end:
                part.skip_to_end()
        for number, offset in polled.out_of_range.items():
            if number in self._parts and not self._parts[number].done:
                self._out_of_range(number, offset)
        for number in {*polled.ends, *numbers}:
            if number in self._parts and self._parts[number].done:
                self.source.finish(number)
        return kept

    def _below_end(self, polled: Polled) -> tuple[pa.RecordBatch, Iterable[int]]:  # and where some were read
        messages = polled.messages
        if not messages.num_rows:
            return messages, ()
        numbers, offsets = (whole_numbers(messages.column(name)) for name in ("partition", "offset"))
        wanted = {number: range(part.next_offset, part.end) for number, part in self._parts.items()}
        firsts, lasts = first_and_last(numbers, offsets)
        whole = all(firsts[one] in wanted.get(one, ()) and lasts[one] in wanted[one] for one in lasts)
        inside = None if whole else list(map(contains, map(wanted.get, numbers, repeat(range(0))), offsets))
        for number, offset in lasts.items():
            part = self._parts.get(number)
            if part is None or part.done:
                continue
            if offset >= part.end:  # the log holds nothing more below the end
                part.skip_to_end()
            elif offset >= part.next_offset:
                part.next_offset, part.epoch = offset + 1, polled.leader_epochs.get(number)
        return messages if inside is None else messages.filter(pa.array(inside)), lasts

    def _out_of_range(self, number: int, offset: int) -> None:
        part, bounds = self._parts[number], self.source.bounds()[number]
        if part.next_offset >= bounds.log_start:
            offset = max(offset, part.next_offset)  # the client does not tell it of a log that was cut off
            message = f"offset {offset} is not in the log any more: that now ends at {bounds.high_watermark}"
            if offset <= bounds.high_watermark:
                message = f"the log was cut off below offset {offset}, and other messages stand there now"
            raise TopicChangedError(
                message, topic=self.config.topic, partition=number, offset=offset, group_id=self.group_id,
                remedy=f"the topic was truncated or created again: {ANOTHER_TOPIC}",
            )  # fmt: skip
        gap = Gap(number, part.next_offset, min(bounds.log_start, part.end))
        if self.config.on_gap == "fail":
            message = f"retention took offsets {gap.start_offset} to {gap.end_offset - 1} while the run was reading"
            raise OffsetGapError(
                message, topic=self.config.topic, partition=number, offset=gap.start_offset, group_id=self.group_id,
                remedy="set on_gap='record' to note the loss and go on",
            )  # fmt: skip
        self._gaps.append(gap)
        part.next_offset, part.epoch = gap.end_offset, None
        if self._open_parts():
            self._open()

    def _unread(self) -> list[OffsetRange]:
        return [
            OffsetRange(number, part.next_offset, part.end) for number, part in self._parts.items() if not part.done
        ]


def _from(part: PartitionPlan, plan: RunPlan) -> int:
    """Where the first range starts: at the position, also where a gap lies between it and the first message."""
    if plan.kind is not Kind.LIVE:
        return part.start_offset
    at = plan.positions.get(part.partition)
    return min(at.next_offset, part.start_offset) if at else part.start_offset
