"""One contiguous piece of a batch: values parsed, tombstones seen to, coordinates beside them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from airflow_kafka_bq.batch import HEADERS, RAW_SCHEMA
from airflow_kafka_bq.formats.coordinates import coordinates
from airflow_kafka_bq.formats.kafka_keys import key_column
from airflow_kafka_bq.formats.opened import Opener, moved
from airflow_kafka_bq.formats.parser import Bad
from airflow_kafka_bq.formats.positions import all_but
from airflow_kafka_bq.formats.tombstones import TombstoneKeys
from airflow_kafka_bq.schema.wire import TOMBSTONE

_BESIDE = [field.name for field in RAW_SCHEMA if field.name != "value"]  # which is the most of a message
_NO_VALUE = ("tombstone", "tombstone", "no value, or a deletion, and on_tombstone is dead_letter")


@dataclass(frozen=True, slots=True)
class RecordRules:
    """How messages become rows. ``tombstone_keys`` is set for soft deletes, ``key_text`` where keys have a schema."""

    topic: str
    opener: Opener
    key_format: str
    on_tombstone: str
    tombstone_keys: TombstoneKeys | None = None
    key_text: Callable[[bytes], str] | None = None

    @property
    def schema(self) -> pa.Schema:
        """The message's columns, its envelope's, all of Kafka's, and ``_tombstone``."""
        kafka: dict[str, pa.DataType] = {
            "_kafka_topic": pa.string(),
            "_kafka_partition": pa.int64(),
            "_kafka_offset": pa.int64(),
            "_kafka_timestamp": pa.timestamp("us", tz="UTC"),
            "_kafka_key": pa.binary() if self.key_format == "bytes" else pa.string(),
            "_kafka_headers": HEADERS,
            TOMBSTONE.name: pa.bool_(),
        }
        return pa.schema(
            [*self.opener.schema, *self.opener.beside, *(pa.field(name, kind) for name, kind in kafka.items())]
        )


@dataclass(frozen=True, slots=True)
class Records:
    """Rows in the order of their messages. ``origins`` (of the rows) and ``bad`` count the messages of the batch."""

    rows: pa.Table
    origins: pa.Array[Any]  # int64
    bad: tuple[Bad, ...]
    ignored: int
    unknown_fields: int


@dataclass(frozen=True, slots=True)
class _Found:
    """Rows of the message's columns alone, before the coordinates join them."""

    rows: pa.Table
    origins: Any
    deleted: Any  # None: no row is a tombstone
    bad: tuple[Bad, ...] = ()
    ignored: int = 0


def records(messages: pa.RecordBatch, first: int, rules: RecordRules) -> Records:
    """Decode a piece.

    :param messages: RAW_SCHEMA.
    :param first: index in the batch of its first message.
    """
    opened = rules.opener.open(messages)
    parsed = opened.parsed
    found = _Found(parsed.rows, parsed.good, None, parsed.bad, opened.skipped)
    if len(opened.gone):
        found = _with_tombstones(messages, found, opened.gone, rules)
    rows, origins, bad = _with_coordinates(messages, found, opened.beside, rules)
    ordered = sorted((one.at(one.index + first) for one in bad), key=lambda one: one.index)
    return Records(rows, pc.add(origins, first), tuple(ordered), found.ignored, parsed.unknown_fields)


def _with_tombstones(messages: pa.RecordBatch, found: _Found, nulls: Any, rules: RecordRules) -> _Found:
    if rules.on_tombstone == "ignore":
        return replace(found, ignored=found.ignored + len(nulls))
    if rules.on_tombstone == "dead_letter":
        return replace(found, bad=(*found.bad, *(Bad(index, *_NO_VALUE) for index in nulls.to_pylist())))
    if rules.tombstone_keys is None:  # on_tombstone="insert": the payload is NULL
        schema = rules.opener.schema
        empty = pa.table([pa.nulls(len(nulls), field.type) for field in schema], schema=schema)
        return _merged(found, empty, nulls, deleted=False)
    keyed, good, bad = rules.tombstone_keys.rows(messages.column("key").take(nulls))
    merged = _merged(found, keyed, nulls.take(pa.array(good, pa.int64())), deleted=True)
    return replace(merged, bad=(*found.bad, *moved(bad, nulls)))


def _merged(found: _Found, more: pa.Table, origins: Any, *, deleted: bool) -> _Found:
    """Both in the order of their messages."""
    rows = pa.concat_tables([found.rows, more])
    both = pa.concat_arrays([found.origins, origins])
    marks = pa.concat_arrays([pa.repeat(False, found.rows.num_rows), pa.repeat(deleted, more.num_rows)])
    order = pc.sort_indices(both)
    return replace(found, rows=rows.take(order), origins=both.take(order), deleted=marks.take(order))


def _with_coordinates(
    messages: pa.RecordBatch, found: _Found, envelopes: pa.Table | None, rules: RecordRules
) -> tuple[pa.Table, Any, tuple[Bad, ...]]:
    """The envelope's and Kafka's columns beside the rows; a row whose key cannot be decoded turns bad."""
    rows, origins, deleted = found.rows, found.origins, found.deleted
    beside = messages if len(origins) == messages.num_rows else messages.select(_BESIDE).take(origins)
    key, nameless = key_column(beside.column("key"), rules.key_format, rules.key_text)
    bad = (*found.bad, *moved(nameless, origins))
    marks = pa.repeat(False, len(origins)) if deleted is None else deleted
    own = [] if envelopes is None or not envelopes.num_columns else envelopes.take(origins).columns
    columns = [*rows.columns, *own, *coordinates(beside, rules.topic, key).values(), marks]
    table = pa.table(columns, schema=rules.schema)
    if not nameless:
        return table, origins, bad
    lost = pa.array([one.index for one in nameless], pa.int64())
    kept = all_but(len(origins), lost)
    return table.filter(kept), origins.filter(kept), bad
