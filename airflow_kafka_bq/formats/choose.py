"""The parser of a job. Formats are imported when a job has them: a run needs one of many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import BaseModel

from airflow_kafka_bq.config import JobConfig
from airflow_kafka_bq.formats.opened import Bare, Opener
from airflow_kafka_bq.formats.parser import ValueParser
from airflow_kafka_bq.formats.payload import BYTES_PAYLOAD, JSON_PAYLOAD, STRING_PAYLOAD
from airflow_kafka_bq.schema.columns import Column

if TYPE_CHECKING:
    from airflow_kafka_bq.formats.structured.parsing import Filling
    from airflow_kafka_bq.formats.structured.sides import Side

_PAYLOADS: dict[str, ValueParser] = {"json": JSON_PAYLOAD, "string": STRING_PAYLOAD, "bytes": BYTES_PAYLOAD}


def choose(
    value_format: str, model: type[BaseModel] | None, columns: Sequence[Column], side: Side | None = None,
    *, refuse_unknown: bool = False, keep_unknown: bool = False,
) -> ValueParser:  # fmt: skip
    """Parser for values of this format; in bulk where the model allows it.

    :param columns: those that the value fills.
    :param side: how values are decoded, where a schema says it.
    :param refuse_unknown: a field that no column takes makes its message bad. :param keep_unknown: it is kept.
    """
    if side is not None and value_format == "json_schema" and side.reader is None:
        from airflow_kafka_bq.formats.structured.framed_json import FramedJson

        bare = choose("json", model, columns, refuse_unknown=refuse_unknown, keep_unknown=keep_unknown)
        return FramedJson(side.writers, bare)
    if side is not None:
        from airflow_kafka_bq.formats.structured.parsing import StructuredRows
        from airflow_kafka_bq.formats.unknown_fields import with_unknown

        filling = _filling(side, model, columns, refuse_unknown, keep_unknown)
        return StructuredRows(side.writers, with_unknown(columns, keep_unknown), filling)
    if model is None:
        return _PAYLOADS[value_format]
    from airflow_kafka_bq.formats.columnar_plan import plan
    from airflow_kafka_bq.formats.json_columnar import JsonColumnar
    from airflow_kafka_bq.formats.json_rows import JsonRows

    rows = JsonRows(model, columns, refuse_unknown=refuse_unknown, keep_unknown=keep_unknown)
    bulk = plan(model, columns)
    return rows if bulk is None else JsonColumnar(rows, bulk)


def opener(
    config: JobConfig, model: type[BaseModel] | None, columns: Sequence[Column], side: Side | None = None
) -> Opener:
    """How the messages of a job are taken out of their envelope, if they have one, and parsed.

    :param columns: those that the value fills, without the envelope's.
    """
    refuse_unknown, fields = config.unknown_fields == "dead_letter", config.enveloped
    keep_unknown = config.unknown_fields == "json_column"
    if config.envelope == "debezium" and side is not None and not _is_text(config, side):
        from airflow_kafka_bq.formats.structured.changes import StructuredChanges
        from airflow_kafka_bq.formats.unknown_fields import with_unknown

        filling = _filling(side, model, columns, refuse_unknown, keep_unknown)
        columns = with_unknown(columns, keep_unknown)
        nameless = refuse_unknown or keep_unknown  # in the envelope: nothing of them can be kept
        return StructuredChanges(side.writers, columns, filling, fields, refuse_unknown=nameless)
    if config.envelope == "debezium":
        from airflow_kafka_bq.formats.envelopes.debezium_json import DebeziumJson

        parser = choose("json", model, columns, refuse_unknown=refuse_unknown, keep_unknown=keep_unknown)
        return DebeziumJson(parser, fields, None if side is None else side.writers)
    parser = choose(config.value_format, model, columns, side, refuse_unknown=refuse_unknown, keep_unknown=keep_unknown)
    if config.envelope is None:
        return Bare(parser)
    from airflow_kafka_bq.formats.envelopes.cloudevents import CloudEvents

    as_json = config.value_format in {"json", "json_schema"}
    return CloudEvents(parser, fields, whole=config.tombstones == "insert", as_json=as_json)


def _is_text(config: JobConfig, side: Side) -> bool:
    """Whether rows are JSON text for the parser of JSON: no schema gives the columns."""
    return config.value_format == "json_schema" and side.reader is None


def _filling(
    side: Side, model: type[BaseModel] | None, columns: Sequence[Column], refuse_unknown: bool, keep_unknown: bool
) -> Filling:
    from airflow_kafka_bq.formats.structured.rows import ColumnFilling, ModelFilling, PayloadFilling

    if model is not None:
        return ModelFilling(model, columns, refuse_unknown=refuse_unknown, keep_unknown=keep_unknown)
    if side.reader is not None:
        return ColumnFilling(side.reader, columns, refuse_unknown=refuse_unknown, keep_unknown=keep_unknown)
    return PayloadFilling()
