"""Where the client fetches: it moves over control records and aborted messages, of which no message tells."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

_PER_STALL_TIMEOUT = 6  # so many looks before a stall may be called one
_SHORTEST_SECONDS, _LONGEST_SECONDS = 0.1, 5.0


def interval_ms(stall_timeout_seconds: float) -> int:
    """``statistics.interval.ms``: often enough to see movement several times within the stall timeout."""
    seconds = min(max(stall_timeout_seconds / _PER_STALL_TIMEOUT, _SHORTEST_SECONDS), _LONGEST_SECONDS)
    return math.ceil(seconds * 1000)


class FetchPositions:
    """Next offset to fetch per partition of one topic, from the consumer's statistics."""

    def __init__(self, topic: str) -> None:
        self._topic = topic
        self._positions: dict[int, int] = {}

    def record(self, statistics: str) -> None:
        """The consumer's ``stats_cb``."""
        partitions = json.loads(statistics).get("topics", {}).get(self._topic, {}).get("partitions", {})
        for each in partitions.values():
            if each["partition"] >= 0 and each["next_offset"] >= 0:  # -1 is the client's own, for the unassigned
                self._positions[each["partition"]] = each["next_offset"]

    def of(self, partitions: Mapping[int, object]) -> dict[int, int]:
        """As last told, of these partitions."""
        return {partition: self._positions[partition] for partition in partitions if partition in self._positions}

    def clear(self) -> None:
        """The assignment changed."""
        self._positions.clear()
