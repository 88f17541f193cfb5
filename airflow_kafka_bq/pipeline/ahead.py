"""Parse pieces of a batch while its other messages are still on their way.

Arrow parses without the interpreter's lock, so a second core has something to do while the first one takes messages out
of the client. What is parsed, and in which order, does not depend on it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import pyarrow as pa

from airflow_kafka_bq.formats.records import RecordRules, Records, records

PIECE_MESSAGES = 16_384  # bulk parsing is fastest at about this many
PIECE_BYTES = 16 * 1024 * 1024


@dataclass(slots=True)
class Ahead:
    """The batch that is being filled. One thread adds messages and takes pieces; ``parser`` has one of its own."""

    rules: RecordRules
    parser: ThreadPoolExecutor
    follow: Callable[[Future[tuple[Records, float]]], None] | None = None  # hears of each piece
    _seconds: float = 0.0
    _waiting: list[pa.RecordBatch] = field(default_factory=list)
    _count: int = 0
    _bytes: int = 0
    _first: int = 0
    _pieces: list[Future[tuple[Records, float]]] = field(default_factory=list)

    def add(self, messages: pa.RecordBatch, size_bytes: int) -> None:
        """Messages (RAW_SCHEMA) that follow those of before, and the bytes of their keys, values and headers."""
        self._waiting.append(messages)
        self._count += messages.num_rows
        self._bytes += size_bytes
        if self._count >= PIECE_MESSAGES or self._bytes >= PIECE_BYTES:
            self._send()

    def _send(self) -> None:
        piece = self._waiting[0] if len(self._waiting) == 1 else pa.concat_batches(self._waiting)  # type: ignore[attr-defined]
        self._pieces.append(self.parser.submit(_parsed, piece, self._first, self.rules))
        if self.follow:
            self.follow(self._pieces[-1])
        self._first += self._count
        self._waiting, self._count, self._bytes = [], 0, 0

    def take(self) -> list[Records]:
        """All pieces of the batch in their order; the next batch begins. Raises what parsing raised."""
        if self._waiting:
            self._send()
        pieces, self._pieces, self._first = self._pieces, [], 0
        found = [piece.result() for piece in pieces]
        self._seconds += sum(seconds for _, seconds in found)
        return [parsed for parsed, _ in found]

    def spent(self) -> float:
        """Seconds that parsing took since this was asked last, of what was taken."""
        found, self._seconds = self._seconds, 0.0
        return found


def _parsed(piece: pa.RecordBatch, first: int, rules: RecordRules) -> tuple[Records, float]:
    began = time.monotonic()
    return records(piece, first, rules), time.monotonic() - began
