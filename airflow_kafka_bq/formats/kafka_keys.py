"""The key of each message as its column has it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa

from airflow_kafka_bq.formats.json_text import exact_text
from airflow_kafka_bq.formats.parser import Bad, Rejected
from airflow_kafka_bq.formats.payload import utf8_text


def key_column(
    keys: pa.Array[Any], key_format: str, read: Callable[[bytes], str] | None = None
) -> tuple[pa.Array[Any], tuple[Bad, ...]]:
    """The column ``_kafka_key`` (NULL where the key is bad), and the bad ones, stage ``key``.

    ``bytes`` takes anything; ``string`` needs UTF-8; ``json`` needs JSON and keeps its text as it is.

    :param read: gives the JSON text of a key, where a schema says how keys are encoded.
    """
    if read is not None:
        return _checked(keys, read)
    if key_format == "bytes":
        return keys, ()
    if key_format == "string":
        try:
            return keys.cast(pa.string()), ()
        except pa.ArrowInvalid:  # one of them is not UTF-8
            pass
    return _checked(keys, utf8_text if key_format == "string" else json_text)


def json_text(key: bytes) -> str:
    """The text as it came, even with a doubled key: it is kept as STRING. :raises Rejected: not JSON."""
    exact_text(key)
    return key.decode()


def _checked(keys: pa.Array[Any], read: Callable[[bytes], str]) -> tuple[pa.Array[Any], tuple[Bad, ...]]:
    texts: list[str | None] = []
    bad: list[Bad] = []
    for index, key in enumerate(keys.to_pylist()):
        try:
            texts.append(None if key is None else read(key))
        except Rejected as why:
            texts.append(None)
            bad.append(Bad.of(index, Rejected("key", why.reason, f"key: {why.error}", why.schema_id)))
    return pa.array(texts, pa.string()), tuple(bad)
