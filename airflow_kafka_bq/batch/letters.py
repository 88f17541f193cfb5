"""Dead letters on their way back: messages as they were kept, and where reading them goes on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from airflow_kafka_bq.batch.arrow import HEADERS, RAW_SCHEMA

if TYPE_CHECKING:
    from airflow_kafka_bq.exceptions import IngestError

_KEPT: list[pa.Field[Any]] = [*RAW_SCHEMA, pa.field("stage", pa.string()), pa.field("reason", pa.string())]
LETTER_SCHEMA = pa.schema(_KEPT)
"""RAW_SCHEMA and why each message failed last."""
_TOLD: list[pa.Field[Any]] = [*_KEPT, pa.field("error", pa.string()), pa.field("batch_id", pa.string())]
UNCOPIED_SCHEMA = pa.schema(_TOLD)
"""LETTER_SCHEMA and what a copy tells beside it."""
_COPY: list[pa.Field[Any]] = [
    pa.field("key", pa.binary()),
    pa.field("value", pa.binary()),
    pa.field("headers", HEADERS),
]
COPY_SCHEMA = pa.schema(_COPY)
"""Messages as a dead letter topic gets them."""
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


@dataclass(frozen=True, slots=True)
class Uncopied:
    """Dead letters that wait for their copy, and between which message times they are; None where none waits."""

    letters: int = 0
    oldest: datetime | None = None
    newest: datetime | None = None


class Delivery(StrEnum):
    """What became of one copy."""

    ACKNOWLEDGED = "acknowledged"  # by all replicas in sync
    TOO_LARGE = "too_large"  # larger than the topic takes: sending it again would not help
    UNKNOWN = "unknown"  # not sent, refused, or sent and never answered


@dataclass(frozen=True, slots=True)
class Delivered:
    """What became of each copy, in their order; ``error`` says why the first of the unknown ones is unknown."""

    outcomes: tuple[Delivery, ...]
    error: IngestError | None = None
