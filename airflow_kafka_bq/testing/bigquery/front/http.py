"""A small HTTP server whose connections can be dropped on purpose.

The standard library's threads, one per connection: a job that is held, or a call that is never answered, must hold up
nothing else, and a fault must be able to close the socket under the client.
"""

from __future__ import annotations

import gzip
import json
import re
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from airflow_kafka_bq.testing.bigquery.front.errors import BigQueryError, invalid


@dataclass(frozen=True)
class Request:
    """One call.

    Attributes:
        method: HTTP method.
        path: Path without the query, unquoted.
        query: Query parameters, the first of each.
        headers: Names in lower case.
        body: As sent, unzipped.
        gone: True once the client has closed the connection.
    """

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    gone: Callable[[], bool] = field(default=lambda: False, compare=False)

    def json(self) -> dict[str, Any]:
        """The body as a JSON object.

        Raises:
            BigQueryError: It is none.
        """
        try:
            value = json.loads(self.body or b"{}")
        except ValueError as error:
            raise BigQueryError("parseError", f"Parse Error: {error}", 400) from error
        if not isinstance(value, dict):
            raise invalid("a JSON object was expected")
        return value


@dataclass(frozen=True)
class Response:
    """One answer; `drop` closes the connection without one."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    drop: bool = False


Handler = Callable[[Request], Response]
_EVERYWHERE = "0.0.0.0"  # noqa: S104 - never listened on unless it is asked for
_ROUTE = re.compile(r"\{(\w+)\}")


class Router:
    """Finds the function for a method and a path such as `/projects/{project}/jobs`."""

    def __init__(self) -> None:
        self._routes: list[tuple[str, re.Pattern[str], str, Callable[..., Response]]] = []

    def add(self, method: str, path: str, name: str, function: Callable[..., Response]) -> None:
        """Register a function under the API's name of the call (`jobs.get`)."""
        self._routes.append((method, re.compile(_ROUTE.sub(r"(?P<\1>[^/]+)", path) + "$"), name, function))

    def find(self, request: Request) -> tuple[str, dict[str, str], Callable[..., Response]] | None:
        """Name, path parameters and function; None if nothing fits."""
        for method, pattern, name, function in self._routes:
            if method == request.method and (match := pattern.match(request.path)):
                return name, match.groupdict(), function
        return None


class _Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: FrontServer

    def _serve(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        body = self._chunked() if self.headers.get("transfer-encoding") == "chunked" else self.rfile.read(length)
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        headers = {name.lower(): value for name, value in self.headers.items()}
        self._answer(self.server.handle(Request(self.command, unquote(parts.path), query, headers, body, self._gone)))

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve

    def _chunked(self) -> bytes:
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _gone(self) -> bool:
        try:
            return not bytes(self.connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT))
        except BlockingIOError:
            return False
        except OSError:
            return True

    def _answer(self, response: Response) -> None:
        if response.drop:
            # A reset, not a polite end: what a client sees when a server dies.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            self.connection.close()
            return
        payload = b"" if response.body is None else json.dumps(response.body).encode()
        self.send_response(response.status)
        for name, value in ({"content-type": "application/json; charset=UTF-8"} | response.headers).items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the front keeps a call log of its own."""


class FrontServer(ThreadingHTTPServer):
    """The server.

    Args:
        port: 0 for a free one.
        handle: Answers a request.
        host: Address to listen on; whoever reaches it may do everything.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, handle: Handler, host: str = "127.0.0.1") -> None:
        self.handle = handle
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()
        super().__init__((host, port), _Connection)

    @property
    def url(self) -> str:
        """`http://127.0.0.1:PORT`, or with the address that it listens on."""
        host, port = str(self.server_address[0]), self.server_address[1]
        return f"http://{'127.0.0.1' if host == _EVERYWHERE else host}:{port}"

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection, so that a stop can close it."""
        with self._guard:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget the connection."""
        with self._guard:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no error of the server."""

    def close_connections(self) -> None:
        """Close what is open: a kept-alive connection would go on talking to a stopped server."""
        with self._guard:
            left = list(self._open)
        for connection in left:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
