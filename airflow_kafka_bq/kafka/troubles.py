"""What only the clients' error callback tells: logins and certificates refused, connections lost."""

from __future__ import annotations

import copy
import logging
import threading

from confluent_kafka import KafkaError

from airflow_kafka_bq.exceptions import AccessDeniedError, ConfigError, IngestError, KafkaUnavailableError
from airflow_kafka_bq.kafka import errors
from airflow_kafka_bq.kafka.errors import Sort
from airflow_kafka_bq.kafka.settings import Settings, brokers, redacted

_log = logging.getLogger(__name__)

# TLS also fails when a broker goes down in the middle of a handshake; only these do not pass by themselves.
_TLS_REFUSALS = (
    "certificate",
    "unknown ca",
    "verify",
    "version number",
    "protocol version",
    "cipher",
    "alert",
    "key values",
)
_TOKEN_FAILED = "acquire SASL OAUTHBEARER token"  # noqa: S105  # the client's words when a token callback fails
_TOO_LARGE = "receive.message.max.bytes"
_HINTS = {
    "plaintext": "the broker may want TLS or a login: see security.protocol",
    "sasl_plaintext": "the broker may not speak SASL on this port, or want TLS: see security.protocol",
    "ssl": "the broker may not speak TLS on this port, or want a login: see security.protocol",
    "sasl_ssl": "the broker may not speak TLS or SASL on this port: see security.protocol",
}


class Troubles:
    """Collects errors of all clients of one source; safe for several threads.

    :param settings: the user's; their secrets are cut out of what is kept.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._refusal: IngestError | None = None
        self._latest: str | None = None
        self._login: str | None = None

    def record(self, error: KafkaError) -> None:
        """The clients' ``error_cb``."""
        said = "no broker can be reached" if error.code() == errors.ALL_BROKERS_DOWN else error.str()
        text = redacted(f"{said} ({error.name()})", self._settings)
        refusal = self._as_refusal(error, text)
        with self._lock:
            self._refusal = self._refusal or refusal
            # That no broker can be reached says less than the reason that came before it.
            if self._latest is None or error.code() != errors.ALL_BROKERS_DOWN:
                self._latest = text
            if _TOKEN_FAILED in text:
                self._login = text
        _log.debug("Kafka client: %s", text)  # it writes a line of its own

    def raise_refusal(self) -> None:
        """:raises AccessDeniedError, ConfigError: waiting would not help."""
        with self._lock:
            if self._refusal is not None:
                raise copy.copy(self._refusal)  # each caller adds where it was

    def latest(self) -> str | None:
        """What a client complained about last, since the last sign of life."""
        with self._lock:
            return self._latest

    def clear(self) -> None:
        """Messages flow."""
        with self._lock:
            self._latest = self._login = None

    def out_of_time(self, doing: str, seconds: float, reason: str | None = None) -> IngestError:
        """The error for a request without an answer, with what the callbacks told meanwhile."""
        with self._lock:
            told, login = self._latest or reason, self._login
        told = redacted(told, self._settings) if told else "no answer"
        text = f"{doing}: {told}, within {seconds:g} s from Kafka at {brokers(self._settings)}"
        if login:
            return AccessDeniedError(f"{doing}: {login}", remedy="look at the token callback and its credentials")
        protocol = str(self._settings.get("security.protocol", "plaintext")).lower()
        return KafkaUnavailableError(
            text, remedy=f"is the cluster up and reachable from here? {_HINTS.get(protocol, '')}"
        )

    def _as_refusal(self, error: KafkaError, text: str) -> IngestError | None:
        if _TOO_LARGE in text:
            return ConfigError(
                f"a message is larger than the Kafka setting {_TOO_LARGE} allows: {text}",
                remedy=f"raise {_TOO_LARGE}, and fetch.max.bytes with it",
            )
        lower = text.lower()
        if error.code() == errors.TLS and not any(word in lower for word in _TLS_REFUSALS):
            return None
        if _TOKEN_FAILED in text or errors.sort(error) is not Sort.DENIED:
            return None
        return AccessDeniedError(
            f"Kafka at {brokers(self._settings)} refused the connection: {text}",
            remedy="look at security.protocol, sasl.*, ssl.* and, for ACLs, at the broker's permissions",
        )
