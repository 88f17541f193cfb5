"""Rules between parameters: combinations that cannot hold, and what this version does not support."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from airflow_kafka_bq.config import envelopes, layouts, letters, names
from airflow_kafka_bq.config.messages import require

if TYPE_CHECKING:
    from airflow_kafka_bq.config.job import JobConfig

COORDINATES = ("_kafka_topic", "_kafka_partition", "_kafka_offset", "_kafka_timestamp")
_PLACE = {"_kafka_partition", "_kafka_offset"}
STRUCTURED = frozenset({"avro", "protobuf", "json_schema"})
"""Formats whose bytes mean something only beside a schema."""
NOT_SUPPORTED_AT_ALL: Mapping[str, object] = {"deferrable": False}
"""Parameters of the contract of which this version takes nothing but the default."""


def check(job: JobConfig) -> None:
    """All rules that need more than one parameter.

    :raises Refusal: the first that is broken; it names the parameters.
    """
    for rule in ALL:
        rule(job)


def _supported(job: JobConfig) -> None:
    for name, default in NOT_SUPPORTED_AT_ALL.items():
        value = getattr(job, name)
        require(value is default, f"{name}={value!r} is not supported in this version", f"leave {name} out")


def _formats(job: JobConfig) -> None:
    source = job.columns_from
    require(source != "model" or job.model is not None, "schema_from='model' needs a model")
    require(source == "model" or job.model is None, f"schema_from={source!r} and a model exclude each other")
    require(
        source not in {"model", "table"} or job.value_format not in {"string", "bytes"},
        f"value_format={job.value_format!r} has no fields for {'a model' if source == 'model' else 'columns'}",
        f"use value_format='json', or leave {'the model' if source == 'model' else 'schema_from'} out",
    )
    require(
        source != "payload" or job.unknown_fields == "ignore",
        f"unknown_fields={job.unknown_fields!r} means nothing where the payload is kept whole",
    )


def _schemas(job: JobConfig) -> None:
    """Schemas of a side need a format that has some; columns of a schema need that schema."""
    for side in ("key", "value"):
        form, schema = getattr(job, f"{side}_format"), getattr(job, f"{side}_schema")
        require(schema is None or form in STRUCTURED, f"{side}_schema means nothing with {side}_format={form!r}")
    require(
        job.schema_from not in {"registry", "schema"} or job.value_format in STRUCTURED,
        f"schema_from={job.schema_from!r} needs values that have a schema, not value_format={job.value_format!r}",
        "use value_format='avro', 'protobuf' or 'json_schema'",
    )
    require(job.schema_from != "schema" or job.value_schema, "schema_from='schema' needs a value_schema")
    require(
        job.schema_from != "registry" or job.value_schema is None,
        "schema_from='registry' and a value_schema exclude each other",
        "use schema_from='schema' for the columns of value_schema",
    )


def _named_once(job: JobConfig) -> None:
    for parameter in ("dedup_key", "version", "cluster_by"):
        columns = getattr(job, parameter) or ()
        again = names.twice(columns)
        require(again is None, f"{parameter} names column {again!r} twice: {list(columns)}")


def _key(job: JobConfig) -> None:
    key = names.lower(job.dedup_key)
    ours = sorted(key & names.SET_BY_SQL)
    require(not ours, f"dedup_key names {ours}, which are set when a row is written: no two rows would be equal")
    require(
        not key or not key <= set(COORDINATES) or key >= _PLACE,
        f"dedup_key={list(job.key_columns)} is a part of the Kafka coordinates: different messages would count as one",
        "leave dedup_key out to have one row per message",
    )
    if job.kafka_columns == "none":
        require(key, "kafka_columns='none' needs a dedup_key: there are no coordinates")
        owned = sorted(name for name in key if name.startswith("_kafka_"))
        require(not owned, f"dedup_key names {owned}, and kafka_columns='none'")


def _duplicates(job: JobConfig) -> None:
    if job.on_duplicate == "keep":
        require(job.version is None, "version has a meaning only with on_duplicate='update'")
        return
    require(job.dedup_key, "on_duplicate='update' needs a dedup_key: Kafka coordinates never change")
    require(job.kafka_columns == "all", "on_duplicate='update' needs kafka_columns='all' to know what is newer")
    require(
        not names.lower(job.version) & names.lower(job.dedup_key),
        "version and dedup_key name the same column: it could never be newer",
    )
    ours = sorted(names.lower(job.version) & names.SET_BY_SQL)
    require(not ours, f"version names {ours}, which say when a row was written and not which message is newer")


def _tombstones(job: JobConfig) -> None:
    choice = job.tombstones
    payload = job.columns_from == "payload"
    require(payload or choice != "insert", "on_tombstone='insert' needs schema_from='payload': a null has no fields")
    require(
        not job.removes or job.on_duplicate == "update",
        f"on_tombstone={choice!r} needs on_duplicate='update': 'keep' never changes a row",
    )
    require(
        job.tombstone_key is None or job.removes,
        f"tombstone_key means nothing with on_tombstone={choice!r}",
    )
    if job.removes:
        _tombstone_key(job)
    if choice == "delete":
        _markers(job)


def _markers(job: JobConfig) -> None:
    """Delete markers keep the columns of key and version beside a column of their own."""
    names_taken = "expires_at" in names.lower(job.dedup_key) | names.lower(job.version)
    require(
        not names_taken,
        "on_tombstone='delete' keeps when a marker ends in a column 'expires_at', "
        "and dedup_key or version has one of that name",
        "give the column another name in the model, or use on_tombstone='soft_delete'",
    )


def _tombstone_key(job: JobConfig) -> None:
    """A tombstone has its Kafka columns and its key; the other columns of the dedup key must come out of that key."""
    columns = envelopes.key_of_tombstones(job)
    of_debezium = job.tombstone_key is None and job.envelope == "debezium"
    if job.tombstone_key is None and not (of_debezium and columns):
        require(
            len(columns) <= 1,
            f"tombstone_key is needed: a tombstone has only its Kafka key; the dedup key is {list(job.key_columns)}",
            "say which field of the key is which column: {column: field}; or set on_tombstone='ignore'",
        )
        return
    named = columns if job.tombstone_key is None else set(job.tombstone_key)
    missing, extra = sorted(columns - named), sorted(named - columns)
    require(not missing and not extra, f"tombstone_key must name the dedup columns: missing {missing}, extra {extra}")
    require(
        job.key_format in {"json", *STRUCTURED},
        ("envelope='debezium' finds the dedup columns among" if of_debezium else "tombstone_key names")
        + f" fields of the key; key_format={job.key_format!r} has none",
        "use key_format='json', or the format that the keys have",
    )


def _windows(job: JobConfig) -> None:
    require(job.partitions is None or job.window, "partitions has a meaning only with a window")
    require(
        not (job.window and job.fence == "none"),
        "fence='none' cannot keep a window apart from the live task",
        "use fence='ledger'",
    )
    chosen = job.partitions or ()
    require(len(set(chosen)) == len(chosen), f"partitions names one twice: {list(chosen)}", "name each one once")
    if job.window and isinstance(job.window.start, dict):
        outside = sorted(set(chosen) - set(job.window.start))
        require(
            not outside,
            f"partitions {outside} are not in the window, which names {sorted(job.window.start)}",
            "leave partitions out: a window of offsets names its own",
        )


def _members(job: JobConfig) -> None:
    """Members of a group are told apart by the ledger's revision alone: Kafka takes a commit of either."""
    require(
        job.assignment == "assign" or job.fence == "ledger",
        f"assignment={job.assignment!r} needs fence='ledger': without a ledger two members could write the same rows",
        "leave fence out, or use assignment='assign'",
    )


def _tables(job: JobConfig) -> None:
    count = len({**job.labels, **job.table_options.get("labels", {})})
    require(
        count <= names.MOST_LABELS, f"labels and table_options.labels are {count}; BigQuery takes {names.MOST_LABELS}"
    )
    if job.kafka_columns == "none":
        column = layouts.column_of(job)
        ours = sorted(name for name in names.lower(job.cluster_by) | {column or ""} if name.startswith("_kafka_"))
        require(not ours, f"partition_by or cluster_by names {ours}, and kafka_columns='none'")


ALL = (
    *(_supported, _formats, _schemas, envelopes.check, _named_once, _key, _duplicates, _tombstones, _windows),
    *(*layouts.ALL, _members, _tables, letters.check_copies),
)
