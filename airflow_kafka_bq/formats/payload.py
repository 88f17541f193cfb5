"""The value kept whole in one column: JSON, text or bytes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from airflow_kafka_bq.formats.json_text import exact_text
from airflow_kafka_bq.formats.parser import Bad, Parsed, Rejected, bytes_of

_TEXT = pa.schema([pa.field("payload", pa.string())])
_BYTES = pa.schema([pa.field("payload", pa.binary())])


def utf8_text(value: bytes) -> str:
    """Text as it came. :raises Rejected: not UTF-8."""
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise Rejected("decode", "invalid_utf8", f"not UTF-8 at byte {error.start}") from error


@dataclass(frozen=True, slots=True)
class TextPayload:
    """Values that become text one by one, where the bulk way fails or does not exist."""

    read: Callable[[bytes], str]
    bulk: bool

    @property
    def schema(self) -> pa.Schema:
        """One column, ``payload``."""
        return _TEXT

    def parse(self, values: pa.Array[Any]) -> Parsed:
        """Text of each value."""
        if self.bulk:
            try:
                return Parsed(pa.table([values.cast(pa.string())], schema=_TEXT), _range(len(values)))
            except pa.ArrowInvalid:  # one of them is not UTF-8
                pass
        texts, good, bad = [], [], []
        for index, value in enumerate(bytes_of(values)):
            try:
                texts.append(self.read(value))
                good.append(index)
            except Rejected as why:
                bad.append(Bad.of(index, why))
        return Parsed(pa.table([pa.array(texts, pa.string())], schema=_TEXT), pa.array(good, pa.int64()), tuple(bad))


@dataclass(frozen=True, slots=True)
class BytesPayload:
    """Values exactly as they came; none is bad."""

    @property
    def schema(self) -> pa.Schema:
        """One column, ``payload``."""
        return _BYTES

    def parse(self, values: pa.Array[Any]) -> Parsed:
        """The values themselves."""
        return Parsed(pa.table([values], schema=_BYTES), _range(len(values)))


def _range(count: int) -> pa.Array[Any]:
    return pa.array(range(count), pa.int64())


JSON_PAYLOAD = TextPayload(exact_text, bulk=False)
STRING_PAYLOAD = TextPayload(utf8_text, bulk=True)
BYTES_PAYLOAD = BytesPayload()
