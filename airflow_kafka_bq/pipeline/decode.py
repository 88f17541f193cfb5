"""Third station: bytes to rows with coordinates; what cannot be used becomes a dead letter, whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel

from airflow_kafka_bq.batch import DEAD_LETTER_SCHEMA, Decoded
from airflow_kafka_bq.config import JobConfig
from airflow_kafka_bq.exceptions import AccountingError, ConfigError
from airflow_kafka_bq.formats.choose import opener
from airflow_kafka_bq.formats.coordinates import headers, kafka_timestamps
from airflow_kafka_bq.formats.encoded import Sides
from airflow_kafka_bq.formats.function_checks import check_functions
from airflow_kafka_bq.formats.parser import Bad
from airflow_kafka_bq.formats.positions import among
from airflow_kafka_bq.formats.record_functions import changed
from airflow_kafka_bq.formats.records import RecordRules, Records, records
from airflow_kafka_bq.formats.tombstones import TombstoneKeys, key_reader
from airflow_kafka_bq.formats.user_functions import UserFunction, kept, name_of, transformed
from airflow_kafka_bq.pipeline.culprits import without_culprits
from airflow_kafka_bq.pipeline.isolate import MAX_FOUND
from airflow_kafka_bq.pipeline.pieces import PIECE_BYTES, PIECE_MESSAGES
from airflow_kafka_bq.schema.build import message_columns
from airflow_kafka_bq.schema.columns import Column
from airflow_kafka_bq.schema.marks import is_per_record
from airflow_kafka_bq.schema.target import Target
from airflow_kafka_bq.schema.wire import TOMBSTONE, row_schema

__all__ = ["DecodeRules", "decode", "kafka_timestamps"]

_NULL_KEY = ("key", "null_dedup_key", "a column of the dedup key is NULL, and NULL equals nothing")


@dataclass(frozen=True, slots=True)
class DecodeRules:
    """How the messages of a run become rows; made once per run."""

    records: RecordRules
    filter: UserFunction | None = None
    transform: UserFunction | None = None

    @classmethod
    def of(
        cls,
        config: JobConfig,
        target: Target,
        model: type[BaseModel] | None,
        transform: UserFunction | None = None,
        filter: UserFunction | None = None,
        sides: Sides | None = None,
        columns: tuple[Column, ...] | None = None,
    ) -> Self:
        """Rules of a job, its model and functions imported.

        :param sides: how key and value are decoded, where schemas say it.
        :param columns: those that values fill, where neither the model nor a schema says it.
        :raises ConfigError: the model has a field that no column can take.
        """
        check_functions(transform, filter)
        sides = sides or Sides()
        columns = message_columns(config, model, columns or sides.columns)
        found = opener(config, model, columns, sides.value)
        key_text = None if sides.key is None else sides.key.text()
        keys = None
        if config.removes:
            filled = [column for column in columns if column.name in target.key]
            wrapped = config.envelope == "debezium"
            fields = config.tombstone_key
            if wrapped and fields is None:
                fields = {column.name: column.source or column.name for column in filled}
            read = key_reader(filled, config.key_format, fields, model, key_text, wrapped=wrapped)
            keys = TombstoneKeys(found.schema, read)
        rules = RecordRules(config.topic, found, config.key_format, config.tombstones, keys, key_text)
        return cls(rules, filter, transform)


def decode(
    raw: pa.Table,
    target: Target,
    rules: DecodeRules,
    parsed: Sequence[Records] = (),
    columns: Sequence[str] | None = None,
) -> Decoded:
    """Rows in wire types and dead letters, both in the order of the messages.

    :param raw: messages, RAW_SCHEMA.
    :param parsed: all of them in pieces, where they were parsed already.
    :param columns: those that ``parsed`` has of its rows, and the rows will; None: all.
    :raises ConfigError: ``filter`` or ``transform`` failed, or returned what cannot be used.
    :raises AccountingError: a message got lost on the way; a bug of ours.
    """
    pieces = parsed or [records(batch, first, rules.records) for first, batch in _batches(raw)]
    rows = _Rows.of(pieces, rules.records.schema)
    filtered, unfiltered = rows.filtered(rules.filter)
    modified, unchanged = filtered.transformed(rules.transform, target)
    named, nameless = modified.finished(target, columns)
    unread = (one for piece in pieces for one in piece.bad)
    bad = sorted([*unread, *unfiltered, *unchanged, *nameless], key=lambda one: one.index)
    decoded = Decoded(
        rows=named.table,
        dead_letters=_dead_letters(raw, bad),
        origins=named.origins,
        ignored=sum(piece.ignored for piece in pieces) + rows.count - modified.count - len(unfiltered) - len(unchanged),
        unknown_fields=sum(piece.unknown_fields for piece in pieces),
        timestamps_replaced=kafka_timestamps(raw.column("timestamp_ms"))[1],
    )
    _account(raw, decoded)
    return decoded


def finished(piece: Records, target: Target) -> pa.Table:
    """What :func:`decode` makes of the rows of a piece, if neither ``filter`` nor ``transform`` sees them."""
    return _Rows(piece.rows, piece.origins).finished(target)[0].table


def _batches(raw: pa.Table) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Contiguous pieces, bounded in messages and bytes, with the index of their first message."""
    most = max(1, min(PIECE_MESSAGES, raw.num_rows * PIECE_BYTES // max(raw.nbytes, 1)))
    first = 0
    while first < raw.num_rows:
        for batch in raw.slice(first, most).combine_chunks().to_batches():
            yield first, batch
            first += batch.num_rows


def _account(raw: pa.Table, decoded: Decoded) -> None:
    rows, dead, ignored = decoded.rows.num_rows, decoded.dead_letters.num_rows, decoded.ignored
    if rows + dead + ignored != raw.num_rows:
        text = f"{raw.num_rows} messages became {rows} rows, {dead} dead letters, {ignored} ignored"
        raise AccountingError(text)


@dataclass(frozen=True, slots=True)
class _Rows:
    """Rows of the whole batch, each with the index of its message."""

    table: pa.Table
    origins: Any

    @classmethod
    def of(cls, pieces: Sequence[Records], schema: pa.Schema) -> Self:
        """The pieces in their order."""
        table = pa.concat_tables([piece.rows for piece in pieces]) if pieces else schema.empty_table()
        return cls(table, pa.chunked_array([piece.origins for piece in pieces], pa.int64()))

    @property
    def count(self) -> int:
        """How many."""
        return int(self.table.num_rows)

    def where(self, mask: Any) -> _Rows:
        """Those that the mask keeps."""
        return _Rows(self.table.filter(mask), self.origins.filter(mask))

    def filtered(self, function: UserFunction | None) -> tuple[_Rows, list[Bad]]:
        """What ``filter`` keeps, and what it fails for. A row that marks a deletion stays: it has nothing to judge."""
        if function is None or not self.count:
            return self, []
        mask, taken, bad = without_culprits("filter", self.table, self.origins, partial(kept, function))
        rest = self if taken is None else self.where(taken)
        return rest.where(pc.or_(mask, rest.table.column(TOMBSTONE.name))), bad

    def transformed(self, function: UserFunction | None, target: Target) -> tuple[_Rows, list[Bad]]:
        """As ``transform`` gives them, and those that it fails for.

        :raises ConfigError: it is broken, or gives NULL for many rows where the target is REQUIRED.
        """
        if function is None or not self.count:
            return self, []
        names = [column.name for column in target.columns if not column.name.startswith("_")]
        if is_per_record(function):
            found, bad = self._each_transformed(function, names)
        else:
            call = partial(transformed, function, columns=names)
            table, taken, bad = without_culprits("transform", self.table, self.origins, call)
            found = _Rows(table, self.origins if taken is None else self.origins.filter(taken))
        for column in target.columns:
            if column.mode == "REQUIRED" and found.table.column(column.name).null_count:
                found, nulls = found._without_nulls(column.name, name_of(function))
                bad += nulls
        return found, bad

    def _each_transformed(self, function: UserFunction, names: Sequence[str]) -> tuple[_Rows, list[Bad]]:
        """Each row by itself: one that the function leaves out is ignored, one that it fails for is a bad message."""
        made = changed(function, self.table, names)
        numbers = self.origins.take(pa.array(list(made.failed), pa.int64())).to_pylist()
        said = zip(numbers, made.failed.values(), strict=True)
        bad = [Bad(index, "transform", "transform_failed", error) for index, error in said]
        return _Rows(made.rows, self.origins.take(made.kept)), bad

    def _without_nulls(self, column: str, function: str) -> tuple[_Rows, list[Bad]]:
        """Rows that mark a deletion have no value here, and need none."""
        lost = pc.and_(pc.is_null(self.table.column(column)), pc.invert(self.table.column(TOMBSTONE.name)))
        if not pc.any(lost).as_py():
            return self, []
        said = f"transform {function} gave NULL in the REQUIRED column {column!r}"
        numbers = self.origins.filter(lost).to_pylist()
        if len(numbers) > MAX_FOUND:
            raise ConfigError(said)
        return self.where(pc.invert(lost)), [Bad(index, "transform", "null_in_required", said) for index in numbers]

    def finished(self, target: Target, columns: Sequence[str] | None = None) -> tuple[_Rows, list[Bad]]:
        """As they are staged, and those whose dedup key is not whole."""
        staged = row_schema(target)
        if columns is not None:
            staged = pa.schema([staged.field(name) for name in columns])
        named, nameless = self._with_key(target.key)
        return _Rows(named.table.select(staged.names).cast(staged), named.origins), nameless

    def _with_key(self, key: Sequence[str]) -> tuple[_Rows, list[Bad]]:
        """Rows whose dedup key is whole, and the others as bad messages."""
        nulls = [pc.is_null(self.table.column(name)) for name in key if self.table.column(name).null_count]
        if not nulls:
            return self, []
        lost: Any = nulls[0]
        for mask in nulls[1:]:
            lost = pc.or_(lost, mask)
        return self.where(pc.invert(lost)), [Bad(index, *_NULL_KEY) for index in self.origins.filter(lost).to_pylist()]


def _dead_letters(raw: pa.Table, bad: Sequence[Bad]) -> pa.Table:
    if not bad:
        return DEAD_LETTER_SCHEMA.empty_table()
    lost = among(raw.num_rows, pa.array([one.index for one in bad], pa.int64()))
    messages = raw.filter(lost)  # ``take`` of a few would join all chunks of the batch first
    return pa.table(
        [
            messages.column("partition"),
            messages.column("offset"),
            kafka_timestamps(messages.column("timestamp_ms"))[0],
            messages.column("key"),
            messages.column("value"),
            headers(messages.column("headers")),
            pa.nulls(len(bad), pa.int64()),
            pa.array([one.stage for one in bad], pa.string()),
            pa.array([one.reason for one in bad], pa.string()),
            pa.array([one.error for one in bad], pa.string()),
            pa.array([one.schema_id for one in bad], pa.int64()),
        ],
        schema=DEAD_LETTER_SCHEMA,
    )
