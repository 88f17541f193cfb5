"""A front before a schema registry: TLS, a login, client certificates, and a registry that falls ill."""

from __future__ import annotations

import http.client
import ssl
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

_SECONDS = 30


@dataclass
class RegistryFront:
    """Passes on what it lets through, on a port of its own; started by ``with``.

    :param behind: the registry's url.
    :param authorization: the only header of that name that is let through.
    :param server_pem: key and certificate of the front; it speaks TLS then.
    :param client_ca: certificates that clients must show one of.
    """

    behind: str
    authorization: str | None = None
    server_pem: Path | None = None
    client_ca: Path | None = None
    ill: str | None = None
    asked: list[str] = field(default_factory=list)
    _server: Any = None

    @property
    def url(self) -> str:
        """For the setting ``url`` of a client."""
        scheme = "http" if self.server_pem is None else "https"
        return f"{scheme}://127.0.0.1:{self._server.server_address[1]}{urlsplit(self.behind).path}"

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _passing(self))
        self._server.daemon_threads = True
        if self.server_pem is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.server_pem)
            if self.client_ca is not None:
                context.verify_mode = ssl.CERT_REQUIRED
                context.load_verify_locations(self.client_ca)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def passed(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        """Status and body of the answer."""
        self.asked.append(path)
        if self.authorization is not None and headers.get("Authorization") != self.authorization:
            return http.client.UNAUTHORIZED, b'{"error_code": 40101, "message": "who are you"}'
        if self.ill is not None and self.ill in path:
            return http.client.SERVICE_UNAVAILABLE, b'{"error_code": 50301, "message": "not well"}'
        connection = http.client.HTTPConnection(urlsplit(self.behind).netloc, timeout=_SECONDS)
        try:
            kept: dict[str, str] = {name: headers[name] for name in ("Content-Type", "Accept") if name in headers}
            connection.request(method, path, body or None, kept)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


def _passing(front: RegistryFront) -> type[BaseHTTPRequestHandler]:
    class Passing(BaseHTTPRequestHandler):
        def _pass(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, found = front.passed(self.command, self.path, dict(self.headers), body)
            self.send_response(status)
            self.send_header("Content-Type", "application/vnd.schemaregistry.v1+json")
            self.send_header("Content-Length", str(len(found)))
            self.end_headers()
            self.wfile.write(found)

        do_GET = do_POST = _pass

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing: a login would be in it."""

    return Passing
