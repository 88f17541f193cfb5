"""Bytes as writers make them, and what becomes of them in columns."""

from __future__ import annotations

import io
import json
from typing import Any

import fastavro
import pyarrow as pa

from airflow_kafka_bq.formats.parser import Parsed
from airflow_kafka_bq.formats.structured.avro import avro_schema
from airflow_kafka_bq.formats.structured.columns import columns_of
from airflow_kafka_bq.formats.structured.parsing import StructuredRows
from airflow_kafka_bq.formats.structured.rows import ColumnFilling
from airflow_kafka_bq.formats.structured.shapes import Schema, as_struct
from airflow_kafka_bq.formats.structured.writers import OneWriter, Writer
from airflow_kafka_bq.formats.unknown_fields import with_unknown
from airflow_kafka_bq.schema.columns import Column
from airflow_kafka_bq.schema.difference import shape

_NAMED = ("record", "enum", "fixed")


def record(*fields: Any, name: str = "Row") -> str:
    """An Avro record; a field is a type (named ``v``), or a whole definition."""
    whole = [isinstance(one, dict) and "name" in one and one.get("type") not in _NAMED for one in fields]
    found = [
        one if is_whole else {"name": f"v{at or ''}", "type": one}
        for at, (one, is_whole) in enumerate(zip(fields, whole, strict=True))
    ]
    return json.dumps({"type": "record", "name": name, "fields": found})


def avro_bytes(schema: str, value: Any) -> bytes:
    """As fastavro, which knows the logical types, writes it."""
    stream = io.BytesIO()
    fastavro.schemaless_writer(stream, fastavro.parse_schema(json.loads(schema)), value)
    return stream.getvalue()


def columns(schema: Schema) -> tuple[Column, ...]:
    return columns_of(as_struct(schema.slot)[0])


def column_type(schema: Schema) -> str:
    """Of the first column, as people write it."""
    return shape(columns(schema)[0])


def rows(reader: Schema, messages: list[bytes], writer: Schema | None = None, **rules: Any) -> Parsed:
    """Messages of one writer in the columns of the reader's schema."""
    made = columns(reader)
    keep = rules.get("keep_unknown", False)
    filling = ColumnFilling(reader, made, refuse_unknown=rules.get("refuse_unknown", False), keep_unknown=keep)
    parser = StructuredRows(OneWriter(Writer(writer or reader, 7)), with_unknown(made, keep), filling)
    return parser.parse(pa.array(messages, pa.binary()))


def avro_rows(reader: str, value: Any, writer: str | None = None) -> Parsed:
    """One Avro message."""
    return rows(avro_schema(reader), [avro_bytes(writer or reader, value)], avro_schema(writer or reader))
