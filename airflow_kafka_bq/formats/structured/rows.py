"""Rows of decoded messages: into the columns of a schema, through a model, or whole as JSON."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel
from pydantic_core import to_json

from airflow_kafka_bq.formats.json_text import exact_text
from airflow_kafka_bq.formats.model_fields import MessageFields
from airflow_kafka_bq.formats.model_rows import ModelRow
from airflow_kafka_bq.formats.parser import Rejected, Row
from airflow_kafka_bq.formats.rejections import nameless_field, unknown_field, validated
from airflow_kafka_bq.formats.structured.bulk_columns import BulkColumns, bulk_columns
from airflow_kafka_bq.formats.structured.conversion import plain
from airflow_kafka_bq.formats.structured.evolution import fit
from airflow_kafka_bq.formats.structured.left_over import left_over
from airflow_kafka_bq.formats.structured.parsing import MakeRow
from airflow_kafka_bq.formats.structured.raw_rows import RawRows, raw_rows
from airflow_kafka_bq.formats.structured.shapes import Schema, Struct, as_struct
from airflow_kafka_bq.formats.unknown_fields import json_of
from airflow_kafka_bq.formats.wire_values import writer as wire_writer
from airflow_kafka_bq.schema.columns import Column

Made = TypeVar("Made")


class ColumnFilling:
    """The columns of a schema, its fields found in whatever version a message was written with."""

    def __init__(
        self, reader: Schema, columns: Sequence[Column], *, refuse_unknown: bool, keep_unknown: bool = False
    ) -> None:
        self._keep_unknown = keep_unknown
        self._schema = reader
        self._reader = as_struct(reader.slot, is_json=reader.is_json)[0]
        self._columns = tuple(columns)
        self._refuse_unknown = refuse_unknown
        self._writers = [wire_writer(column, field=_item) for column in columns]

    def of(self, schema: Schema) -> MakeRow:
        """Fields to columns. JSON is read by the columns' schema, whatever the writer's said of it."""
        schema = self._schema if schema.is_json else schema
        struct, wrapped = as_struct(schema.slot, is_json=schema.is_json)
        found = fit(struct, self._reader, self._columns)
        fill, writers, unknown, refuses = found.fill, self._writers, found.unknown, self._refuse_unknown
        keeps = self._keep_unknown
        rest = left_over(struct, self._reader, self._columns) if keeps else None

        def row(raw: Any) -> Row:
            has_unknown = unknown or (schema.has_unknown is not None and schema.has_unknown(raw))
            if has_unknown and refuses:
                raise unknown_field()
            if not (wrapped or isinstance(raw, dict)):
                raise Rejected("validate", "no_fields", "the value is null, or no object, and has no fields")
            fields = {"value": raw} if wrapped else raw
            values = [write(value) for write, value in zip(writers, fill(fields), strict=True)]
            if not keeps:
                return values, has_unknown
            if _is_nameless(schema, raw):
                raise nameless_field()
            left = rest(fields) if rest else None
            return [*values, json_of(left or None)], bool(left)

        return row

    def bulk(self, schema: Schema) -> BulkColumns | None:
        """Of a record; JSON may hold anything anywhere, and a field that has no column is kept one by one."""
        return self._of_many(schema, bulk_columns)

    def raw(self, schema: Schema) -> RawRows | None:
        """The same, where there are raw columns of it."""
        return self._of_many(schema, raw_rows) if schema.together is not None else None

    def _of_many(self, schema: Schema, make: Callable[..., Made]) -> Made | None:
        writer = schema.slot.shape
        if schema.is_json or self._schema.is_json or self._keep_unknown or not isinstance(writer, Struct):
            return None
        found = fit(writer, self._reader, self._columns)
        if found.unknown and self._refuse_unknown:
            return None
        cells = [_cell(write, fill) for write, fill in zip(self._writers, found.fills, strict=True)]
        return make(writer, self._reader, self._columns, cells, unknown=found.unknown)


def _cell(write: Callable[[Any], Any], fill: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda raw: write(fill(raw))


def _is_nameless(schema: Schema, raw: Any) -> bool:
    """Whether there are fields that have a number and nothing else (Protobuf)."""
    return not schema.is_json and schema.has_unknown is not None and schema.has_unknown(raw)


def _item(value: Any, name: str) -> Any:
    return value.get(name)  # of a union, the alternatives that were not taken


class ModelFilling:
    """A pydantic model, which gets what Python has for the values: datetimes, Decimals, bytes."""

    bulk = None
    raw = None

    def __init__(
        self, model: type[BaseModel], columns: Sequence[Column], *, refuse_unknown: bool, keep_unknown: bool = False
    ) -> None:
        self._keep_unknown = keep_unknown
        self._model = model
        self._columns = tuple(columns)
        self._fields = MessageFields.of(model)
        self._refuse_unknown = refuse_unknown
        self._row = ModelRow(model, columns)

    def of(self, schema: Schema) -> MakeRow:
        """The model's columns."""
        read, as_json = plain(schema.slot, for_json=False), plain(schema.slot, for_json=True)

        def row(raw: Any) -> Row:
            record = read(raw)
            found = validated(lambda: self._model.model_validate(record), self._model, self._columns)
            values = self._row.of(found)
            nameless = _is_nameless(schema, raw)
            has_unknown = nameless or self._fields.has_unknown(record)
            if has_unknown and self._refuse_unknown:
                raise unknown_field()
            if nameless and self._keep_unknown:
                raise nameless_field()
            if self._keep_unknown:
                values.append(json_of(self._fields.left_over(as_json(raw)) if has_unknown else None))
            return values, has_unknown

        return row


class PayloadFilling:
    """The whole value as JSON."""

    bulk = None
    raw = None

    def of(self, schema: Schema) -> MakeRow:
        """One column."""
        text = json_text(schema)
        return lambda raw: ([text(raw)], False)


def json_text(schema: Schema) -> Callable[[Any], str]:
    """A function from a raw value to JSON text that BigQuery keeps.

    Decimals, dates and times are texts in it, bytes are base64; NaN and infinities are refused.
    """
    read = plain(schema.slot, for_json=True)

    def text(raw: Any) -> str:
        try:
            return exact_text(to_json(read(raw), inf_nan_mode="constants"))
        except Rejected as why:
            if why.reason == "nan":
                raise Rejected("validate", "not_finite", "holds NaN or infinity, which JSON does not have") from why
            raise

    return text
