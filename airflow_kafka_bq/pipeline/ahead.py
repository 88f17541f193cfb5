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
from airflow_kafka_bq.pipeline.held import Places

_PIECES_GIVEN_BACK = 2  # after each it would cost a twentieth of the time, and hardly need less


@dataclass(slots=True)
class Ahead:
    """The batch that is being filled. One thread adds and takes pieces; ``parser`` has one of its own."""

    rules: RecordRules
    parser: ThreadPoolExecutor
    places: Places
    follow: Callable[[Future[tuple[Records, float]]], None] | None = None  # hears of each piece
    _seconds: float = 0.0
    _first: int = 0
    _pieces: list[Future[tuple[Records, float]]] = field(default_factory=list)

    def add(self, piece: pa.RecordBatch) -> None:
        """Messages (RAW_SCHEMA) that follow those of before, and are held."""
        self._pieces.append(self.parser.submit(self._parsed, piece, self._first))
        if self.follow:
            self.follow(self._pieces[-1])
        if len(self._pieces) % _PIECES_GIVEN_BACK == 0:
            self.parser.submit(pa.default_memory_pool().release_unused)
        self._first += piece.num_rows

    def take(self) -> list[Records]:
        """All pieces of the batch in their order; the next batch begins. Raises what parsing raised."""
        pieces, self._pieces, self._first = self._pieces, [], 0
        found = [piece.result() for piece in pieces]
        self._seconds += sum(seconds for _, seconds in found)
        return [parsed for parsed, _ in found]

    def spent(self) -> float:
        """Seconds that parsing took since this was asked last, of what was taken."""
        found, self._seconds = self._seconds, 0.0
        return found

    def _parsed(self, piece: pa.RecordBatch, first: int) -> tuple[Records, float]:
        began = time.monotonic()
        return self.places.held_rows(records(piece, first, self.rules), piece), time.monotonic() - began
