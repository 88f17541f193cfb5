"""The parser of a job."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel

from airflow_kafka_bq.formats.columnar_plan import plan
from airflow_kafka_bq.formats.json_columnar import JsonColumnar
from airflow_kafka_bq.formats.json_rows import JsonRows
from airflow_kafka_bq.formats.parser import ValueParser
from airflow_kafka_bq.formats.payload import BYTES_PAYLOAD, JSON_PAYLOAD, STRING_PAYLOAD
from airflow_kafka_bq.formats.structured.framed_json import FramedJson
from airflow_kafka_bq.formats.structured.rows import (
    ColumnFilling,
    Filling,
    ModelFilling,
    PayloadFilling,
    StructuredRows,
)
from airflow_kafka_bq.formats.structured.sides import Side
from airflow_kafka_bq.schema.columns import Column

_PAYLOADS: dict[str, ValueParser] = {"json": JSON_PAYLOAD, "string": STRING_PAYLOAD, "bytes": BYTES_PAYLOAD}


def choose(
    value_format: str, model: type[BaseModel] | None, columns: Sequence[Column], side: Side | None = None,
    *, refuse_unknown: bool = False,
) -> ValueParser:  # fmt: skip
    """Parser for values of this format; in bulk where the model allows it.

    :param columns: those that the value fills.
    :param side: how values are decoded, where a schema says it.
    """
    if side is not None and value_format == "json_schema" and side.reader is None:
        return FramedJson(side.writers, choose("json", model, columns, refuse_unknown=refuse_unknown))
    if side is not None:
        return StructuredRows(side.writers, columns, _filling(side, model, columns, refuse_unknown))
    if model is None:
        return _PAYLOADS[value_format]
    rows = JsonRows(model, columns, refuse_unknown=refuse_unknown)
    bulk = plan(model, columns)
    return rows if bulk is None else JsonColumnar(rows, bulk)


def _filling(side: Side, model: type[BaseModel] | None, columns: Sequence[Column], refuse_unknown: bool) -> Filling:
    if model is not None:
        return ModelFilling(model, columns, refuse_unknown=refuse_unknown)
    if side.reader is not None:
        return ColumnFilling(side.reader, columns, refuse_unknown=refuse_unknown)
    return PayloadFilling()
