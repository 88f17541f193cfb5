"""The client's own log lines, among ours: without secrets, and not the same line a hundred times a second."""

from __future__ import annotations

import logging
import re
import threading
import time
from typing import Any

from airflow_kafka_bq.kafka.settings import Settings, redacted

REPEAT_SECONDS = 30.0

# A client of a cluster that is down says the same for each attempt to connect, but for the time that it took.
_VARYING = re.compile(r"\(after \d+ms.*|\d+")


class ClientLog(logging.LoggerAdapter[logging.Logger]):
    """What the setting ``logger`` takes.

    :param settings: the user's; with ``debug`` the client prints some of their secrets.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__(logging.getLogger("airflow_kafka_bq.kafka.librdkafka"))
        self._settings = settings
        self._lock = threading.Lock()
        self._written: dict[str, float] = {}

    def log(self, level: int, msg: object, *args: object, **kwargs: Any) -> None:
        """The one method that the client calls."""
        text = redacted(str(msg) % args if args else str(msg), self._settings)
        if self._is_new(text):
            self.logger.log(level, "%s", text, **kwargs)

    def _is_new(self, text: str) -> bool:
        kind, now = _VARYING.sub("", text), time.monotonic()
        with self._lock:
            if now - self._written.get(kind, -REPEAT_SECONDS) < REPEAT_SECONDS:
                return False
            self._written[kind] = now
            return True
