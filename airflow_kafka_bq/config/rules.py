"""Rules between parameters: combinations that cannot hold, and what this version does not support."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

from pydantic import ValidationError

if TYPE_CHECKING:
    from airflow_kafka_bq.config.job import JobConfig

COORDINATES = ("_kafka_topic", "_kafka_partition", "_kafka_offset", "_kafka_timestamp")
_TABLE_OPTIONS = {"expiration_hours", "partition_expiration_days", "require_partition_filter", "description", "labels"}
# https://cloud.google.com/bigquery/docs/labels-intro#requirements
_LABEL_KEY = re.compile(r"[a-z\u00df-\u00f6\u00f8-\u00ff][a-z0-9_\u00df-\u00f6\u00f8-\u00ff-]{0,62}")
_LABEL_VALUE = re.compile(r"[a-z0-9_\u00df-\u00f6\u00f8-\u00ff-]{0,63}")


def unknown(names: list[str], known: list[str]) -> tuple[str]:
    """Message for parameters that do not exist, with the nearest that does."""
    near = {name: difflib.get_close_matches(name, known, 1) for name in names}
    hints = [f"{name!r}" + (f" (did you mean {near[name][0]!r}?)" if near[name] else "") for name in names]
    return (f"unknown parameter {', '.join(hints)}",)


def readable(error: ValidationError) -> str:
    """What pydantic found, one line, parameter first, without its links."""
    parts = []
    for found in error.errors(include_url=False):
        name = ".".join(str(step) for step in found["loc"])
        text = found["msg"].removeprefix("Value error, ")
        given = "" if not name or found["type"] == "missing" else f" (given: {str(found['input'])[:200]!r})"
        parts.append(f"{name}: {text}{given}" if name else text)
    return "; ".join(parts)


def _require(holds: object, message: str) -> None:
    if not holds:
        raise ValueError(message)


def check(job: JobConfig) -> None:
    """All rules that need more than one parameter.

    :raises ValueError: the first that is broken; it names the parameters.
    """
    _supported(job)
    _formats(job)
    _duplicates(job)
    _tombstones(job)
    _windows(job)
    _tables(job)


def _supported(job: JobConfig) -> None:
    later = {
        "value_format": job.value_format if job.value_format not in {"json", "string", "bytes"} else None,
        "key_format": job.key_format if job.key_format not in {"json", "string", "bytes"} else None,
        "schema_from": job.schema_from if job.schema_from in {"table", "registry"} else None,
        "assignment": job.assignment if job.assignment == "subscribe" else None,
        "on_tombstone": job.on_tombstone if job.on_tombstone == "delete" else None,
        "merge_per": job.merge_per if job.merge_per == "run" else None,
        "unknown_fields": job.unknown_fields if job.unknown_fields == "json_column" else None,
        "dedup_window": job.dedup_window,
        "dead_letter_topic": job.dead_letter_topic,
        "deferrable": job.deferrable or None,
    }
    for name, value in later.items():
        _require(value is None, f"{name}={value!r} is not supported in this version")


def _formats(job: JobConfig) -> None:
    source = job.columns_from
    _require(source != "model" or job.model is not None, "schema_from='model' needs a model")
    _require(source == "model" or job.model is None, f"schema_from={source!r} and a model exclude each other")
    _require(
        source != "model" or job.value_format == "json",
        f"value_format={job.value_format!r} has no fields for a model; use value_format='json' or leave the model out",
    )
    _require(
        source != "payload" or job.unknown_fields == "ignore",
        f"unknown_fields={job.unknown_fields!r} means nothing where the payload is kept whole",
    )


def _duplicates(job: JobConfig) -> None:
    _require(job.dedup_key is None or len(set(job.dedup_key)) == len(job.dedup_key), "dedup_key names a column twice")
    if job.on_duplicate == "update":
        _require(job.dedup_key, "on_duplicate='update' needs a dedup_key: Kafka coordinates never change")
        _require(job.kafka_columns == "all", "on_duplicate='update' needs kafka_columns='all' to know what is newer")
    else:
        _require(job.version is None, "version has a meaning only with on_duplicate='update'")
    _require(
        job.kafka_columns == "all" or job.dedup_key, "kafka_columns='none' needs a dedup_key: there are no coordinates"
    )
    owned = [name for name in job.dedup_key or () if name.startswith("_kafka_")]
    _require(job.kafka_columns == "all" or not owned, f"dedup_key names {owned}, and kafka_columns='none'")
    _require(
        not (job.version and set(job.version) & set(job.dedup_key or ())),
        "version and dedup_key name the same column: it could never be newer",
    )


def _tombstones(job: JobConfig) -> None:
    choice = job.tombstones
    payload = job.columns_from == "payload"
    _require(payload or choice != "insert", "on_tombstone='insert' needs schema_from='payload': a null has no fields")
    _require(
        choice != "soft_delete" or job.on_duplicate == "update",
        "on_tombstone='soft_delete' needs on_duplicate='update': 'keep' never changes a row",
    )
    _require(
        job.tombstone_key is None or choice == "soft_delete",
        f"tombstone_key means nothing with on_tombstone={choice!r}",
    )
    if choice == "soft_delete":
        _tombstone_key(job)


def _tombstone_key(job: JobConfig) -> None:
    columns = [name for name in job.dedup_key or () if name != "_kafka_key"]
    if job.tombstone_key is None:
        _require(
            len(columns) <= 1 and not (columns and job.key_format == "json" and len(job.dedup_key or ()) > 1),
            f"tombstone_key is needed: a tombstone has only its Kafka key; the dedup key is {list(job.key_columns)}",
        )
        return
    missing = sorted(set(columns) - set(job.tombstone_key))
    extra = sorted(set(job.tombstone_key) - set(columns))
    _require(not missing and not extra, f"tombstone_key must name the dedup columns: missing {missing}, extra {extra}")
    _require(job.key_format == "json", "tombstone_key names fields of the key; that needs key_format='json'")


def _windows(job: JobConfig) -> None:
    _require(job.partitions is None or job.window, "partitions has a meaning only with a window")
    _require(
        not (job.window and job.fence == "none"),
        "fence='none' cannot keep a window apart from the live task; use fence='ledger'",
    )
    if job.window and isinstance(job.window.start, dict) and job.partitions:
        outside = sorted(set(job.partitions) - set(job.window.start))
        _require(not outside, f"partitions {outside} are not in the window")


def _tables(job: JobConfig) -> None:
    extra = sorted(set(job.table_options) - _TABLE_OPTIONS)
    _require(not extra, f"table_options knows {sorted(_TABLE_OPTIONS)}, not {extra}")
    for key, value in job.labels.items():
        _require(
            _LABEL_KEY.fullmatch(key) and _LABEL_VALUE.fullmatch(value),
            f"labels: {key!r}: {value!r} is not a BigQuery label (lower case, digits, '_', '-'; at most 63)",
        )
    _require(
        job.encryption_configuration is None or set(job.encryption_configuration) <= {"kms_key_name", "kmsKeyName"},
        "encryption_configuration has one field, kms_key_name",
    )
    _require(
        job.kafka_columns == "all" or not _uses_kafka_columns(job),
        "partition_by or cluster_by names a Kafka column, and kafka_columns='none'",
    )


def _uses_kafka_columns(job: JobConfig) -> bool:
    partition = job.partition_by.column if job.partition_by and job.partition_by != "none" else ""
    return any(name.startswith("_kafka_") for name in (partition, *(job.cluster_by or ())))
