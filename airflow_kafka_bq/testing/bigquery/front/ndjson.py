"""Newline-delimited JSON, read as strictly as BigQuery reads it, into a Parquet file.

https://cloud.google.com/bigquery/docs/loading-data-cloud-storage-json#details_of_loading_json_data
"""

from __future__ import annotations

import base64
import binascii
import datetime
import json
import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from airflow_kafka_bq.testing.bigquery.front.columns import Field
from airflow_kafka_bq.testing.bigquery.front.errors import BigQueryError, invalid

_INTEGER = re.compile(r"[+-]?\d+")
_INT64 = 1 << 63
_NUMERIC_SCALE, _NUMERIC_DIGITS = 9, 29
_BIGNUMERIC_SCALE, _BIGNUMERIC_DIGITS = 38, 39


def read_error(text: str) -> BigQueryError:
    """400 about the contents of a file."""
    return invalid(f"Error while reading data, error message: {text}")


def ndjson_to_parquet(source: Path, target: Path, fields: list[Field], ignore_unknown: bool) -> int:
    """Write the rows of an NDJSON file as Parquet with the table's types; returns how many there are.

    Raises:
        BigQueryError: 400: a row that BigQuery would refuse; then nothing of the file is loaded.
    """
    rows: list[dict[str, Any]] = []
    with source.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                rows.append(_row(line, number, fields, ignore_unknown))
    schema = pa.schema([pa.field(field["name"], arrow_type(field)) for field in fields])
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), target, compression="none")
    return len(rows)


def _row(line: bytes, number: int, fields: list[Field], ignore_unknown: bool) -> dict[str, Any]:
    try:
        value = json.loads(line, parse_float=Decimal)
    except (ValueError, InvalidOperation) as error:
        raise read_error(f"JSON parsing error in row starting at position {number}: {error}") from error
    if not isinstance(value, dict):
        raise read_error(f"JSON parsing error in row starting at position {number}: an object was expected")
    return _record(value, fields, ignore_unknown, "")


def _record(value: dict[str, Any], fields: list[Field], ignore_unknown: bool, path: str) -> dict[str, Any]:
    given = {name.lower(): name for name in value}
    row = {}
    for field in fields:
        name = given.pop(field["name"].lower(), None)
        row[field["name"]] = _value(value.get(name) if name is not None else None, field, ignore_unknown, path)
    if given and not ignore_unknown:
        raise read_error(
            f"JSON table encountered too many errors, giving up. No such field: {path}{next(iter(given.values()))}."
        )
    return row


def _value(value: Any, field: Field, ignore_unknown: bool, path: str) -> Any:
    name = f"{path}{field['name']}"
    if field["mode"] == "REPEATED":
        if value is None:
            return []
        if not isinstance(value, list):
            raise read_error(f"Array specified for non-repeated field: {name}, or the reverse.")
        return [_one(entry, field, ignore_unknown, name) for entry in value]
    if value is None:
        if field["mode"] == "REQUIRED":
            raise read_error(f"Missing required field: {name}.")
        return None
    return _one(value, field, ignore_unknown, name)


def _one(value: Any, field: Field, ignore_unknown: bool, name: str) -> Any:
    if value is None:
        raise read_error(f"Only optional fields can be set to NULL. Field: {name}; Value: NULL")
    if field["type"] == "RECORD":
        if not isinstance(value, dict):
            raise read_error(f"This field: {name} is not a record.")
        return _record(value, field["fields"], ignore_unknown, f"{name}.")
    try:
        return _READERS[field["type"]](value)
    except (ValueError, TypeError, ArithmeticError, binascii.Error, KeyError) as error:
        raise read_error(
            f"Could not convert value to {field['type'].lower()}. Field: {name}; Value: {value}"
        ) from error


def _integer(value: Any) -> int:
    if isinstance(value, bool) or not (
        isinstance(value, int) or (isinstance(value, str) and _INTEGER.fullmatch(value))
    ):
        raise ValueError(value)
    number = int(value)
    if not -_INT64 <= number < _INT64:
        raise ValueError(value)
    return number


def _float(value: Any) -> float:
    if isinstance(value, bool):
        raise TypeError(value)
    return float(value)


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}[str(value).lower()]


def _string(value: Any) -> str:
    if isinstance(value, dict | list):
        raise TypeError(value)
    return json.dumps(value) if isinstance(value, bool) else str(value)


def _bytes(value: Any) -> bytes:
    if not isinstance(value, str):
        raise TypeError(value)
    return base64.b64decode(value, validate=True)


def _decimal(scale: int, digits: int) -> Callable[[Any], Decimal]:
    def read(value: Any) -> Decimal:
        if isinstance(value, bool | dict | list):
            raise TypeError(value)
        number = Decimal(str(value))
        if not number.is_finite() or abs(number) >= Decimal(10) ** digits:
            raise ValueError(value)
        exponent = number.normalize().as_tuple().exponent
        if isinstance(exponent, int) and -exponent > scale:
            raise ValueError(value)
        return number

    return read


def canonical(value: Decimal) -> str:
    """The shortest exact text of a number: equal numbers, equal texts."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _json(value: Any) -> str:
    return json.dumps(value, default=float, separators=(",", ":"), ensure_ascii=False)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value.strip().replace("/", "-")


def _timestamp(value: Any) -> datetime.datetime:
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC) + datetime.timedelta(
            microseconds=int(value * 1_000_000)
        )
    text = _text(value)
    moment = datetime.datetime.fromisoformat(text.removesuffix(" UTC"))
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)


def _datetime(value: Any) -> datetime.datetime:
    moment = datetime.datetime.fromisoformat(_text(value))
    if moment.tzinfo is not None:
        raise ValueError(value)
    return moment


_READERS: dict[str, Callable[[Any], Any]] = {
    "INTEGER": _integer,
    "FLOAT": _float,
    "BOOLEAN": _boolean,
    "STRING": _string,
    "BYTES": _bytes,
    "NUMERIC": _decimal(_NUMERIC_SCALE, _NUMERIC_DIGITS),
    "BIGNUMERIC": lambda value: canonical(_decimal(_BIGNUMERIC_SCALE, _BIGNUMERIC_DIGITS)(value)),
    "JSON": _json,
    "DATE": lambda value: datetime.date.fromisoformat(_text(value)),
    "TIME": lambda value: datetime.time.fromisoformat(_text(value)),
    "DATETIME": _datetime,
    "TIMESTAMP": _timestamp,
}

_ARROW: dict[str, pa.DataType] = {
    "INTEGER": pa.int64(),
    "FLOAT": pa.float64(),
    "BOOLEAN": pa.bool_(),
    "STRING": pa.string(),
    "BYTES": pa.binary(),
    "NUMERIC": pa.decimal128(38, _NUMERIC_SCALE),
    "BIGNUMERIC": pa.string(),
    "JSON": pa.string(),
    "DATE": pa.date32(),
    "TIME": pa.time64("us"),
    "DATETIME": pa.timestamp("us"),
    "TIMESTAMP": pa.timestamp("us", tz="UTC"),
}


def arrow_type(field: Field) -> pa.DataType:
    """The Arrow type that carries a column to the emulator."""
    if field["type"] == "RECORD":
        kind: pa.DataType = pa.struct([pa.field(part["name"], arrow_type(part)) for part in field["fields"]])
    elif field["type"] in _ARROW:
        kind = _ARROW[field["type"]]
    else:
        raise invalid(f"The strict front does not load columns of type {field['type']}")
    return pa.list_(kind) if field["mode"] == "REPEATED" else kind
