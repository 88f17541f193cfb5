"""The file of a load job, made of rows that come in pieces: the same bytes however they come.

A batch is named by these bytes, and a retry may find other pieces. So the file is made of slices of so many rows each,
whatever the pieces are, and each slice lies in memory as one.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, field

import pyarrow as pa

from airflow_kafka_bq.batch import Written, row_numbers
from airflow_kafka_bq.ports import StagingFile

SLICE_ROWS = 16_384


@dataclass(slots=True)
class RowFile:
    """A file that is being written, with a number for each row (``_row``)."""

    file: StagingFile
    _schema: pa.Schema | None = None  # of what is written
    _rows: int = 0
    _seconds: float = 0.0
    _waiting: list[pa.Table] = field(default_factory=list)

    def add(self, rows: pa.Table) -> None:
        """Rows that follow those of before."""
        began = time.monotonic()
        waiting = pa.concat_tables([*self._waiting, rows])
        whole = waiting.num_rows - waiting.num_rows % SLICE_ROWS
        for first in range(0, whole, SLICE_ROWS):
            self._write(waiting.slice(first, SLICE_ROWS))
        self._waiting = [waiting.slice(whole)]
        self._seconds += time.monotonic() - began

    def whole(self) -> Written:
        """With the rows that are left. Something was added, if only a table without rows."""
        began = time.monotonic()
        [waiting] = self._waiting
        if waiting.num_rows or not self._rows:
            self._write(waiting)
        # BLAKE2 takes half the time of SHA-256 where the CPU does not know that.
        digest = hashlib.blake2b(self.file.finished().getbuffer(), digest_size=32).hexdigest()
        assert self._schema is not None  # noqa: S101
        return Written(self.file, self._schema, self._rows, digest, self._seconds + time.monotonic() - began)

    def _write(self, rows: pa.Table) -> None:
        found = numbered(rows.combine_chunks(), self._rows)
        self.file.write(found)
        self._schema, self._rows = found.schema, self._rows + rows.num_rows


def numbered(rows: pa.Table, first: int = 0) -> pa.Table:
    """Staged rows with their number, ``_row``, from ``first`` on."""
    return rows.append_column("_row", row_numbers(rows.num_rows, first))
