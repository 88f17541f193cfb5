"""Where service accounts get their access tokens, on this machine; it may revoke, fall silent about why, or fail."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

TOKEN = "ya29.c4n4ry-of-a-token"


class TokenServer:
    """A running server. ``answer`` is what it says: an HTTP status, 200 for a token."""

    def __init__(self, server: ThreadingHTTPServer) -> None:
        self.url = f"http://127.0.0.1:{server.server_address[1]}/token"
        self.status = 200
        self.asked: list[str] = []
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    @property
    def pem(self) -> str:
        """The service account's private key."""
        return self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    def key_file(self) -> dict[str, str]:
        """What Google gives people to download."""
        return {
            "type": "service_account",
            "project_id": "demo",
            "private_key_id": "1",
            "private_key": self.pem,
            "client_email": "loader@demo.iam.gserviceaccount.com",
            "token_uri": self.url,
        }

    def secrets(self) -> list[str]:
        """What may be in no output: the token, pieces of the key, and the signed requests for tokens."""
        lines = [line for line in self.pem.splitlines() if not line.startswith("-")]
        return [TOKEN, *lines[1:4], *(one.rsplit(".", 1)[1] for one in self.asked)]

    def answer(self, assertion: str) -> tuple[int, dict[str, Any]]:
        """As Google's, with more of the secrets in its errors than that would ever say."""
        self.asked.append(assertion)
        if self.status == 200:
            return 200, {"access_token": TOKEN, "expires_in": 3600, "token_type": "Bearer"}
        told = f"Token {TOKEN} has been revoked; assertion {assertion}"
        return self.status, {"error": "invalid_grant", "error_description": told}


@contextmanager
def token_server() -> Iterator[TokenServer]:
    """A server, for a while."""

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
            status, body = found.answer(form["assertion"][0])
            payload = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Door) as server:
        found = TokenServer(server)
        threading.Thread(target=server.serve_forever, name="token-server", daemon=True).start()
        yield found
        server.shutdown()
