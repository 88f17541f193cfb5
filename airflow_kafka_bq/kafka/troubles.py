"""What only the clients' error callback tells: logins and certificates refused, connections lost."""

from __future__ import annotations

import copy
import logging
import re
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
_TOKEN_REMEDY = "look at the token callback and its credentials"  # noqa: S105
_OF_THE_CLIENT = re.compile(r"\(_\w+\)$|^no answer$")  # its own errors have names with an underscore in front
_TOO_LARGE = "receive.message.max.bytes"
_HINTS = {
    "plaintext": "the broker may want TLS or a login: see security.protocol",
    "sasl_plaintext": "the broker may not speak SASL on this port, or want TLS: see security.protocol",
    "ssl": "the broker may not speak TLS on this port, or want a login: see security.protocol",
    "sasl_ssl": "the broker may not speak TLS or SASL on this port: see security.protocol",
}


class Troubles:
    """Collects errors of the clients of one source; safe for several threads.

    :param settings: the user's; their secrets are cut out of what is kept.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._refusal: IngestError | None = None
        self._fetching: str | None = None
        self._asking: str | None = None
        self._token: str | None = None  # why there was none: the refusal that follows from it does not say so

    def record_fetching(self, error: KafkaError) -> None:
        """``error_cb`` of the consumer."""
        text = self._checked(error)
        with self._lock:
            self._fetching = _later(self._fetching, text, error)

    def record_asking(self, error: KafkaError) -> None:
        """``error_cb`` of the admin client."""
        text = self._checked(error)
        with self._lock:
            self._asking = _later(self._asking, text, error)

    def raise_refusal(self) -> None:
        """:raises AccessDeniedError, ConfigError: waiting would not help."""
        with self._lock:
            if self._refusal is not None:
                raise copy.copy(self._refusal)  # each caller adds where it was

    def latest(self) -> str | None:
        """What the consumer complained about last, since the last message."""
        with self._lock:
            return self._fetching

    def messages_flow(self) -> None:
        """Whatever the consumer complained about is over."""
        with self._lock:
            self._fetching = None

    def answers_come(self) -> None:
        """Whatever the admin client complained about is over."""
        with self._lock:
            self._asking = None

    def out_of_time(self, doing: str, seconds: float, reason: str | None = None) -> IngestError:
        """The error for a request without an answer, with what the callbacks told meanwhile."""
        with self._lock:
            told = self._asking or self._fetching
        said = redacted(reason or "no answer", self._settings)
        if told is None or not _OF_THE_CLIENT.search(said):  # what a broker answered says more than a lost connection
            told = said if told is None else f"{told}; {said}"
        if _TOKEN_FAILED in told:
            return AccessDeniedError(f"{doing}: {told}", remedy=_TOKEN_REMEDY)
        protocol = str(self._settings.get("security.protocol", "plaintext")).lower()
        return KafkaUnavailableError(
            f"{doing}: {told}, within {seconds:g} s from Kafka at {brokers(self._settings)}",
            remedy=f"is the cluster up and reachable from here? {_HINTS.get(protocol, '')}".strip(),
        )

    def _checked(self, error: KafkaError) -> str:
        said = "no broker can be reached" if error.code() == errors.ALL_BROKERS_DOWN else error.str()
        text = redacted(f"{said} ({error.name()})", self._settings)
        refusal = self._as_refusal(error, text)
        with self._lock:
            self._token = text if _TOKEN_FAILED in text else self._token
            self._refusal = self._refusal or refusal
        _log.debug("Kafka client: %s", text)  # the client writes a line of its own
        return text

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
        before = f"; before that: {self._token}" if self._token else ""
        remedy = "look at security.protocol, sasl.*, ssl.* and, for ACLs, at the broker's permissions"
        return AccessDeniedError(
            f"Kafka at {brokers(self._settings)} refused the connection: {text}{before}",
            remedy=_TOKEN_REMEDY if self._token else remedy,
        )


def _later(before: str | None, text: str, error: KafkaError) -> str:
    """That no broker can be reached says less than the reason that came before it."""
    return before if before is not None and error.code() == errors.ALL_BROKERS_DOWN else text
