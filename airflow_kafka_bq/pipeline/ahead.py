"""Parse pieces of a batch while its other messages are still on their way.

Arrow parses without the interpreter's lock, so a second core has something to do while the first one takes messages out
of the client. What is parsed, and in which order, does not depend on it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import pyarrow as pa

from airflow_kafka_bq.formats.records import RecordRules, Records, records
from airflow_kafka_bq.pipeline.held import Places

_PIECES_GIVEN_BACK = 2  # costs a twelfth of the time; after each it would be twice that, and hardly need less


@dataclass(slots=True)
class ParsedPiece:
    """A piece that was parsed.

    :param records: with those columns that the batch keeps. :param to_write: with all of them, for one to take.
    """

    records: Records
    to_write: list[Records]
    seconds: float


Piece = Future[ParsedPiece]


@dataclass(slots=True)
class Ahead:
    """The batch that is being filled. One thread adds and takes pieces; ``parser`` has one of its own.

    :param follow: hears of each piece. :param columns: that the batch keeps; the rest is dropped as soon as ``follow``
        has taken it. None: all of them. :param sparing: what is free goes back to the system while a batch is read.
    """

    rules: RecordRules
    parser: ThreadPoolExecutor
    places: Places
    follow: Callable[[Piece], None] | None = None
    columns: Sequence[str] | None = None
    sparing: bool = False
    parsing: threading.Lock = field(default_factory=threading.Lock)  # what was learnt of messages is one thread's
    _seconds: float = 0.0
    _first: int = 0
    _pieces: list[Piece] = field(default_factory=list)

    def add(self, piece: pa.RecordBatch) -> None:
        """Messages (RAW_SCHEMA) that follow those of before, and are held."""
        self._pieces.append(self.parser.submit(self._parsed, piece, self._first))
        if self.follow:
            self.follow(self._pieces[-1])
        if self.sparing and len(self._pieces) % _PIECES_GIVEN_BACK == 0:
            self.parser.submit(pa.default_memory_pool().release_unused)
        self._first += piece.num_rows

    def take(self) -> list[Records]:
        """All pieces of the batch in their order; the next batch begins. Raises what parsing raised."""
        pieces, self._pieces, self._first = self._pieces, [], 0
        found = [piece.result() for piece in pieces]
        self._seconds += sum(one.seconds for one in found)
        return [one.records for one in found]

    def spent(self) -> float:
        """Seconds that parsing took since this was asked last, of what was taken."""
        found, self._seconds = self._seconds, 0.0
        return found

    def _parsed(self, piece: pa.RecordBatch, first: int) -> ParsedPiece:
        began = time.monotonic()
        with self.parsing:
            found = records(piece, first, self.rules)
        kept = found if self.columns is None else replace(found, rows=found.rows.select(self.columns))
        to_write = [] if self.columns is None else [found]
        return ParsedPiece(self.places.held_rows(kept, piece), to_write, time.monotonic() - began)
