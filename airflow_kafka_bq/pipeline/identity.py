"""Names for a batch's things, made of its content: doing it twice is doing it once.

A name made of (pipeline, revision, attempt) is not enough: a run that dies between load and MERGE, and a next run that
reads further, would attach to the older, shorter staging. A name made of the ranges alone is not enough either: after
compaction, or with another version of a library, the same ranges hold other rows.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from airflow_kafka_bq.batch import OffsetRange, RunPlan

_ROWS = 16_384  # a number that never changes: it is part of the names


class _Digest(io.RawIOBase):
    """A file that only hashes what is written to it."""

    def __init__(self) -> None:
        super().__init__()
        self.hash = hashlib.blake2b(digest_size=32)  # half the time of SHA-256 where the CPU does not know that

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.hash.update(data)
        return len(data)


def digest(table: pa.Table) -> str:
    """Hash of a table's content, the same however it is chunked or sliced, where no file has it.

    Column by column and a few rows at a time, for as much is copied; and always copied, for a slice is written with
    bits of its neighbours.
    """
    sink = _Digest()
    for field, column in zip(table.schema.remove_metadata(), table.columns, strict=True):
        schema = pa.schema([field])
        with pa.ipc.new_stream(sink, schema) as writer:
            for first in range(0, max(table.num_rows, 1), _ROWS):
                chunks = column.slice(first, _ROWS).chunks or [pa.nulls(0, field.type)]
                writer.write_batch(pa.RecordBatch.from_arrays([pa.concat_arrays(chunks)], schema=schema))
    return sink.hash.hexdigest()


def batch_id(plan: RunPlan, ranges: Iterable[OffsetRange], fingerprint: str, *digests: str) -> str:
    """20 hex digits: pipeline, topic id, ranges, settings and code, and the rows themselves by their digests."""
    parts = [
        plan.pipeline,
        plan.facts.topic_id,
        plan.kind,
        sorted((one.partition, one.start_offset, one.end_offset) for one in ranges),
        fingerprint,
        list(digests),
    ]
    return name_of(parts)


def load_job(batch: str, part: str, attempt: int) -> str:
    """Id of a load job."""
    return f"kafka-bq-load-{batch}-{part}-{attempt}"


def merge_job(batch: str, revision: int | None, attempt: int) -> str:
    """Id of a merge job."""
    return f"kafka-bq-merge-{batch}-{'x' if revision is None else revision}-{attempt}"


def together_id(batch_ids: Iterable[str]) -> str:
    """20 hex digits: the batches that one MERGE applies, in their order."""
    return name_of(["together", *batch_ids])


def name_of(parts: list[Any]) -> str:
    """20 hex digits of what JSON has of these."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:20]
