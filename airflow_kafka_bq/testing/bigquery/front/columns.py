"""Columns: the rules for a table's schema, partitioning and clustering."""

from __future__ import annotations

import re
from typing import Any

from sqlglot import exp

from airflow_kafka_bq.testing.bigquery.front.errors import invalid, invalid_query

Field = dict[str, Any]
Resource = dict[str, Any]

_LEGACY = {"INT64": "INTEGER", "FLOAT64": "FLOAT", "BOOL": "BOOLEAN", "STRUCT": "RECORD"}
_KNOWN = frozenset(
    [
        "INTEGER",
        "FLOAT",
        "BOOLEAN",
        "RECORD",
        "STRING",
        "BYTES",
        "NUMERIC",
        "BIGNUMERIC",
        "DATE",
        "TIME",
        "DATETIME",
        "TIMESTAMP",
        "JSON",
        "GEOGRAPHY",
        "INTERVAL",
        "RANGE",
    ]
)
# https://cloud.google.com/bigquery/docs/schemas#column_names
_RESERVED = (
    "_TABLE_",
    "_FILE_",
    "_PARTITION",
    "_ROW_TIMESTAMP",
    "__ROOT__",
    "_COLIDENTIFIER",
    "_CHANGE_SEQUENCE_NUMBER",
    "_CHANGE_TYPE",
    "_CHANGE_TIMESTAMP",
)
_NAME = re.compile(r"[^!\"$()*,./;?@\[\\\]^`{}~\n]{1,300}")
_MOST_CLUSTERING = 4
# https://cloud.google.com/bigquery/docs/creating-clustered-tables#limitations
_CLUSTERABLE = frozenset(
    ["BIGNUMERIC", "BOOLEAN", "DATE", "DATETIME", "GEOGRAPHY", "INTEGER", "NUMERIC", "RANGE", "STRING", "TIMESTAMP"]
)
_MOST_PARTITIONS = 10_000
_PARTITIONABLE = {"TIMESTAMP", "DATETIME", "DATE"}
_MODES = ("NULLABLE", "REQUIRED", "REPEATED")


def normal_fields(fields: list[Field]) -> list[Field]:
    """The schema as BigQuery gives it back: old type names, a mode on every field.

    Raises:
        BigQueryError: 400: a doubled, reserved or impossible name, an unknown type or mode.
    """
    seen: set[str] = set()
    return [_normal_field(field, seen) for field in fields]


def _normal_field(field: Field, seen: set[str]) -> Field:
    name = field.get("name", "")
    kind = _LEGACY.get(str(field.get("type", "")).upper(), str(field.get("type", "")).upper())
    mode = (field.get("mode") or "NULLABLE").upper()
    if not _NAME.fullmatch(name) or name.upper().startswith(_RESERVED):
        raise invalid(f'Invalid field name "{name}".')
    if name.lower() in seen:
        raise invalid(f"Field {name} already exists in schema")
    seen.add(name.lower())
    if kind not in _KNOWN:
        raise invalid(f"Invalid value for type: {field.get('type')} is not a valid value")
    if mode not in _MODES:
        raise invalid(f"Invalid value for mode: {mode} is not a valid value")
    rest = {key: value for key, value in field.items() if key not in {"name", "type", "mode", "fields"}}
    inner = {"fields": normal_fields(field.get("fields", []))} if kind == "RECORD" else {}
    if kind == "RECORD" and not inner["fields"]:
        raise invalid(f"Field {name} is type RECORD but has no schema")
    return {"name": name, "type": kind, "mode": mode} | inner | rest


def check_layout(resource: Resource) -> None:
    """Refuse a partitioning or clustering that BigQuery refuses.

    Raises:
        BigQueryError: 400 invalid.
    """
    columns = {field["name"].lower(): field for field in resource.get("schema", {}).get("fields", [])}
    partitioning = resource.get("timePartitioning")
    if partitioning and partitioning.get("field"):
        _check_partition_column(partitioning, columns.get(partitioning["field"].lower()))
    ranges = resource.get("rangePartitioning")
    if ranges:
        if partitioning:
            raise invalid("Only one of timePartitioning and rangePartitioning may be given")
        _check_ranges(ranges, columns.get(str(ranges.get("field")).lower()))
    clustering = resource.get("clustering", {}).get("fields", [])
    if len(clustering) > _MOST_CLUSTERING:
        raise invalid(
            f"Too many clustering fields: at most {_MOST_CLUSTERING} are allowed, {len(clustering)} were given"
        )
    if len({name.lower() for name in clustering}) < len(clustering):
        raise invalid("Duplicate clustering field")
    for name in clustering:
        _check_cluster_column(name, columns.get(name.lower()))


def _check_partition_column(partitioning: dict[str, Any], column: Field | None) -> None:
    name = partitioning["field"]
    if column is None:
        raise invalid(f"The field specified for partitioning cannot be found in the schema: {name}")
    if column["type"] not in _PARTITIONABLE or column["mode"] == "REPEATED":
        raise invalid(
            f"The field specified for time partitioning can only be of type TIMESTAMP, DATETIME or DATE: {name}"
        )
    if column["type"] == "DATE" and partitioning.get("type") == "HOUR":
        raise invalid(f"HOUR partitioning is not possible on the DATE field {name}")


def _check_ranges(ranges: dict[str, Any], column: Field | None) -> None:
    """https://cloud.google.com/bigquery/docs/partitioned-tables#integer_range"""
    if column is None or column["type"] != "INTEGER" or column["mode"] == "REPEATED":
        raise invalid(f"The field specified for range partitioning must be an INTEGER: {ranges.get('field')}")
    start, end, interval = (int(ranges["range"][name]) for name in ("start", "end", "interval"))
    if interval <= 0 or start >= end or -(-(end - start) // interval) > _MOST_PARTITIONS:
        raise invalid(f"Invalid range partitioning: [{start}, {end}) by {interval}; at most {_MOST_PARTITIONS} ranges")


def _check_cluster_column(name: str, column: Field | None) -> None:
    if column is None:
        raise invalid(f"The field specified for clustering cannot be found in the schema: {name}")
    if column["type"] not in _CLUSTERABLE or column["mode"] == "REPEATED":
        raise invalid(f"Field {name} of type {column['type']} cannot be used for clustering")


def check_evolution(old: list[Field], new: list[Field], path: str = "") -> None:
    """Refuse what `tables.update` refuses: lost columns, changed types, new REQUIRED columns, tightened modes.

    Raises:
        BigQueryError: 400 invalid.
    """
    after = {field["name"].lower(): field for field in new}
    for field in old:
        here = after.pop(field["name"].lower(), None)
        name = f"{path}{field['name']}"
        if here is None:
            raise invalid(f"Provided Schema does not match Table. Field {name} is missing in new schema")
        if here["type"] != field["type"]:
            raise invalid(
                f"Provided Schema does not match Table. Field {name} has changed type from "
                f"{field['type']} to {here['type']}"
            )
        if here["mode"] != field["mode"] and (field["mode"], here["mode"]) != ("REQUIRED", "NULLABLE"):
            raise invalid(
                f"Provided Schema does not match Table. Field {name} has changed mode from "
                f"{field['mode']} to {here['mode']}"
            )
        check_evolution(field.get("fields", []), here.get("fields", []), f"{name}.")
    for field in after.values():
        if field["mode"] == "REQUIRED":
            raise invalid(
                f"Provided Schema does not match Table. Cannot add required fields to an existing "
                f"schema. (field: {path}{field['name']})"
            )


def field_of(name: str, data_type: exp.DataType) -> Field:
    """The schema field of a column's SQL type.

    Raises:
        BigQueryError: 400: no such type.
    """
    if data_type.is_type(exp.DataType.Type.ARRAY):
        return field_of(name, data_type.expressions[0]) | {"mode": "REPEATED"}
    if data_type.is_type(exp.DataType.Type.STRUCT):
        inner = [field_of(part.name, part.args["kind"]) for part in data_type.expressions]
        return {"name": name, "type": "RECORD", "mode": "NULLABLE", "fields": inner}
    words = data_type.sql("bigquery").upper()
    kind, _, arguments = words.partition("(")
    kind = _LEGACY.get(kind, kind)
    if kind not in _KNOWN:
        raise invalid_query(f"Type not found: {words}")
    return {"name": name, "type": kind, "mode": "NULLABLE"} | _parameters(kind, arguments.rstrip(")"))


# https://cloud.google.com/bigquery/docs/reference/standard-sql/data-definition-language#alter_column_set_data_type_statement
_WIDER = {
    "INTEGER": {"NUMERIC", "BIGNUMERIC", "FLOAT"},
    "NUMERIC": {"BIGNUMERIC", "FLOAT"},
    "BIGNUMERIC": {"FLOAT"},
}
_LIMITS = ("maxLength", "precision", "scale")


def widen(field: Field, wanted: Field) -> None:
    """Give a column another type, in place.

    Raises:
        BigQueryError: 400: a value that is there might not fit.
    """
    if wanted["type"] not in {field["type"], *_WIDER.get(field["type"], ())}:
        raise invalid_query(
            f"ALTER TABLE ALTER COLUMN SET DATA TYPE requires that the existing column type ({field['type']}) is "
            f"assignable to the new type ({wanted['type']})"
        )
    if wanted["type"] == field["type"] and any(name in wanted for name in _LIMITS):
        raise invalid_query(f"The strict front does not play narrower limits of {field['name']}")
    for name in _LIMITS:
        field.pop(name, None)
    field["type"] = wanted["type"]


def _parameters(kind: str, arguments: str) -> Field:
    numbers = [part.strip() for part in arguments.split(",") if part.strip()]
    if not numbers:
        return {}
    if kind in {"STRING", "BYTES"}:
        return {"maxLength": numbers[0]}
    return {"precision": numbers[0]} | ({"scale": numbers[1]} if len(numbers) > 1 else {})
