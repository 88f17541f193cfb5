"""The envelope's own fields as columns: numbers and texts, exact or refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from airflow_kafka_bq.config.envelopes import EnvelopeField
from airflow_kafka_bq.formats.parser import Rejected
from airflow_kafka_bq.formats.structured.json_values import moment
from airflow_kafka_bq.schema.envelope_columns import envelope_column
from airflow_kafka_bq.schema.wire import wire_type

_INT64 = range(-(2**63), 2**63)


def beside_schema(fields: Sequence[EnvelopeField]) -> pa.Schema:
    """Of the columns, in wire types."""
    return pa.schema([pa.field(one.column, wire_type(envelope_column(one))) for one in fields])


def beside_table(fields: Sequence[EnvelopeField], rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Columns of rows that have values by path."""
    schema = beside_schema(fields)
    arrays = [pa.array([row.get(one.path) for row in rows], schema.field(one.column).type) for one in fields]
    return pa.table(arrays, schema=schema)


def value_of(field: EnvelopeField, found: Any) -> Any:
    """A field's value as its column takes it.

    :raises Rejected: it is of another type, or the column cannot hold it exactly.
    """
    if found is None:
        return None
    if field.type == "TIMESTAMP" and isinstance(found, str):
        return _moment(field, found)
    if field.type == "INT64" and isinstance(found, int) and not isinstance(found, bool) and found in _INT64:
        return found
    if field.type == "STRING" and isinstance(found, str | int):
        return _text(found)
    raise Rejected("decode", "invalid_envelope", f"{field.path} of the envelope is no {field.type}")


def _text(found: str | int) -> str:
    """Booleans as JSON has them: early versions of Debezium write ``snapshot`` so."""
    return str(found).lower() if isinstance(found, bool) else str(found)


def _moment(field: EnvelopeField, found: str) -> Any:
    try:
        return moment(found)
    except Rejected as why:
        reason = "inexact" if why.reason == "inexact" else "invalid_envelope"
        raise Rejected("decode", reason, f"{field.path} of the envelope: {why.error}") from why
