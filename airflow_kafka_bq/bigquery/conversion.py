"""From staged wire types to target types, as SQL expressions.

Parquet cannot carry JSON, TIME, DATETIME and BIGNUMERIC exactly, so they are staged as STRING and cast here
(https://cloud.google.com/bigquery/docs/loading-data-cloud-storage-parquet#parquet_conversions).
"""

from __future__ import annotations

from airflow_kafka_bq.schema.columns import Column

_CASTS = {
    "BIGNUMERIC": "CAST({} AS BIGNUMERIC)",
    "TIME": "CAST({} AS TIME)",
    "DATETIME": "CAST({} AS DATETIME)",
    "JSON": "PARSE_JSON({}, wide_number_mode=>'round')",
}


def quoted(name: str) -> str:
    """A column name; BigQuery allows no backquote in one, so none can end it."""
    return f"`{name}`"


def needs_conversion(column: Column) -> bool:
    """Whether the staged form differs from the target's type, here or below."""
    return column.type in _CASTS or any(needs_conversion(field) for field in column.fields)


def converted(column: Column, expression: str, depth: int = 0) -> str:
    """``expression`` (the staged column) as the target's type; NULL and empty stay what they are."""
    if not needs_conversion(column):
        return expression
    if column.mode == "REPEATED":
        element = f"e{depth}"
        inner = _single(column, element, depth + 1)
        return f"ARRAY(SELECT {inner} FROM UNNEST({expression}) AS {element} WITH OFFSET AS o{depth} ORDER BY o{depth})"
    return _single(column, expression, depth)


def _single(column: Column, expression: str, depth: int) -> str:
    if column.type != "STRUCT":
        return _CASTS[column.type].format(expression) if column.type in _CASTS else expression
    fields = ", ".join(
        f"{converted(field, f'{expression}.{quoted(field.name)}', depth)} AS {quoted(field.name)}"
        for field in column.fields
    )
    # A NULL struct rebuilt field by field would come out as a struct of NULLs.
    return f"IF({expression} IS NULL, NULL, STRUCT({fields}))"


def wire_type(column: Column) -> str:
    """The GoogleSQL type of a column in its staging table."""
    inner = "STRING" if column.type in _CASTS else column.type
    if column.type == "STRUCT":
        inner = f"STRUCT<{', '.join(f'{quoted(field.name)} {wire_type(field)}' for field in column.fields)}>"
    return f"ARRAY<{inner}>" if column.mode == "REPEATED" else inner
