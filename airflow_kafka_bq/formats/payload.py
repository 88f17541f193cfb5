"""The value kept whole in one column: JSON, text or bytes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.compute

from airflow_kafka_bq.batch import row_numbers
from airflow_kafka_bq.formats.bulk_search import joined
from airflow_kafka_bq.formats.json_forms import FEWEST, of_known_form
from airflow_kafka_bq.formats.json_proof import certain
from airflow_kafka_bq.formats.json_text import SPACE_BEFORE_COLON, exact_text
from airflow_kafka_bq.formats.parser import Bad, Parsed, Rejected, bytes_of
from airflow_kafka_bq.formats.positions import others

_pc: Any = pyarrow.compute

_TEXT = pa.schema([pa.field("payload", pa.string())])
_BYTES = pa.schema([pa.field("payload", pa.binary())])


def utf8_text(value: bytes) -> str:
    """Text as it came. :raises Rejected: not UTF-8."""
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise Rejected("decode", "invalid_utf8", f"not UTF-8 at byte {error.start}") from error


@dataclass(frozen=True, slots=True)
class JsonPayload:
    """Values whole, once each of them is known to be JSON whose meaning is one."""

    @property
    def schema(self) -> pa.Schema:
        """One column, ``payload``."""
        return _TEXT

    def parse(self, values: pa.Array[Any]) -> Parsed:
        """Text of each value. What is certain for many at once is not looked at one by one."""
        proved = _proved(values)
        if not len(proved):
            return _looked_at(values)
        texts = values if len(proved) == len(values) else values.take(proved)
        return joined(values, proved, pa.table([texts.cast(pa.string())], schema=_TEXT), _looked_at)


@dataclass(frozen=True, slots=True)
class StringPayload:
    """Values as text, in one go where all of them are."""

    @property
    def schema(self) -> pa.Schema:
        """One column, ``payload``."""
        return _TEXT

    def parse(self, values: pa.Array[Any]) -> Parsed:
        """Text of each value."""
        try:
            return Parsed(pa.table([values.cast(pa.string())], schema=_TEXT), row_numbers(len(values)))
        except pa.ArrowInvalid:  # one of them is not UTF-8
            return _one_by_one(values, utf8_text)


@dataclass(frozen=True, slots=True)
class BytesPayload:
    """Values exactly as they came; none is bad."""

    @property
    def schema(self) -> pa.Schema:
        """One column, ``payload``."""
        return _BYTES

    def parse(self, values: pa.Array[Any]) -> Parsed:
        """The values themselves."""
        return Parsed(pa.table([values], schema=_BYTES), row_numbers(len(values)))


def _proved(values: Any) -> Any:
    """Positions of those that are certain, ascending: by their form, and of the rest by parsing them together."""
    formed = of_known_form(values)
    if len(values) - len(formed) < FEWEST:
        return formed
    rest = others(len(values), formed)
    parsed = certain(values if not len(formed) else values.take(rest))
    if parsed is None:
        return formed
    found = pa.concat_arrays([formed, rest.take(parsed)])
    return found.take(_pc.sort_indices(found))


def _looked_at(values: pa.Array[Any]) -> Parsed:
    spaced = _pc.any(_pc.match_substring_regex(values, SPACE_BEFORE_COLON), min_count=0).as_py()
    return _one_by_one(values, partial(exact_text, spaced=spaced))


def _one_by_one(values: pa.Array[Any], read: Callable[[bytes], str]) -> Parsed:
    texts, good, bad = [], [], []
    for index, value in enumerate(bytes_of(values)):
        try:
            texts.append(read(value))
            good.append(index)
        except Rejected as why:
            bad.append(Bad.of(index, why))
    return Parsed(pa.table([pa.array(texts, pa.string())], schema=_TEXT), pa.array(good, pa.int64()), tuple(bad))


JSON_PAYLOAD = JsonPayload()
STRING_PAYLOAD = StringPayload()
BYTES_PAYLOAD = BytesPayload()
