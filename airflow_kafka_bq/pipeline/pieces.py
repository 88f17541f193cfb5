"""Messages as a batch holds them: in a few pieces, each parsed at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pyarrow as pa

from airflow_kafka_bq.pipeline.held import Places

PIECE_MESSAGES = 16_384  # bulk parsing is fastest at about this many
PIECE_BYTES = 16 * 1024 * 1024
_FEWEST_BYTES = 1024 * 1024
_OF_A_BATCH = 8  # what is being joined, parsed and written beside the batches is as large as a piece or two


def piece_bytes(batch_bytes: int) -> int:
    """Bytes of keys, values and headers after which a piece is closed, in a batch of this bound."""
    return max(_FEWEST_BYTES, min(PIECE_BYTES, batch_bytes // _OF_A_BATCH))


@dataclass(slots=True)
class Pieces:
    """The messages of a batch that is being filled.

    :param most_bytes: of a piece. :param places: where pieces lie. :param listen: hears of each when it is closed.
    """

    most_bytes: int
    places: Places
    listen: Callable[[pa.RecordBatch], None] | None = None
    _closed: list[pa.RecordBatch] = field(default_factory=list)
    _waiting: list[pa.RecordBatch] = field(default_factory=list)
    _count: int = 0
    _bytes: int = 0

    def add(self, messages: pa.RecordBatch, size_bytes: int) -> None:
        """Messages (RAW_SCHEMA) that follow those of before, and the bytes of their keys, values and headers."""
        self._waiting.append(messages)
        self._count += messages.num_rows
        self._bytes += size_bytes
        if self._count >= PIECE_MESSAGES or self._bytes >= self.most_bytes:
            self._close()

    @property
    def room(self) -> int:
        """How many messages the piece that is being filled has room for."""
        return PIECE_MESSAGES - self._count

    def taken(self) -> list[pa.RecordBatch]:
        """All of them, in their order."""
        if self._waiting:
            self._close()
        return self._closed

    def _close(self) -> None:
        piece = self.places.held(pa.concat_batches(self._waiting))  # type: ignore[attr-defined]
        self._waiting, self._count, self._bytes = [], 0, 0
        self._closed.append(piece)
        if self.listen:
            self.listen(piece)
