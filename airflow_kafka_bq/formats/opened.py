"""A piece of a batch with its values parsed, whatever they were wrapped in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from airflow_kafka_bq.formats.parser import Bad, Parsed, ValueParser

NOBODY: pa.Array[Any] = pa.array([], pa.int64())


@dataclass(frozen=True, slots=True)
class Opened:
    """All indices count the messages of the piece; a message is in one of ``parsed``, ``gone`` and ``skipped``.

    ``gone`` are those that say that their row is no more. ``skipped`` have nothing for a table. ``beside`` has the
    envelope's own columns, a row for each message, NULL where it says nothing; None: there are no such columns.
    """

    parsed: Parsed
    gone: pa.Array[Any] = field(default_factory=lambda: NOBODY)  # int64
    skipped: int = 0
    beside: pa.Table | None = None


class Opener(Protocol):
    """Takes messages out of what they are wrapped in, and parses them."""

    @property
    def schema(self) -> pa.Schema:
        """Of the rows."""

    @property
    def beside(self) -> pa.Schema:
        """Of the envelope's own columns."""

    def open(self, messages: pa.RecordBatch) -> Opened:
        """One contiguous piece, RAW_SCHEMA."""


@dataclass(frozen=True, slots=True)
class Bare:
    """Messages that are wrapped in nothing; no value says that the row is gone."""

    parser: ValueParser

    @property
    def schema(self) -> pa.Schema:
        """Of the rows."""
        return self.parser.schema

    @property
    def beside(self) -> pa.Schema:
        """There are none."""
        return pa.schema([])

    def open(self, messages: pa.RecordBatch) -> Opened:
        """Values to the parser, nulls aside."""
        parsed, gone = parsed_values(messages.column("value"), self.parser)
        return Opened(parsed, gone)


def parsed_values(values: Any, parser: ValueParser) -> tuple[Parsed, Any]:
    """What the parser makes of those that are not null, and the indices of those that are."""
    if not values.null_count:
        return parser.parse(values), NOBODY
    present = indices(values.is_valid())
    parsed = parser.parse(values.drop_null())
    bad = tuple(moved(parsed.bad, present))
    return replace(parsed, good=present.take(parsed.good), bad=bad), indices(values.is_null())


def indices(mask: Any) -> Any:
    """Where the mask is true, as int64."""
    return pc.indices_nonzero(mask).cast(pa.int64())


def moved(bad: Sequence[Bad], origins: Any) -> list[Bad]:
    """The same, counted among others; ``origins`` has the place of each that was looked at."""
    return [one.at(origins[one.index].as_py()) for one in bad]
