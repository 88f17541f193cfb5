"""The log of one partition: records, control records, transactions, holes."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal

from airflow_kafka_bq.batch import Bounds

Isolation = Literal["read_committed", "read_uncommitted"]
Headers = tuple[tuple[str, bytes | None], ...]


@dataclass(frozen=True, slots=True)
class Record:
    """What one offset holds: a message, or the marker that ends a transaction."""

    offset: int
    timestamp_ms: int | None
    key: bytes | None = None
    value: bytes | None = None
    headers: Headers | None = None
    leader_epoch: int = 0
    transaction: int | None = None
    control: bool = False


@dataclass(slots=True)
class PartitionLog:
    """Records in the order of their offsets; offsets may be missing (compaction)."""

    records: list[Record] = field(default_factory=list)
    log_start: int = 0
    high_watermark: int = 0
    leader_epoch: int = 0
    _epochs: list[tuple[int, int]] = field(default_factory=lambda: [(0, 0)])  # (epoch, its first offset)
    _open: dict[int, int] = field(default_factory=dict)  # transaction -> its first offset here
    _aborted: set[int] = field(default_factory=set)

    @property
    def last_stable(self) -> int:
        """First offset of the oldest open transaction, else the high watermark; never before the log start."""
        return max(self.log_start, min([*self._open.values(), self.high_watermark]))

    def bounds(self, isolation: Isolation) -> Bounds:
        """As ListOffsets tells them to readers of this isolation level: uncommitted ones know no last stable offset."""
        return Bounds(self.log_start, self.end(isolation), self.high_watermark)

    def end(self, isolation: Isolation) -> int:
        """Where a consumer of this isolation level meets the end of the partition."""
        return self.last_stable if isolation == "read_committed" else self.high_watermark

    def append(self, record: Record) -> int:
        """Give the record the next offset; it opens its transaction here if it is the first."""
        offset = self.high_watermark
        if self.leader_epoch > self._epochs[-1][0]:
            self._epochs.append((self.leader_epoch, offset))
        self.records.append(replace(record, offset=offset, leader_epoch=self.leader_epoch))
        self.high_watermark += 1
        if record.transaction is not None and not record.control:
            self._open.setdefault(record.transaction, offset)
        return offset

    def end_transaction(self, transaction: int, timestamp_ms: int, *, committed: bool) -> None:
        """Write the marker. It occupies an offset, which no consumer is given."""
        if transaction not in self._open:
            return
        self.append(Record(-1, timestamp_ms, transaction=transaction, control=True))
        del self._open[transaction]
        if not committed:
            self._aborted.add(transaction)

    def elect(self) -> None:
        """Another leader, with all that was acknowledged: a new epoch begins."""
        self.leader_epoch += 1

    def end_of_epoch(self, epoch: int) -> int:
        """Where the records of an epoch, and of those before it, end: as OffsetForLeaderEpoch tells it."""
        return next((first for later, first in self._epochs if later > epoch), self.high_watermark)

    def epoch_before(self, offset: int) -> int | None:
        """Epoch of the last record before an offset; None where there is none."""
        before = bisect_left(self.records, offset, key=lambda kept: kept.offset)
        return self.records[before - 1].leader_epoch if before else None

    def fetch(self, position: int, limit: int, isolation: Isolation) -> tuple[list[Record], int]:
        """At most ``limit`` messages from ``position`` on, and where the client goes on.

        Control records and aborted messages are stepped over, and so are holes.
        """
        end, found = self.end(isolation), list[Record]()
        for record in self.records[bisect_left(self.records, position, key=lambda kept: kept.offset) :]:
            if record.offset >= end or len(found) == limit:
                break
            if self._visible(record, isolation):
                found.append(record)
            position = record.offset + 1
        return found, position if len(found) == limit else max(position, end)

    def _visible(self, record: Record, isolation: Isolation) -> bool:
        return not record.control and (isolation == "read_uncommitted" or record.transaction not in self._aborted)

    def offset_at(self, timestamp_ms: int, isolation: Isolation) -> int:
        """First offset with that timestamp or a later one, else the end.

        As the broker searches: aborted messages and markers count, it does not look into transactions.
        """
        for record in self.records:
            if record.timestamp_ms is not None and record.timestamp_ms >= timestamp_ms:
                return min(record.offset, self.end(isolation))
        return self.end(isolation)

    def time_at(self, offset: int) -> int | None:
        """Timestamp of the record at an offset, or of the next one, as a search by time finds it: the greatest before
        it, where that is no less.
        """
        timed = [(one.offset, one.timestamp_ms) for one in self.records if one.timestamp_ms is not None]
        timed = [(at, ms) for at, ms in timed if ms >= 0]
        before = max((ms for at, ms in timed if at < offset), default=-1)
        later = next(((at, ms) for at, ms in timed if at >= offset and ms > before), None)
        if before == -1 or (later is not None and later[0] == offset):
            return later[1] if later else None
        return before

    def delete_before(self, offset: int) -> None:
        """Retention, or DeleteRecords: the log start moves, never back, never past the high watermark."""
        self.log_start = min(max(self.log_start, offset), self.high_watermark)
        self._drop(lambda record: record.offset < self.log_start)

    def compact(self) -> None:
        """Of each key keep the last record, drop what was aborted; the log start stays.

        The newest offset stays too: a broker never cleans the active segment.
        """
        clean_end = min(self.last_stable, self.high_watermark - 1)
        newest = {
            record.key: record.offset
            for record in self.records
            if self._visible(record, "read_committed") and record.offset < self.last_stable
        }

        def superseded(record: Record) -> bool:
            if record.control or record.offset >= clean_end:
                return False
            if record.transaction in self._aborted:
                return True
            return record.key is not None and newest[record.key] > record.offset

        self._drop(superseded)

    def truncate(self, end: int) -> None:
        """An unclean election: what is at and past ``end`` is gone, a new leader epoch begins."""
        self._drop(lambda record: record.offset >= end)
        self.high_watermark = min(self.high_watermark, end)
        self._open = {transaction: first for transaction, first in self._open.items() if first < end}
        self._epochs = [(epoch, first) for epoch, first in self._epochs if first < end or not first]
        self.elect()

    def _drop(self, gone: Callable[[Record], bool]) -> None:
        self.records = [record for record in self.records if not gone(record)]
