"""Envelopes around messages: which of their fields can be columns, of what name and type."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_kafka_bq.config import names
from airflow_kafka_bq.config.messages import Refusal

if TYPE_CHECKING:
    from airflow_kafka_bq.config.job import JobConfig

DEBEZIUM_FIELDS: Mapping[str, str] = {
    **dict.fromkeys(("op", "transaction.id"), "STRING"),
    **dict.fromkeys(("ts_ms", "ts_us", "ts_ns"), "INT64"),
    **dict.fromkeys(("transaction.total_order", "transaction.data_collection_order"), "INT64"),
    **{
        f"source.{name}": "STRING"
        for name in (
            *("version", "connector", "name", "snapshot", "db", "schema", "table", "collection", "sequence"),
            *("file", "gtid", "query", "change_lsn", "commit_lsn", "scn", "commit_scn", "lcr_position", "lsid"),
        )
    },
    **{
        f"source.{name}": "INT64"
        for name in (
            *("ts_ms", "ts_us", "ts_ns", "txId", "lsn", "xmin", "server_id", "pos", "row", "thread"),
            *("event_serial_no", "ssn", "redo_thread", "ord", "txnNumber"),
        )
    },
}
"""Fields of change events that sources have, and their types in BigQuery.

https://debezium.io/documentation/reference/stable/connectors/ , section "source" of each connector's events.
"""
DEFAULT_FIELDS: Mapping[str, tuple[str, ...]] = {
    "debezium": ("op", "source.ts_ms"),
    "cloudevents": ("id", "source", "type", "subject", "time"),
}
_ATTRIBUTE = re.compile(r"[a-z0-9]{1,100}")
"""https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md#naming-conventions"""
_DATA = frozenset({"data", "data_base64"})


@dataclass(frozen=True, slots=True)
class EnvelopeField:
    """A field of an envelope that becomes a column. ``path`` is as the envelope spells it, with dots."""

    path: str
    column: str
    type: str


def fields(envelope: str | None, chosen: Sequence[str] | None) -> tuple[EnvelopeField, ...]:
    """The chosen fields, or those that are taken where none is named.

    Columns are named as Debezium's ``ExtractNewRecordState`` names what ``add.fields`` adds (``__source_lsn``), and as
    the Kafka binding of CloudEvents names its headers (``ce_id``).
    """
    if envelope is None:
        return ()
    paths = DEFAULT_FIELDS[envelope] if chosen is None else tuple(chosen)
    if envelope == "debezium":
        return tuple(EnvelopeField(one, f"__{one.replace('.', '_')}", DEBEZIUM_FIELDS[one]) for one in paths)
    return tuple(EnvelopeField(one, f"ce_{one}", "TIMESTAMP" if one == "time" else "STRING") for one in paths)


def column_names(job: JobConfig) -> set[str]:
    """Of the columns that the job's envelope fills, in lower case: BigQuery compares them so."""
    return {one.column.lower() for one in job.enveloped}


def check(job: JobConfig) -> None:
    """What an envelope needs beside it. :raises Refusal: it is not there, or a field is none of the envelope's."""
    if job.envelope is None:
        if job.envelope_fields is not None:
            raise Refusal("envelope_fields means nothing without an envelope", "set envelope, or leave it out")
        return
    _check_fields(job.envelope, job.envelope_fields or ())
    if job.envelope == "debezium" and job.value_format in {"string", "bytes"}:
        message = f"envelope='debezium' needs values with fields, and value_format={job.value_format!r} has none"
        raise Refusal(message, "use the format that the connector writes: json, avro, protobuf or json_schema")
    if job.envelope == "debezium" and job.removes:
        own = column_names(job)
        ours = sorted(name for name in job.key_columns if name.lower() in own)
        if ours:
            raise Refusal(f"dedup_key names {ours}, and a tombstone behind a deletion has no envelope that says them")


def _check_fields(envelope: str, chosen: tuple[str, ...]) -> None:
    if (again := names.twice(chosen)) is not None:
        raise Refusal(f"envelope_fields names {again!r} twice: {list(chosen)}")
    for one in chosen:
        if envelope == "debezium" and one not in DEBEZIUM_FIELDS:
            import difflib  # every parse of a DAG file would pay for it

            near = difflib.get_close_matches(one, DEBEZIUM_FIELDS, 1)
            remedy = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(DEBEZIUM_FIELDS)}"
            raise Refusal(f"envelope_fields: {one!r} is no field of Debezium's change events", remedy)
        if envelope == "cloudevents" and (one in _DATA or not _ATTRIBUTE.fullmatch(one)):
            raise Refusal(f"envelope_fields: {one!r} is no attribute of an event", "attributes are a-z and 0-9")


def key_of_tombstones(job: JobConfig) -> set[str]:
    """Columns of the dedup key that the key of a tombstone must give: a bare event has its attributes in headers."""
    own = column_names(job) if job.envelope == "cloudevents" else set()
    return {name for name in job.key_columns if not name.lower().startswith("_kafka_") and name.lower() not in own}
