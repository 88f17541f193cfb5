"""The file of a load job, in memory: Arrow's own format, and what is loaded is what was written into it."""

from __future__ import annotations

import io

import pyarrow as pa

from airflow_kafka_bq.batch import row_numbers
from airflow_kafka_bq.ports import StagingFile


class MemoryFile:
    """``ports.StagingFile``."""

    def __init__(self) -> None:
        self._buffer = io.BytesIO()
        self._writer: pa.ipc.RecordBatchStreamWriter | None = None

    def write(self, rows: pa.Table) -> None:
        """As ``ports.StagingFile``; copied, for a slice is written with bits of its neighbours."""
        if self._writer is None:
            self._writer = pa.ipc.new_stream(self._buffer, rows.schema)
        self._writer.write_table(rows.take(row_numbers(rows.num_rows)))

    def finished(self) -> io.BytesIO:
        """As ``ports.StagingFile``."""
        if self._writer is not None:
            self._writer.close()
        return self._buffer


def rows_in(file: StagingFile) -> pa.Table:
    """What lies in one of these."""
    return pa.ipc.open_stream(file.finished().getvalue()).read_all()
