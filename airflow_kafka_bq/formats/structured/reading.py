"""What decoders of many messages at once have in common: texts, and values that only some of the messages have."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.compute

from airflow_kafka_bq.formats.structured.around_null import rows_of
from airflow_kafka_bq.formats.structured.cursor import Cursor
from airflow_kafka_bq.formats.structured.raw_columns import Decode, Fields, Perhaps, Plain, RawColumn, RawColumns

_pc: Any = pyarrow.compute
Read = Callable[[Cursor], RawColumn]
MOST_TYPES = 2_000
"""Each as often as it is named; of a schema with more, a batch has too few messages to be worth it."""


def decoding(read: Callable[[Cursor], Fields] | None) -> Decode | None:
    """Of whole messages. None: nothing reads them, or this host has the most of a number first."""
    if read is None or sys.byteorder != "little":
        return None

    def decode(values: Any, positions: Any | None, skip: int) -> RawColumns:
        cursor = Cursor.of(values, positions, skip)
        found = read(cursor)
        cursor.end()
        return RawColumns(found, cursor.bad)

    return decode


def text(cursor: Cursor, octets: Any) -> Plain:
    """Bytes as text; a message whose bytes are no UTF-8 is marked."""
    try:
        return Plain(octets.cast(pa.string()))
    except pa.ArrowInvalid:
        wrong = pa.array([not _is_text(one) for one in octets.to_pylist()], pa.bool_())
    cursor.mark(wrong)
    return Plain(_pc.if_else(wrong, pa.scalar(b"", pa.binary()), octets).cast(pa.string()))


def _is_text(octets: bytes) -> bool:
    try:
        octets.decode()
    except UnicodeDecodeError:
        return False
    return True


def where(present: Any, cursor: Cursor, read: Read) -> Perhaps:
    """What those have that have a value, each at its place; they go on behind it, the others stay."""
    some = cursor.some(_pc.indices_nonzero(present))
    found = read(some)
    index = rows_of(present)
    cursor.after(some, index)
    return Perhaps(found, index)
