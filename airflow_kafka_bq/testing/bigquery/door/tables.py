"""Tables of the local BigQuery: DuckDB's columns and the REST resource change in one transaction."""

from __future__ import annotations

import json
from typing import Any

from bqemulator.api.routes.tables import _rest_to_table_meta  # type: ignore[import-not-found]
from bqemulator.storage.sql_identifiers import quoted_table_ref  # type: ignore[import-not-found]
from bqemulator.storage.type_map import bq_schema_to_duckdb_columns  # type: ignore[import-not-found]
from catalogue import LOCK  # type: ignore[import-not-found]
from sessions import Session, open_cursor  # type: ignore[import-not-found]

_SETUP = (
    "CREATE SCHEMA IF NOT EXISTS _front",
    "CREATE TABLE IF NOT EXISTS _front.markers (job VARCHAR, payload VARCHAR)",
    "CREATE TABLE IF NOT EXISTS _front.tables (project VARCHAR, dataset VARCHAR, name VARCHAR, resource VARCHAR)",
)
# When a row is written, cut to its partition: what statements call _PARTITIONTIME. The front's name for it is STORED.
_WRITTEN = "__partition_time TIMESTAMPTZ DEFAULT (date_trunc('{}', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC')"
_HERE = "WHERE project = ? AND dataset = ? AND name = ?"


def set_up(context: Any) -> None:
    """Create the front's own tables beside the emulator's."""
    for statement in _SETUP:
        context.engine.execute(statement)


def _key(resource: dict[str, Any]) -> list[str]:
    reference = resource["tableReference"]
    return [reference["projectId"], reference["datasetId"], reference["tableId"]]


def _column(name: str, duckdb_type: str, field: dict[str, Any]) -> str:
    required = " NOT NULL" if field.get("mode") == "REQUIRED" else ""
    return f'"{name}" {duckdb_type}{required}'


def create(context: Any, session: Session, resource: dict[str, Any]) -> None:
    """Create the table and keep its resource."""
    fields = resource.get("schema", {}).get("fields", [])
    pairs = zip(bq_schema_to_duckdb_columns(fields), fields, strict=True)
    columns = [_column(name, duckdb_type, field) for (name, duckdb_type), field in pairs]
    time = resource.get("timePartitioning")
    if time and not time.get("field"):
        columns.append(_WRITTEN.format(time.get("type", "DAY").lower()))
    session.execute(f"CREATE TABLE {quoted_table_ref(*_key(resource))} ({', '.join(columns) or '__none INTEGER'})")
    _keep(context, session, resource)


def alter(context: Any, session: Session, old: dict[str, Any], new: dict[str, Any]) -> None:
    """Bring the columns from the old resource's schema to the new one's and keep the new resource."""
    target = quoted_table_ref(*_key(new))
    before = old.get("schema", {}).get("fields", [])
    after = new.get("schema", {}).get("fields", [])
    if not before and after:
        session.execute(f"DROP TABLE {target}")
        session.execute(f"DELETE FROM _front.tables {_HERE}", _key(new))
        create(context, session, new)
        return
    for statement in _changes(before, after, ()):
        session.execute(f"ALTER TABLE {target} {statement}")
    session.execute(f"DELETE FROM _front.tables {_HERE}", _key(new))
    _keep(context, session, new)


def _changes(before: list[dict[str, Any]], after: list[dict[str, Any]], path: tuple[str, ...]) -> list[str]:
    known = {field["name"].lower(): field for field in before}
    statements: list[str] = []
    for field in after:
        here = (*path, field["name"])
        dotted = ".".join(f'"{part}"' for part in here)
        old = known.pop(field["name"].lower(), None)
        if old is None:
            ((_, duckdb_type),) = bq_schema_to_duckdb_columns([field])
            statements.append(f"ADD COLUMN {dotted} {duckdb_type}")
            continue
        ((_, before_type),), ((_, after_type),) = (bq_schema_to_duckdb_columns([one]) for one in (old, field))
        if before_type != after_type and not field.get("fields"):
            statements.append(f"ALTER COLUMN {dotted} SET DATA TYPE {after_type}")
        if not path and old.get("mode") == "REQUIRED" and field.get("mode") != "REQUIRED":
            statements.append(f"ALTER COLUMN {dotted} DROP NOT NULL")
        element = ("element",) if field.get("mode") == "REPEATED" else ()
        statements += _changes(old.get("fields", []), field.get("fields", []), (*here, *element))
    return statements + [
        f"DROP COLUMN {'.'.join(chr(34) + part + chr(34) for part in (*path, gone['name']))}" for gone in known.values()
    ]


def drop(context: Any, session: Session, key: list[str]) -> None:
    """Drop the table and forget its resource."""
    session.execute(f"DROP TABLE IF EXISTS {quoted_table_ref(*key)}")
    session.execute(f"DELETE FROM _front.tables {_HERE}", key)
    session.after_commit(lambda: _forget(context, key))


def _keep(context: Any, session: Session, resource: dict[str, Any]) -> None:
    key = _key(resource)
    session.execute("INSERT INTO _front.tables VALUES (?, ?, ?, ?)", [*key, json.dumps(resource)])
    session.after_commit(lambda: _tell(context, key, resource))


def _tell(context: Any, key: list[str], resource: dict[str, Any]) -> None:
    with LOCK:
        known = context.catalog.get_table(*key)
        meta = _rest_to_table_meta(key[0], key[1], resource, context.clock, known)
        if known is None:
            context.catalog.create_table(meta)
        else:
            context.catalog.update_table(meta)


def _forget(context: Any, key: list[str]) -> None:
    with LOCK:
        if context.catalog.get_table(*key) is not None:
            context.catalog.delete_table(*key)


def read(context: Any, key: list[str]) -> dict[str, Any] | None:
    """The resource of a table with its current row count; None if there is no such table."""
    cursor = open_cursor(context)
    try:
        rows = cursor.execute(f"SELECT resource FROM _front.tables {_HERE}", key).fetchall()
        if not rows:
            return None
        resource: dict[str, Any] = json.loads(rows[0][0])
        (count,) = cursor.execute(f"SELECT count(*) FROM {quoted_table_ref(*key)}").fetchone()
        return resource | {"numRows": str(count)}
    finally:
        cursor.close()


def read_all(context: Any, project: str, dataset: str) -> list[dict[str, Any]]:
    """Resources of all tables of a dataset, by name."""
    cursor = open_cursor(context)
    try:
        found = cursor.execute(
            "SELECT resource FROM _front.tables WHERE project = ? AND dataset = ? ORDER BY name", [project, dataset]
        ).fetchall()
        return [json.loads(row[0]) for row in found]
    finally:
        cursor.close()


def insert_file(session: Session, key: list[str], path: str, columns: list[dict[str, str]]) -> int:
    """Append a Parquet file; `columns` pairs each column's name with the DuckDB expression over the file's columns."""
    names = ", ".join(f'"{column["name"]}"' for column in columns)
    values = ", ".join(column["value"] for column in columns)
    result = session.execute(
        f"INSERT INTO {quoted_table_ref(*key)} ({names}) SELECT {values} FROM read_parquet(?)", [path]
    )
    return int(result.fetchone()[0])
