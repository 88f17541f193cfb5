"""Raw messages, and a job to decode them with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from pydantic import BaseModel

from airflow_kafka_bq.batch import HEADERS, RAW_SCHEMA, Decoded
from airflow_kafka_bq.config import JobConfig
from airflow_kafka_bq.pipeline.decode import DecodeRules, decode
from airflow_kafka_bq.schema.build import build_target, message_columns
from airflow_kafka_bq.schema.hashing import salted
from airflow_kafka_bq.schema.target import Target

NOON_MS = 1_704_110_400_000  # 2024-01-01 12:00 UTC


@dataclass(frozen=True)
class Message:
    """One message as Kafka has it."""

    value: bytes | None
    key: bytes | None = None
    timestamp_ms: int | None = NOON_MS
    headers: Sequence[tuple[str, bytes | None]] | None = None


def raw(messages: Sequence[Message], chunk: int = 3) -> pa.Table:
    """In chunks, as polls bring them; offsets count from 100."""
    columns: list[list[Any]] = [
        [0] * len(messages),
        [100 + index for index in range(len(messages))],
        [message.timestamp_ms for message in messages],
        [message.key for message in messages],
        [message.value for message in messages],
        [
            None if message.headers is None else [{"key": key, "value": value} for key, value in message.headers]
            for message in messages
        ],
    ]
    arrays = [pa.array(column, field.type) for column, field in zip(columns, RAW_SCHEMA, strict=True)]
    whole = pa.table(arrays, schema=RAW_SCHEMA)
    assert RAW_SCHEMA.field("headers").type == HEADERS
    parts = [whole.slice(start, chunk) for start in range(0, len(messages), chunk)]
    return pa.concat_tables([RAW_SCHEMA.empty_table(), *parts])


def job(model: type[BaseModel] | None, functions: dict[str, Any], **parameters: Any) -> tuple[Target, DecodeRules]:
    config = JobConfig.of(topic="orders", table="demo-project.shop.orders", model=model, **parameters)
    target = build_target(config, config.table_id(None), model)
    columns = salted(message_columns(config, model, None), lambda _: "0123456789abcdef")
    return target, DecodeRules.of(config, target, model, columns=columns, **functions)


def decoded(messages: Sequence[Message], model: type[BaseModel] | None = None, **parameters: Any) -> Decoded:
    functions: dict[str, Any] = {name: parameters.pop(name) for name in ("filter", "transform") if name in parameters}
    target, rules = job(model, functions, **parameters)
    return decode(raw(messages), target, rules)


def offsets(found: pa.Table) -> list[int]:
    """Which messages they are, counted from 0."""
    column: list[Any] = found.column("_kafka_offset").to_pylist()
    return [offset - 100 for offset in column]


def reasons(found: Decoded) -> list[tuple[int, str, str]]:
    """Message, stage and reason of each dead letter."""
    letters: list[dict[str, Any]] = found.dead_letters.to_pylist()
    return [(one["_kafka_offset"] - 100, one["stage"], one["reason"]) for one in letters]
