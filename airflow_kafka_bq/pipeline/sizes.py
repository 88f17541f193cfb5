"""Sizes: what ``batch_bytes`` and ``max_bytes`` count."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc


def payload_bytes(messages: pa.RecordBatch | pa.Table) -> int:
    """Bytes of keys, values and headers."""
    total = 0
    for name in ("key", "value"):
        total += _length(messages.column(name))
    headers = messages.column("headers")
    if headers.null_count < len(headers):
        pairs = pc.list_flatten(headers)
        for name in ("key", "value"):
            total += _length(pc.struct_field(pairs, name))
    return total


def _length(texts: Any) -> int:
    if isinstance(texts, pa.Array) and len(texts) and not texts.null_count:  # a sum costs ten times it
        offsets = memoryview(texts.buffers()[1]).cast("b").cast("i")  # type: ignore[arg-type]
        return offsets[texts.offset + len(texts)] - offsets[texts.offset]
    return int(pc.sum(pc.binary_length(texts)).as_py() or 0)
