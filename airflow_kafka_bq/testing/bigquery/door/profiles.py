"""How a table's bytes are spread: rows per partition, and the average width of each column."""

from __future__ import annotations

from typing import Any

from bqemulator.storage.sql_identifiers import quoted_table_ref  # type: ignore[import-not-found]
from sessions import open_cursor  # type: ignore[import-not-found]

_SAMPLE_ROWS = 5000
# https://cloud.google.com/bigquery/docs/estimate-costs#estimate_query_size
_FIXED_BYTES = {
    "INTEGER": 8,
    "FLOAT": 8,
    "TIMESTAMP": 8,
    "DATETIME": 8,
    "TIME": 8,
    "DATE": 8,
    "BOOLEAN": 1,
    "NUMERIC": 16,
    "BIGNUMERIC": 32,
}


def profile(context: Any, body: dict[str, Any]) -> dict[str, Any]:
    """Rows per partition (microseconds since 1970 of its start, or None) and bytes per row of each column."""
    target = quoted_table_ref(*body["key"])
    cursor = open_cursor(context)
    try:
        widths = ", ".join(_width(field) for field in body["fields"])
        sample = cursor.execute(f"SELECT {widths} FROM (SELECT * FROM {target} LIMIT {_SAMPLE_ROWS})").fetchone()
        start = "NULL"
        if ranges := body.get("ranges"):
            start = _number(f'"{body["field"]}"', **{name: int(value) for name, value in ranges.items()})
        elif body.get("field"):
            start = f"epoch_us(date_trunc('{body['unit'].lower()}', \"{body['field']}\"::TIMESTAMP))"
        partitions = cursor.execute(f"SELECT {start}, count(*) FROM {target} GROUP BY 1").fetchall()
    finally:
        cursor.close()
    return {
        "widths": {field["name"]: float(width or 0) for field, width in zip(body["fields"], sample, strict=True)},
        "partitions": [list(row) for row in partitions],
    }


def _number(column: str, start: int, end: int, interval: int) -> str:
    """Number of the range that a value lies in; -1 beyond them all."""
    distance = f"({column}::HUGEINT - {start}) // {interval}"
    inside = f"CASE WHEN {column} >= {start} AND {column} < {end} THEN {distance} ELSE -1 END"
    return f"CASE WHEN {column} IS NOT NULL THEN ({inside})::BIGINT END"


def _width(field: dict[str, Any]) -> str:
    name = f'"{field["name"]}"'
    if field["mode"] == "REPEATED" or field["type"] == "RECORD":
        size = f"strlen({name}::VARCHAR)"
    elif field["type"] in _FIXED_BYTES:
        size = str(_FIXED_BYTES[field["type"]])
    elif field["type"] == "BYTES":
        size = f"2 + octet_length({name})"
    else:
        size = f"2 + strlen({name}::VARCHAR)"
    return f"avg(CASE WHEN {name} IS NULL THEN 0 ELSE {size} END)"
