"""The emulator with a door for the strict front: run by the emulator's own Python, `python serve.py`.

Prints `port N` of the door. The emulator's own API works as always, on a port that the door tells.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import signal
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import bignumeric  # type: ignore[import-not-found]
import catalogue  # type: ignore[import-not-found]
import parsing  # type: ignore[import-not-found]
import profiles  # type: ignore[import-not-found]
import tables  # type: ignore[import-not-found]
from bqemulator.config import LogLevel, Settings  # type: ignore[import-not-found]
from bqemulator.domain.errors import DomainError  # type: ignore[import-not-found]
from bqemulator.jobs.error_mapper import translate_runtime_error  # type: ignore[import-not-found]
from bqemulator.server import EmulatorServer  # type: ignore[import-not-found]
from bqemulator.storage.arrow_bridge import arrow_table_to_bq_rows  # type: ignore[import-not-found]
from sessions import Session, counts, fetch_annotated, open_cursor, schema_of, translate  # type: ignore[import-not-found]

_KEPT_RESULTS = 500
_KEPT_RESULT_BYTES = 512 * 1024 * 1024
_PAGE_ROWS = 20_000


class Door:
    """Sessions and results by name.

    Args:
        context: The emulator's parts.
    """

    def __init__(self, context: Any) -> None:
        self._context = context
        self._ids = itertools.count(1)
        self._sessions: dict[str, Session] = {}
        self._results: OrderedDict[str, Any] = OrderedDict()
        # Jobs keep and read results in threads of their own.
        self._keeping = threading.Lock()

    def begin(self) -> dict[str, Any]:
        """Open a session: its snapshot is now."""
        name = f"s{next(self._ids)}"
        self._sessions[name] = Session(self._context)
        return {"session": name}

    def run(self, session: str, body: dict[str, Any]) -> dict[str, Any]:
        """Run one statement in a session."""
        kind = body["kind"]
        table = self._sessions[session].run(body["project"], body["sql"], kind, body.get("parameters"))
        if kind != "query":
            counted: dict[str, Any] = counts(kind, table)
            return counted
        if body.get("result"):
            self._keep(body["result"], table)
        first = arrow_table_to_bq_rows(table, 0, 1)
        return {"schema": schema_of(table), "total_rows": table.num_rows, "first": first}

    def native(self, session: str, body: dict[str, Any]) -> dict[str, Any]:
        """Run one of the front's own DuckDB statements; its rows come back as values."""
        rows = self._sessions[session].execute(body["sql"], body.get("values")).fetchall()
        return {"rows": [[str(value) if value is not None else None for value in row] for row in rows]}

    def change(self, session: str, body: dict[str, Any]) -> dict[str, Any]:
        """Create, alter or drop a table, or append a file to it."""
        here = self._sessions[session]
        action = body["action"]
        if action == "create":
            tables.create(self._context, here, body["resource"])
        elif action == "alter":
            tables.alter(self._context, here, body["old"], body["resource"])
        elif action == "drop":
            tables.drop(self._context, here, body["key"])
        else:
            return {"rows": tables.insert_file(here, body["key"], body["path"], body["columns"])}
        return {}

    def end(self, session: str, body: dict[str, Any]) -> dict[str, Any]:
        """Commit with a marker, or roll back."""
        here = self._sessions.pop(session)
        if body.get("commit"):
            try:
                here.commit(body["job"], body["payload"])
            except Exception:
                with contextlib.suppress(Exception):
                    here.rollback()
                raise
        else:
            here.rollback()
        return {}

    def abandon(self) -> dict[str, Any]:
        """Roll back every open session: what a front that died left behind. Waits for running statements."""
        left = list(self._sessions)
        for name in left:
            with contextlib.suppress(Exception):
                self._sessions.pop(name).rollback()
        return {"abandoned": len(left)}

    def marker(self, job: str) -> dict[str, Any]:
        """What the job wrote with its commit; empty if it never committed."""
        cursor = open_cursor(self._context)
        rows = cursor.execute("SELECT payload FROM _front.markers WHERE job = ?", [job]).fetchall()
        cursor.close()
        return {"payload": rows[0][0] if rows else None}

    def explain(self, body: dict[str, Any]) -> dict[str, Any]:
        """Bind a statement without running it; raises what a dry run would report."""
        cursor = open_cursor(self._context)
        try:
            sql = translate(self._context, body["project"], body["sql"])
            cursor.execute(f"EXPLAIN {sql}")
            schema: list[dict[str, Any]] = []
            if body.get("describe"):
                schema = schema_of(fetch_annotated(cursor, f"SELECT * FROM ({sql}) LIMIT 0"))
        finally:
            cursor.close()
        return {"schema": schema}

    def _keep(self, name: str, table: Any) -> None:
        with self._keeping:
            self._results[name] = table
            while len(self._results) > _KEPT_RESULTS or (
                len(self._results) > 1 and sum(kept.nbytes for kept in self._results.values()) > _KEPT_RESULT_BYTES
            ):
                self._results.popitem(last=False)

    def page(self, body: dict[str, Any]) -> dict[str, Any]:
        """Rows of a kept result."""
        with self._keeping:
            table = self._results.get(body["result"])
        if table is None:
            return {"schema": [], "total_rows": 0, "rows": []}
        limit = min(int(body.get("limit", _PAGE_ROWS)), _PAGE_ROWS)
        rows = arrow_table_to_bq_rows(table, int(body.get("start", 0)), limit)
        return {"schema": schema_of(table), "total_rows": table.num_rows, "rows": rows}

    def table_rows(self, body: dict[str, Any]) -> dict[str, Any]:
        """Rows of a table as it is now."""
        cursor = open_cursor(self._context)
        limit = min(int(body.get("limit", _PAGE_ROWS)), _PAGE_ROWS)
        columns = ", ".join(f'"{name}"' for name in body["columns"])
        target = tables.quoted_table_ref(*body["key"])
        (total,) = cursor.execute(f"SELECT count(*) FROM {target}").fetchone()
        found = cursor.execute(f"SELECT {columns} FROM {target} LIMIT {limit} OFFSET {int(body['start'])}")
        rows = arrow_table_to_bq_rows(found.to_arrow_table())
        cursor.close()
        return {"total_rows": total, "rows": rows}


def _failure(error: Exception) -> dict[str, Any]:
    mapped = error if isinstance(error, DomainError) else translate_runtime_error(error)
    kind, text = type(error).__name__, str(error)
    return {"kind": kind, "text": text, "reason": mapped.bq_reason, "message": mapped.message}


class _Call(BaseHTTPRequestHandler):
    """One connection of the front, a thread: jobs overlap. The emulator's own server would cost more than the work."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: DoorServer

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        try:
            status, told = 200, self.server.answer(self.path.removeprefix("/_door/"), body)
        except Exception as error:
            status, told = 422, _failure(error)
        payload = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class DoorServer(ThreadingHTTPServer):
    """Answers the front.

    Args:
        context: The emulator's parts.
        rest_url: Where the emulator itself answers.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, context: Any, rest_url: str) -> None:
        self._context = context
        self._door = Door(context)
        self._rest_url = rest_url
        super().__init__(("127.0.0.1", 0), _Call)

    def answer(self, verb: str, body: dict[str, Any]) -> dict[str, Any]:
        """What one call comes back with."""
        door, context = self._door, self._context
        if verb in {"run", "native", "change", "end"}:
            told: dict[str, Any] = getattr(door, verb)(body.pop("session"), body)
            return told
        answers: dict[str, Callable[[], dict[str, Any]]] = {
            "address": lambda: {"rest": self._rest_url},
            "begin": door.begin,
            "abandon": door.abandon,
            "marker": lambda: door.marker(body["job"]),
            "explain": lambda: door.explain(body),
            "page": lambda: door.page(body),
            "table_rows": lambda: door.table_rows(body),
            "profile": lambda: profiles.profile(context, body),
            "table": lambda: {"resource": tables.read(context, body["key"])},
            "tables": lambda: {"resources": tables.read_all(context, body["project"], body["dataset"])},
        }
        return answers[verb]()


async def _serve() -> None:
    settings = Settings(
        rest_port=0, grpc_port=0, log_level=LogLevel.ERROR, enable_format_extensions=False, metrics_enabled=False
    )
    server = EmulatorServer(settings)
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    await server.start()
    context = server._context  # noqa: SLF001 - pinned, and it has no other way in
    parsing.set_up()
    catalogue.guard(context)
    tables.set_up(context)
    bignumeric.set_up(context)
    front_door = DoorServer(context, f"http://127.0.0.1:{server.rest_port}")
    threading.Thread(target=front_door.serve_forever, daemon=True).start()
    sys.stdout.write(f"port {front_door.server_address[1]}\n")
    sys.stdout.flush()
    await stopped.wait()
    # The emulator's own stop waits seconds for a gRPC door that nobody uses; all its data is in memory.
    os._exit(0)


if __name__ == "__main__":
    asyncio.run(_serve())
