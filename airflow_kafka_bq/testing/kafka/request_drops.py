"""Connections that break at every n-th request of a type: what a :class:`.TcpProxy` before a Kafka broker looks for."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Mapping
from typing import Literal

from airflow_kafka_bq.testing.kafka.api_keys import ApiKey

_HEADER = struct.Struct(">ih")  # size of what follows, and the request's type: the same in every version
_SIZE_BYTES = 4


class RequestDrops:
    """Breaks the connection on which every n-th request of a type arrives.

    :param every: by request type, as in Kafka's protocol (``Fetch``): at which of them, counted over all connections.
    :param lost: the ``request``, so that the broker never sees it; or its ``answer``, so that the broker has acted.
    """

    def __init__(self, every: Mapping[str | ApiKey, int], lost: Literal["request", "answer"] = "request") -> None:
        self._every = {int(ApiKey.named(name)): number for name, number in every.items()}
        self.lost = lost
        self.seen: Counter[ApiKey] = Counter()
        """How many requests of each of these types came."""
        self.dropped: Counter[ApiKey] = Counter()
        """How many of them were lost."""
        self.active = True

    def connection(self) -> WatchedConnection:
        """A connection that begins."""
        return WatchedConnection(self)

    def strikes(self, api_key: int) -> bool:
        """Count a request; whether it is one to lose."""
        if not self.active or api_key not in self._every:
            return False
        kind = ApiKey(api_key)
        self.seen[kind] += 1
        struck = self.seen[kind] % self._every[api_key] == 0
        self.dropped[kind] += struck
        return struck


class WatchedConnection:
    """Finds the requests in what a client sends."""

    def __init__(self, drops: RequestDrops) -> None:
        self._drops = drops
        self._unread = b""
        self._rest_bytes = 0  # of the request that is under way
        self._loses_answers = False

    def breaks_at_request(self, chunk: bytes) -> bool:
        """Look at bytes from the client; whether the connection breaks before they are passed on."""
        self._unread += chunk
        struck = False
        while self._next():
            size_bytes, api_key = _HEADER.unpack_from(self._unread)
            self._rest_bytes = _SIZE_BYTES + size_bytes
            struck |= self._drops.strikes(api_key)
        self._loses_answers |= struck and self._drops.lost == "answer"
        return struck and self._drops.lost == "request"

    def breaks_at_answer(self) -> bool:
        """Whether the connection breaks before what the broker says now is passed on."""
        return self._loses_answers

    def _next(self) -> bool:
        """Step over the rest of a request; whether the next one can be told."""
        taken = min(self._rest_bytes, len(self._unread))
        self._unread, self._rest_bytes = self._unread[taken:], self._rest_bytes - taken
        return not self._rest_bytes and len(self._unread) >= _HEADER.size
