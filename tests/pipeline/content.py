"""The content of rows as one text, however they lie in memory."""

from __future__ import annotations

import pyarrow as pa

from airflow_kafka_bq.pipeline.row_files import RowFile
from airflow_kafka_bq.testing.memory.staging_file import MemoryFile


def digest(rows: pa.Table) -> str:
    """What names a batch of these rows."""
    file = RowFile(MemoryFile())
    file.add(rows)
    return file.whole().digest
