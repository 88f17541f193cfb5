"""BIGNUMERIC, which DuckDB has no type for: kept as exact canonical text under a type name of its own."""

from __future__ import annotations

from typing import Any

import pyarrow
from bqemulator.sql.catalog_schema import build_catalog_schema  # type: ignore[import-not-found]
from bqemulator.storage import type_map  # type: ignore[import-not-found]

_TYPE = "bq_bignumeric_text"
_MARK = b"front.bignumeric"
# Without a sign or zeros that say nothing, so that equal values are equal texts.
_TEXT = "ltrim(trim(x::VARCHAR), '+')"
_VALID = f"regexp_full_match({_TEXT}, '-?[0-9]{{1,39}}([.][0-9]{{0,38}})?')"
_SHORT = f"CASE WHEN contains({_TEXT}, '.') THEN rtrim(rtrim({_TEXT}, '0'), '.') ELSE {_TEXT} END"


def set_up(context: Any) -> None:
    """Make the type, the function `bq_bignumeric(x)`, and tell the emulator to use them."""
    context.engine.execute(f"CREATE TYPE {_TYPE} AS VARCHAR")
    wrong = "error('Invalid BIGNUMERIC value: ' || x::VARCHAR)"
    for name, otherwise in (("bq_bignumeric", wrong), ("bq_safe_bignumeric", "NULL")):
        value = f"CASE WHEN x IS NULL THEN NULL WHEN {_VALID} THEN {_SHORT} ELSE {otherwise} END"
        context.engine.execute(f"CREATE MACRO {name}(x) AS CAST({value} AS {_TYPE})")
    type_map._BQ_TO_DUCKDB["BIGNUMERIC"] = _TYPE  # noqa: SLF001 - pinned, and it has no other way in


def names_in(context: Any, project: str, sql: str) -> frozenset[str]:
    """Columns of this type in the tables that a query names."""
    schemas = build_catalog_schema(sql, project_id=project, catalog=context.catalog)
    return frozenset(name for columns in schemas.values() for name, kind in columns.items() if kind == _TYPE)


def mark(table: Any, names: frozenset[str]) -> Any:
    """The result, with the columns of this type marked: DuckDB forgets the type's name, so the column's must do."""
    if not names & set(table.schema.names):
        return table
    fields = [
        field.with_metadata({_MARK: b"1"}) if field.name in names and str(field.type) == "string" else field
        for field in table.schema
    ]
    return table.cast(pyarrow.schema(fields))


def told(schema: list[dict[str, Any]], table: Any) -> list[dict[str, Any]]:
    """The REST schema with BIGNUMERIC where the column is marked as one."""
    for field, column in zip(schema, table.schema, strict=True):
        if _MARK in (column.metadata or {}):
            field["type"] = "BIGNUMERIC"
    return schema
