"""What arrived at the sink, and how many rows of it are in the target."""

from __future__ import annotations

import gzip
import io
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

_EVENT_ID = re.compile(rb'event_id\\*"\s*:\s*\\*"([0-9a-f-]{36})')
_HELD_SECONDS = 300.0
_OWN_TABLES = "_dlt"  # of a peer's own book-keeping: no rows of the topic
_LEFT_BEHIND = re.compile(r"_(?:staging|merge)_\d+$")  # a table that a killed run never copied into the target


@dataclass(frozen=True, slots=True)
class Write:
    """One load or insert: its body lies in the folder by its number."""

    number: int
    table: str
    truncates: bool = False


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy job: what the sources hold is in the target then, and no longer theirs alone."""

    sources: tuple[str, ...]
    table: str
    truncates: bool


@dataclass
class State:
    """What arrived."""

    folder: Path
    lock: threading.Lock = field(default_factory=threading.Lock)
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    uploads: dict[str, dict[str, Any]] = field(default_factory=dict)
    things: dict[str, dict[str, Any]] = field(default_factory=dict)  # datasets and tables by their path
    done: list[Write | Copy] = field(default_factory=list)
    writes: int = 0
    size_bytes: int = 0
    calls: int = 0
    last_write: float = 0.0  # seconds of the clock
    hold: tuple[str, int] | None = None
    holding: bool = False

    def reset(self) -> None:
        """Forget everything."""
        for kept in self.folder.iterdir():
            kept.unlink()
        self.jobs, self.uploads, self.things, self.done = {}, {}, {}, []
        self.writes = self.size_bytes = self.calls = 0
        self.hold, self.holding = None, False

    def keep(
        self, body: bytes, table: str = "events", *, truncates: bool = False, kept: Callable[[], object] = bool
    ) -> None:
        """One more write, in its place; held where it is to be.

        :param kept: called when it is kept, before it is held: a job is done whether or not its client hears of it.
        """
        if table.startswith(_OWN_TABLES):
            kept()
            return
        with self.lock:
            self.writes += 1
            number = self.writes
        self._held("before", number)
        (self.folder / f"{number:06d}").write_bytes(body)
        with self.lock:
            self.done.append(Write(number, table, truncates))
        kept()
        self.last_write = time.time()
        self._held("after", number)

    def copy(self, sources: tuple[str, ...], table: str, *, truncates: bool) -> None:
        """A copy job."""
        with self.lock:
            self.done.append(Copy(sources, table, truncates))
        self.last_write = time.time()

    def _held(self, when: str, number: int) -> None:
        if self.hold == (when, number):
            self.holding = True
            threading.Event().wait(_HELD_SECONDS)
            raise ConnectionError("held")

    def landed(self) -> dict[str, Any]:
        """Rows, and how many of them repeat an event."""
        tables: dict[str, Counter[bytes]] = {}
        for one in tuple(self.done):
            if one.truncates:
                tables.pop(one.table, None)
            found = tables.setdefault(one.table, Counter())
            for rows in self._rows(one, tables):
                found.update(rows)
        whole = Counter[bytes]()
        for name, rows in tables.items():
            if not _LEFT_BEHIND.search(name):
                whole.update(rows)  # in place: a sum would copy all that came before, for each of hundreds of loads
        count = whole.total()
        done = {"rows": count, "duplicates": count - len(whole), "writes": self.writes}
        return {**done, "calls": self.calls, "bytes": self.size_bytes, "last_write": self.last_write}

    def _rows(self, one: Write | Copy, tables: dict[str, Counter[bytes]]) -> Iterator[Counter[bytes]]:
        if isinstance(one, Write):
            yield Counter(events_of((self.folder / f"{one.number:06d}").read_bytes()))
        else:
            yield from (tables.pop(source, Counter()) for source in one.sources)


def events_of(body: bytes) -> list[bytes]:
    """Ids of the events in a body: NDJSON, plain or gzip, an insertAll request, or Parquet."""
    if body[:4] != b"PAR1":
        return _EVENT_ID.findall(gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body)
    table = pq.read_table(io.BytesIO(body))
    if "event_id" in table.column_names:
        return [str(one).encode() for one in table.column("event_id").to_pylist()]
    if "_kafka_value" in table.column_names:
        return []  # dead letters
    found: list[bytes] = []
    for column in table.columns:  # whichever holds the message whole
        kind = column.type.storage_type if isinstance(column.type, pa.BaseExtensionType) else column.type
        if pa.types.is_string(kind) or pa.types.is_large_string(kind):
            found += _EVENT_ID.findall("\n".join(text for text in column.to_pylist() if text).encode())
    return found
