"""One DuckDB transaction per BigQuery job: snapshot isolation that the emulator's own job runner does not have.

Runs inside the emulator's environment, never in the project's: the emulator keeps one connection and one write lock for
everything, so two jobs can never overlap in it. A session is a cursor of the same database with its own transaction,
so that a job sees the snapshot of its start and commits as a whole.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import bignumeric  # type: ignore[import-not-found]
from bqemulator.jobs.executor import build_response_schema  # type: ignore[import-not-found]
from bqemulator.row_access.identity import CallerIdentity  # type: ignore[import-not-found]
from bqemulator.sql.inner_query import rewrite_and_translate_statement  # type: ignore[import-not-found]
from bqemulator.sql.parameters import bind_parameters  # type: ignore[import-not-found]
from bqemulator.sql.table_rewriter import rewrite_table_refs  # type: ignore[import-not-found]
from bqemulator.sql.translator import SQLTranslator  # type: ignore[import-not-found]
from bqemulator.storage.engine import _annotate_with_duckdb_types  # type: ignore[import-not-found]
from catalogue import LOCK  # type: ignore[import-not-found]

_CALLER = CallerIdentity(principal="user:anonymous@bqemulator.local", is_authenticated=False)


def translate(context: Any, project: str, sql: str) -> str:
    """DuckDB SQL of one BigQuery statement, by the emulator's own rules."""
    # A translator per statement: it keeps state between its passes and sessions run in threads.
    steps = rewrite_and_translate_statement(
        sql, project_id=project, ctx=context, caller=_CALLER, translator=SQLTranslator()
    )
    # One at a time: the steps look into the catalogue again and again, and must find one state of it.
    with LOCK:
        return str(rewrite_table_refs(asyncio.run(steps), project))


def open_cursor(context: Any) -> Any:
    """A connection of its own to the emulator's database, in UTC as BigQuery's timestamps are."""
    cursor = context.engine.connection.cursor()
    cursor.execute("SET TimeZone = 'UTC'")
    return cursor


class Session:
    """A transaction of one job.

    Args:
        context: The emulator's parts (engine, catalog).
    """

    def __init__(self, context: Any) -> None:
        self._context = context
        self._lock = threading.Lock()
        self._cursor = open_cursor(context)
        self._after_commit: list[Callable[[], None]] = []
        self._cursor.execute("BEGIN TRANSACTION")
        # DuckDB takes the snapshot at the first look at the database, not at BEGIN.
        self._cursor.execute("SELECT count(*) FROM _front.markers").fetchall()

    def execute(self, sql: str, values: list[Any] | None = None) -> Any:
        """Run DuckDB SQL in the transaction."""
        with self._lock:
            return self._cursor.execute(sql, values) if values else self._cursor.execute(sql)

    def fetch(self, sql: str, values: list[Any] | None = None) -> Any:
        """Run DuckDB SQL and read its rows as an Arrow table that remembers DuckDB's types."""
        with self._lock:
            result = self._cursor.execute(sql, values) if values else self._cursor.execute(sql)
            description = result.description
            return _annotate_with_duckdb_types(result.to_arrow_table(), description)

    def run(self, project: str, sql: str, kind: str, parameters: Any) -> Any:
        """Run one BigQuery statement; returns its Arrow result (`kind` merge: one row per touched row)."""
        translated = translate(self._context, project, sql)
        if kind == "merge":
            translated = f"{translated.rstrip().rstrip(';')} RETURNING merge_action"
        duckdb_sql, values = bind_parameters(translated, parameters)
        table = self.fetch(duckdb_sql, values or None)
        return bignumeric.mark(table, bignumeric.names_in(self._context, project, sql)) if kind == "query" else table

    def after_commit(self, action: Callable[[], None]) -> None:
        """Remember what the emulator's catalog, which knows no transactions, must be told once this one is durable."""
        self._after_commit.append(action)

    def commit(self, job: str, payload: str) -> None:
        """Commit, together with the marker that tells a restarted front that this job was applied."""
        with self._lock:
            self._cursor.execute("INSERT INTO _front.markers VALUES (?, ?)", [job, payload])
            self._cursor.execute("COMMIT")
            for action in self._after_commit:
                action()
            self._cursor.close()

    def rollback(self) -> None:
        """Undo everything; waits for a statement that still runs."""
        with self._lock:
            self._cursor.execute("ROLLBACK")
            self._cursor.close()


def counts(kind: str, table: Any) -> dict[str, int]:
    """Rows inserted, updated and deleted by a MERGE, or rows affected by another DML statement."""
    if kind != "merge":
        return {"affected": int(table.column(0)[0].as_py()) if table.num_rows else 0}
    tally = {"INSERT": 0, "UPDATE": 0, "DELETE": 0}
    for entry in table.column(0).value_counts().to_pylist():
        tally[entry["values"]] = entry["counts"]
    return {"inserted": tally["INSERT"], "updated": tally["UPDATE"], "deleted": tally["DELETE"]}


def schema_of(table: Any) -> list[dict[str, Any]]:
    """REST schema of a result."""
    fields: list[dict[str, Any]] = bignumeric.told(build_response_schema(table.schema), table)
    return fields


def fetch_annotated(cursor: Any, sql: str) -> Any:
    """Rows as an Arrow table that remembers DuckDB's types (JSON is more than text)."""
    result = cursor.execute(sql)
    description = result.description
    return _annotate_with_duckdb_types(result.to_arrow_table(), description)
