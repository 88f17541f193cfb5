"""Dead letters on their way back: messages as they were kept, and where reading them goes on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from airflow_kafka_bq.batch.arrow import RAW_SCHEMA

_KEPT: list[pa.Field[Any]] = [*RAW_SCHEMA, pa.field("stage", pa.string()), pa.field("reason", pa.string())]
LETTER_SCHEMA = pa.schema(_KEPT)
"""RAW_SCHEMA and why each message failed last."""
REDRIVEN = "redriven"
"""Stands for the stage of a message that did not fail again, in the staging table of a redrive."""


@dataclass(frozen=True, slots=True, order=True)
class LetterPlace:
    """Coordinates of a dead letter; letters are read in this order.

    ``timestamp_ms`` is that of ``_kafka_timestamp``, which is never NULL.
    """

    timestamp_ms: int
    partition: int
    offset: int

    @classmethod
    def last_of(cls, messages: pa.Table) -> LetterPlace:
        """Of messages in RAW_SCHEMA that were read in order; there is at least one."""
        (last,) = messages.slice(messages.num_rows - 1).select(["timestamp_ms", "partition", "offset"]).to_pylist()
        return cls(last["timestamp_ms"], last["partition"], last["offset"])
