"""Parquet files against a table's columns: what BigQuery refuses, before anything is loaded.

https://cloud.google.com/bigquery/docs/loading-data-cloud-storage-parquet#parquet_conversions
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import types

from airflow_kafka_bq.testing.bigquery.front.columns import Field
from airflow_kafka_bq.testing.bigquery.front.errors import invalid
from airflow_kafka_bq.testing.bigquery.front.ndjson import canonical, read_error

ROW_BYTES = 100 * 1000 * 1000  # tests that have no such rows make it smaller

_NUMERIC_SCALE, _NUMERIC_DIGITS = 9, 29
_BIGNUMERIC_SCALE, _BIGNUMERIC_DIGITS = 38, 38
_NOT_LOADABLE = frozenset({"JSON", "TIME", "DATETIME", "INTERVAL", "RANGE"})

_KINDS: tuple[tuple[Callable[[pa.DataType], bool], str], ...] = (
    (types.is_boolean, "BOOLEAN"),
    (types.is_integer, "INTEGER"),
    (types.is_floating, "FLOAT"),
    (types.is_string, "STRING"),
    (types.is_large_string, "STRING"),
    (types.is_binary, "BYTES"),
    (types.is_large_binary, "BYTES"),
    (types.is_fixed_size_binary, "BYTES"),
    (types.is_date, "DATE"),
    (types.is_timestamp, "TIMESTAMP"),
    (types.is_struct, "RECORD"),
)


def read_schema(path: Path) -> tuple[pa.Schema, int]:
    """Schema and number of rows of a Parquet file.

    Raises:
        BigQueryError: 400: it is none.
    """
    try:
        file = pq.ParquetFile(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise read_error(f"Input file is not in Parquet format: {error}") from error
    with file:
        return file.schema_arrow, file.metadata.num_rows


def infer_field(field: pa.Field[Any], lists: bool) -> Field:
    """The column that BigQuery makes of a Parquet column when nobody says otherwise.

    Args:
        field: Of the file.
        lists: `enable_list_inference`.

    Raises:
        BigQueryError: 400: it has no conversion (TIME, nanoseconds, MAP).
    """
    kind = field.type
    if types.is_list(kind) or types.is_large_list(kind):
        inner = infer_field(kind.value_field, lists)
        if lists:
            return inner | {"name": field.name, "mode": "REPEATED"}
        element = inner | {"name": "element"}
        entry = {"name": "list", "type": "RECORD", "mode": "REPEATED", "fields": [element]}
        return {"name": field.name, "type": "RECORD", "mode": "NULLABLE", "fields": [entry]}
    if types.is_struct(kind):
        parts = [infer_field(kind.field(number), lists) for number in range(kind.num_fields)]
        return {"name": field.name, "type": "RECORD", "mode": _mode(field), "fields": parts}
    return {"name": field.name, "type": _scalar(field), "mode": _mode(field)}


def _mode(field: pa.Field[Any]) -> str:
    return "NULLABLE" if field.nullable else "REQUIRED"


def _scalar(field: pa.Field[Any]) -> str:
    kind = field.type
    if types.is_timestamp(kind) and kind.unit == "ns":
        raise read_error(f"Parquet column '{field.name}' has nanosecond timestamps, which have no conversion")
    if types.is_decimal(kind):
        fits = kind.scale <= _NUMERIC_SCALE and kind.precision - kind.scale <= _NUMERIC_DIGITS
        return "NUMERIC" if fits else "BIGNUMERIC"
    for test, name in _KINDS:
        if test(kind):
            return name
    raise read_error(f"Parquet column '{field.name}' has type {kind}, which has no conversion")


def match_columns(schema: pa.Schema, fields: list[Field], lists: bool, ignore_unknown: bool) -> list[dict[str, str]]:
    """Pair the file's columns with the table's, by name; returns what the emulator is to insert.

    Raises:
        BigQueryError: 400: an unknown column, a missing REQUIRED one, or a type that does not fit.
    """
    wanted = {field["name"].lower(): field for field in fields}
    columns = []
    for field in schema:
        target = wanted.pop(field.name.lower(), None)
        if target is None:
            if ignore_unknown:
                continue
            raise invalid(f"Provided Schema does not match Table. Cannot add fields (field: {field.name})")
        _check(infer_field(field, lists), target, field.name)
        columns.append({"name": target["name"], "value": _expression(field.name, target)})
    for left in wanted.values():
        if left["mode"] == "REQUIRED":
            raise read_error(f"Missing required field: {left['name']}.")
        if left["mode"] == "REPEATED":
            columns.append({"name": left["name"], "value": "[]"})
    return columns


def _check(found: Field, wanted: Field, name: str) -> None:
    if wanted["type"] in _NOT_LOADABLE:
        raise invalid(f"Unsupported field type: {wanted['type']} (field: {name}) cannot be loaded from Parquet")
    if (found["mode"] == "REPEATED") != (wanted["mode"] == "REPEATED"):
        raise invalid(
            f"Provided Schema does not match Table. Field {name} has changed mode from "
            f"{wanted['mode']} to {found['mode']}"
        )
    widened = (found["type"], wanted["type"]) == ("NUMERIC", "BIGNUMERIC")
    if found["type"] != wanted["type"] and not widened:
        raise read_error(
            f"Parquet column '{name}' has type {found['type']} which does not match the target "
            f"cpp_type {wanted['type']}."
        )
    if wanted["type"] == "RECORD":
        _check_record(found, wanted, name)


def _check_record(found: Field, wanted: Field, name: str) -> None:
    parts = {part["name"].lower(): part for part in wanted["fields"]}
    for part in found["fields"]:
        target = parts.pop(part["name"].lower(), None)
        if target is None:
            raise invalid(f"Provided Schema does not match Table. Cannot add fields (field: {name}.{part['name']})")
        _check(part, target, f"{name}.{part['name']}")
    for left in parts.values():
        if left["mode"] == "REQUIRED":
            raise read_error(f"Missing required field: {name}.{left['name']}.")


def _expression(name: str, field: Field) -> str:
    quoted = '"' + name.replace('"', '""') + '"'
    # BigQuery knows no NULL array, only an empty one.
    return f"COALESCE({quoted}, [])" if field["mode"] == "REPEATED" else quoted


def with_exact_text(path: Path, target: Path, fields: list[Field]) -> Path:
    """The file, or a copy in which BIGNUMERIC columns are text: DuckDB reads no decimals of more than 38 digits."""
    names = {field["name"].lower() for field in fields if field["type"] == "BIGNUMERIC"}
    if not names:
        return path
    table = pq.read_table(path)
    for number, column in enumerate(table.schema):
        if column.name.lower() in names and types.is_decimal(column.type):
            texts = [None if value is None else canonical(value) for value in table.column(number).to_pylist()]
            table = table.set_column(number, column.name, pa.array(texts, pa.string()))
    pq.write_table(table, target)
    return target


def null_element_test(columns: list[dict[str, str]], fields: list[Field]) -> str | None:
    """DuckDB condition that finds a row with a NULL inside an array; None if no column is one."""
    repeated = {field["name"] for field in fields if field["mode"] == "REPEATED"}
    tests = [
        f"len(list_filter({column['value']}, lambda x: x IS NULL)) > 0"
        for column in columns
        if column["name"] in repeated and column["value"] != "[]"
    ]
    return " OR ".join(tests) or None


def refuse_large_rows(path: Path) -> None:
    """BigQuery's limit for a row: 100 MB, [loads](https://cloud.google.com/bigquery/quotas#load_jobs).

    Raises:
        BigQueryError: 400: a row is larger.
    """
    with pq.ParquetFile(path) as file:
        groups = range(file.metadata.num_row_groups)
        if sum(file.metadata.row_group(each).total_byte_size for each in groups) <= ROW_BYTES:
            return
        columns = [field.name for field in file.schema_arrow if _is_text(field.type)]
        lengths = [pc.fill_null(pc.binary_length(column), 0) for column in file.read(columns).columns]
    for row, sizes in enumerate(zip(*(each.to_pylist() for each in lengths), strict=True)):
        if sum(sizes) > ROW_BYTES:
            raise read_error(f"Row size is larger than: {ROW_BYTES}, at row {row}")


def _is_text(kind: pa.DataType) -> bool:
    return bool(
        types.is_string(kind) or types.is_large_string(kind) or types.is_binary(kind) or types.is_large_binary(kind)
    )


def statistics_of(path: Path, rows: int) -> dict[str, Any]:
    """`statistics.load` of a job that read one file."""
    size = path.stat().st_size
    return {
        "inputFiles": "1",
        "inputFileBytes": str(size),
        "outputRows": str(rows),
        "outputBytes": str(size),
        "badRecords": "0",
    }
