"""Third station: bytes to rows with coordinates; what cannot be used becomes a dead letter, whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel

from airflow_kafka_bq.batch import DEAD_LETTER_SCHEMA, Decoded
from airflow_kafka_bq.config import JobConfig
from airflow_kafka_bq.exceptions import AccountingError, ConfigError
from airflow_kafka_bq.formats.choose import choose
from airflow_kafka_bq.formats.coordinates import coordinates, headers, kafka_timestamps
from airflow_kafka_bq.formats.kafka_keys import key_column
from airflow_kafka_bq.formats.parser import Bad, ValueParser
from airflow_kafka_bq.formats.tombstones import TombstoneKeys, key_reader
from airflow_kafka_bq.formats.user_functions import UserFunction, kept, name_of, transformed
from airflow_kafka_bq.schema.build import message_columns
from airflow_kafka_bq.schema.target import Target
from airflow_kafka_bq.schema.wire import TOMBSTONE, row_schema

__all__ = ["DecodeRules", "decode", "kafka_timestamps"]

_PIECE_MESSAGES = 16_384  # bulk parsing is fastest at about this many
_PIECE_BYTES = 16 * 1024 * 1024
_NULL_KEY = ("key", "null_dedup_key", "a column of the dedup key is NULL, and NULL equals nothing")
_TOMBSTONE = ("tombstone", "tombstone", "the message has no value, and on_tombstone is dead_letter")


@dataclass(frozen=True, slots=True)
class DecodeRules:
    """How the messages of a run become rows; made once per run."""

    topic: str
    parser: ValueParser
    key_format: str
    on_tombstone: str
    tombstone_keys: TombstoneKeys | None = None
    filter: UserFunction | None = None
    transform: UserFunction | None = None

    @classmethod
    def of(
        cls,
        config: JobConfig,
        target: Target,
        model: type[BaseModel] | None,
        transform: UserFunction | None = None,
        filter: UserFunction | None = None,  # noqa: A002  # the parameter's name
    ) -> Self:
        """Rules of a job, its model and functions imported.

        :raises ConfigError: the model has a field that no column can take.
        """
        columns = message_columns(config, model)
        parser = choose(config.value_format, model, columns, refuse_unknown=config.unknown_fields == "dead_letter")
        keys = None
        if config.tombstones == "soft_delete":
            filled = [column for column in columns if column.name in target.key]
            keys = TombstoneKeys(parser.schema, key_reader(filled, config.key_format, config.tombstone_key, model))
        return cls(config.topic, parser, config.key_format, config.tombstones, keys, filter, transform)


@dataclass(frozen=True, slots=True)
class _Piece:
    """Rows of a part of the batch. ``origins`` and the indices of ``bad`` count the batch's messages."""

    rows: pa.Table
    origins: pa.Array[Any]
    bad: list[Bad]
    ignored: int
    unknown_fields: int


def decode(raw: pa.Table, target: Target, rules: DecodeRules) -> Decoded:
    """Rows in wire types and dead letters, both in the order of the messages.

    :param raw: messages, RAW_SCHEMA.
    :raises ConfigError: ``filter`` or ``transform`` failed or returned what cannot be used.
    :raises AccountingError: a message got lost on the way; a bug of ours.
    """
    pieces = [_decoded(batch, first, rules) for first, batch in _batches(raw)]
    schema = _wide_schema(rules, target)
    rows = pa.concat_tables([piece.rows for piece in pieces]) if pieces else schema.empty_table()
    origins = pa.chunked_array([piece.origins for piece in pieces], pa.int64())
    bad = [bad for piece in pieces for bad in piece.bad]
    ignored = sum(piece.ignored for piece in pieces)

    rows, origins, dropped = _filtered(rows, origins, rules)
    rows = _transformed(rows, target, rules)
    rows, origins, nameless = _with_key(rows, origins, target)
    dead_letters = _dead_letters(raw, [*bad, *nameless])

    result = Decoded(
        rows=rows.select(row_schema(target).names),
        dead_letters=dead_letters,
        origins=origins,
        ignored=ignored + dropped,
        unknown_fields=sum(piece.unknown_fields for piece in pieces),
        timestamps_replaced=kafka_timestamps(raw.column("timestamp_ms"))[1],
    )
    _account(raw, result)
    return result


def _account(raw: pa.Table, result: Decoded) -> None:
    used = result.rows.num_rows + result.dead_letters.num_rows + result.ignored
    if used != raw.num_rows:
        counts = f"{result.rows.num_rows} rows, {result.dead_letters.num_rows} dead letters, {result.ignored} ignored"
        raise AccountingError(f"{raw.num_rows} messages were read and became {counts}")


def _batches(raw: pa.Table) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Contiguous parts with the index of their first message, bounded in messages and bytes."""
    most = max(1, min(_PIECE_MESSAGES, raw.num_rows * _PIECE_BYTES // max(raw.nbytes, 1)))
    first = 0
    while first < raw.num_rows:
        for batch in raw.slice(first, most).combine_chunks().to_batches():
            yield first, batch
            first += batch.num_rows


def _wide_schema(rules: DecodeRules, target: Target) -> pa.Schema:
    ours = [field for field in row_schema(target) if field.name not in rules.parser.schema.names]
    return pa.schema([*rules.parser.schema, *ours])


def _decoded(batch: pa.RecordBatch, first: int, rules: DecodeRules) -> _Piece:
    values: Any = batch.column("value")
    present: pa.Array[Any] | None = None
    if values.null_count:
        present = _indices(values.is_valid())
        values = values.drop_null()
    parsed = rules.parser.parse(values)
    rows, origins = parsed.rows, _taken(present, parsed.good)
    bad = [Bad(_at(present, one.index), one.stage, one.reason, one.error) for one in parsed.bad]
    ignored = 0
    if present is not None:
        rows, origins, more, ignored = _with_tombstones(batch, rows, origins, rules)
        bad += more
    rows, origins, keyless = _with_coordinates(batch, rows, origins, rules)
    bad = sorted([*bad, *keyless], key=lambda one: one.index)
    shifted = [Bad(one.index + first, one.stage, one.reason, one.error) for one in bad]
    return _Piece(rows, pc.add(origins, first), shifted, ignored, parsed.unknown_fields)


def _indices(mask: Any) -> pa.Array[Any]:
    return pc.indices_nonzero(mask).cast(pa.int64())


def _taken(present: pa.Array[Any] | None, chosen: pa.Array[Any]) -> pa.Array[Any]:
    return chosen if present is None else present.take(chosen)


def _at(present: pa.Array[Any] | None, index: int) -> int:
    return index if present is None else int(present[index].as_py())
