"""Tokens for Google's Managed Service for Apache Kafka, from credentials that somebody else keeps.

The official provider's callback works once per client: asked again while its credentials are still valid, it has none
to show. librdkafka asks again after four fifths of a token's life, and our two clients ask beside each other.
"""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

_MANAGED = ("managedkafka", "cloud.goog")
_HEADER = {"typ": "JWT", "alg": "GOOG_OAUTH2_TOKEN"}
OAUTH_SETTINGS = {"security.protocol": "SASL_SSL", "sasl.mechanisms": "OAUTHBEARER"}


@dataclass(frozen=True, slots=True)
class AccessToken:
    """What Google's login gave: the token, when it ends (seconds since the epoch), whose it is."""

    token: str = field(repr=False)
    expires_at: float
    principal: str


def is_managed_by_google(bootstrap_servers: str) -> bool:
    """Whether the brokers are those of Google's managed service."""
    return all(part in bootstrap_servers for part in _MANAGED)


def google_token_callback(
    access_token: Callable[[], AccessToken], now: Callable[[], float] = time.time
) -> Callable[[str], tuple[str, float]]:
    """An ``oauth_cb`` for librdkafka; it may be asked at any time, from several threads.

    :param access_token: a valid token each time it is called, refreshed where needed; it may raise.
    """
    lock = threading.Lock()

    def ask(_config: str) -> tuple[str, float]:
        with lock:
            found = access_token()
        claims = {
            "exp": found.expires_at,
            "iat": now(),
            "iss": "Google",
            "scope": "kafka",
            "sub": found.principal,
        }
        parts = (json.dumps(_HEADER), json.dumps(claims), found.token)
        return ".".join(_encoded(part) for part in parts), found.expires_at

    return ask


def _encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
