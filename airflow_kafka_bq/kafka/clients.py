"""The two clients of a source: built when first used, in the process that uses them, closed within a time limit."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any

from confluent_kafka import Consumer, KafkaException
from confluent_kafka.admin import AdminClient

from airflow_kafka_bq.exceptions import AccessDeniedError, ConfigError, IngestError, TerminalError
from airflow_kafka_bq.kafka import errors
from airflow_kafka_bq.kafka.client_log import ClientLog
from airflow_kafka_bq.kafka.close import close_within, leave_to_parent
from airflow_kafka_bq.kafka.progress import FetchPositions, interval_ms
from airflow_kafka_bq.kafka.settings import IsolationLevel, Settings, admin_settings, consumer_settings, redacted
from airflow_kafka_bq.kafka.shared_admins import SharedAdmins
from airflow_kafka_bq.kafka.troubles import Troubles

CLOSE_SECONDS = 5.0


class Clients:
    """Consumer and admin client with the same login.

    The consumer belongs to one thread. The admin client may be asked from any.

    :param on_commit: hears what became of a commit that the consumer did not wait for.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        topic: str,
        group_id: str,
        isolation_level: IsolationLevel,
        client_id: str,
        stall_timeout_seconds: float,
        admins: SharedAdmins | None = None,
        on_commit: Callable[[Any, Any], None] | None = None,
    ) -> None:
        self.troubles = Troubles(settings)
        self.positions = FetchPositions(topic)
        self._settings = settings
        self._for_consumer = consumer_settings(
            settings, group_id=group_id, isolation_level=isolation_level, client_id=client_id
        ) | {"statistics.interval.ms": interval_ms(stall_timeout_seconds), "stats_cb": self.positions.record}
        if on_commit is not None:
            self._for_consumer["on_commit"] = on_commit
        self._for_admin = admin_settings(settings, client_id=client_id)
        self._admins, self._owns_admins = admins or SharedAdmins(), admins is None
        self._lock = threading.Lock()
        self._process_id: int | None = None
        self._consumer: Consumer | None = None
        self._closed = False

    @property
    def consumer(self) -> Consumer:
        """:raises ConfigError: the client refuses a setting. :raises TerminalError: closed, or another process."""
        with self._lock:
            self._check_process()
            if self._consumer is None:
                self._consumer = built(Consumer, self._for_consumer, self._settings, self.troubles.record_fetching)
            return self._consumer

    def new_consumer(self) -> Consumer:
        """A consumer that has not heard of the topic yet, in place of the one that has.

        The client compares a position's leader epoch with the log when it learns who leads the partition. Where it
        knows that already when the partition is assigned, it does not: it would read on in a log that was cut off.
        """
        with self._lock:
            self._check_process()
            old, self._consumer = self._consumer, None
        if old is not None:
            close_within(old.close, "the Kafka consumer", CLOSE_SECONDS)
        return self.consumer

    @property
    def admin(self) -> AdminClient:
        """As :attr:`consumer`."""
        with self._lock:
            self._check_process()
            return self._admins.of(self._for_admin, self._built_admin, self.troubles.record_asking)

    def _built_admin(self, on_error: Callable[[Any], None]) -> Any:
        return built(AdminClient, self._for_admin, self._settings, on_error)

    def retire(self, admin: AdminClient) -> None:
        """Forget an admin client that has a request without an answer; the next request gets a new one."""
        self._admins.retire(admin)

    def close(self) -> None:
        """Never raises; a second call does nothing."""
        with self._lock:
            consumer, self._consumer = self._consumer, None
            self._closed = True
        self._admins.leave(self.troubles.record_asking)
        if self._owns_admins:
            self._admins.close()
        if self._process_id not in (None, os.getpid()):
            leave_to_parent(consumer)
        elif consumer is not None:
            close_within(consumer.close, "the Kafka consumer", CLOSE_SECONDS)

    def _check_process(self) -> None:
        if self._closed:
            raise TerminalError("this Kafka source is closed")
        self._process_id = self._process_id or os.getpid()
        if self._process_id != os.getpid():
            raise TerminalError(
                f"this Kafka source was first used in process {self._process_id}; its clients do not survive a fork",
                remedy="build a source of its own in each process",
            )


def built(
    client: Callable[[dict[str, Any]], Any], settings: dict[str, Any], given: Settings, on_error: Callable[[Any], None]
) -> Any:
    """A client, with callbacks of ours before the user's.

    :param settings: of this kind of client. :param given: the user's, whose secrets are kept out of errors and logs.
    :raises ConfigError: the client refuses a setting. :raises IngestError: the user's callback gives no token.
    """
    callbacks = {"error_cb": _both(on_error, given.get("error_cb"))}
    failures: list[Exception] = []
    if callable(ask := given.get("oauth_cb")):
        callbacks["oauth_cb"] = _remembering(failures, ask)
    logger = {"logger": given.get("logger") or ClientLog(given)}
    try:
        return client(settings | callbacks | logger)
    except (KafkaException, TypeError, ValueError) as error:
        if failures:  # a producer waits for a token, and says only that none came
            raise _without_token(failures[-1]) from None
        said = errors.kafka_error(error).str() if isinstance(error, KafkaException) else str(error)
        text = redacted(said, given)
        raise ConfigError(f"the Kafka client refuses a setting: {text}") from None  # the cause may hold a secret
    except SystemError:
        if not failures:
            raise
        raise _without_token(failures[-1]) from None  # its text may hold a secret


def _both(ours: Callable[[Any], None], theirs: Callable[[Any], None] | None) -> Callable[[Any], None]:
    def call(error: Any) -> None:
        ours(error)
        if theirs is not None:
            theirs(error)

    return call


def _remembering(failures: list[Exception], ask: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A token callback that raises makes the client's constructor fail with a SystemError that does not say why."""

    def call(config: Any) -> Any:
        try:
            return ask(config)
        except Exception as failure:
            failures[:] = [failure]
            raise

    return call


def _without_token(failure: Exception) -> IngestError:
    if isinstance(failure, IngestError):
        return failure
    return AccessDeniedError(
        f"no token for Kafka: oauth_cb raised {type(failure).__name__}",
        remedy="look at the token callback and its credentials",
    )
