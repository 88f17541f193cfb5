"""One admin client for all sources of a cluster: fifty jobs that are looked at together need no fifty logins.

The consumer is not shared: it is the one that asks for a group's positions, and it has one group.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from typing import Any

from confluent_kafka.admin import AdminClient

from airflow_kafka_bq.kafka.close import leave_to_parent

_KEPT_ERRORS = 5


class SharedAdmins:
    """Admin clients by their settings, for the sources of one process. Safe for several threads.

    A source that closes leaves them to the others.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._clients: dict[Any, AdminClient] = {}
        self._listeners: dict[Any, list[Callable[[Any], None]]] = {}
        self._told: dict[Any, list[Any]] = {}
        self._process_id = os.getpid()
        self.built = 0

    def of(
        self, settings: Mapping[str, Any], build: Callable[[Callable[[Any], None]], AdminClient],
        on_error: Callable[[Any], None],
    ) -> AdminClient:  # fmt: skip
        """The client for these settings.

        :param build: makes it, given its error callback. :param on_error: is told of every error of this client, also
            of those before: a login that was refused once is refused, and the client does not say so twice at once.
        """
        key = (os.getpid(), *sorted((name, _identity(value)) for name, value in settings.items()))
        with self._lock:
            listeners = self._listeners.setdefault(key, [])
            if on_error not in listeners:
                listeners.append(on_error)
                for error in self._told.get(key, ()):
                    on_error(error)
            if key not in self._clients:
                self._told[key] = []
                self._clients[key] = build(lambda error: self._tell(key, error))
                self._process_id = os.getpid()
                self.built += 1
            return self._clients[key]

    def retire(self, admin: AdminClient) -> None:
        """Forget a client that owes an answer; those who wait for it keep it until it comes."""
        with self._lock:
            for key in [key for key, one in self._clients.items() if one is admin]:
                del self._clients[key]

    def leave(self, on_error: Callable[[Any], None]) -> None:
        """A source that closes hears no more."""
        with self._lock:
            for listeners in self._listeners.values():
                if on_error in listeners:
                    listeners.remove(on_error)

    def close(self) -> None:
        """Let the clients go."""
        with self._lock:
            if self._process_id != os.getpid():
                leave_to_parent(*self._clients.values())
            self._clients = {}

    def _tell(self, key: Any, error: Any) -> None:
        """Without the lock: the client calls this from whichever thread polls it."""
        told = self._told[key]
        told.append(error)
        del told[:-_KEPT_ERRORS]
        for listener in list(self._listeners[key]):
            listener(error)


def _identity(value: Any) -> Any:
    """A callable equals itself alone; what else a setting holds is text."""
    return id(value) if callable(value) else str(value)
