"""When the message at an offset was written, by admin requests alone: nothing is fetched.

A broker answers "the first message with this timestamp or a later one". The answers never go back as the time goes on,
so the timestamp at an offset is found by halving: some ten to thirty requests, each for all partitions at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from confluent_kafka.admin import OffsetSpec  # type: ignore[attr-defined]  # documented, but not in __all__

from airflow_kafka_bq.kafka import offsets
from airflow_kafka_bq.kafka.requests import Requests

_SPEC: Any = OffsetSpec  # its methods carry no types
_ROUNDS = 80
_NONE = -1


@dataclass(slots=True)
class _Search:
    """One partition: the answer lies behind ``low_ms``, and not behind ``high_ms``."""

    offset: int
    low_ms: int = _NONE
    low_offset: int = 0
    high_ms: int | None = None
    high_offset: int | None = None
    found_ms: int | None = None
    over: bool = False
    rounds: int = 0

    def ask_ms(self) -> int:
        """Where the line between the two bounds says it is; every other time the middle, should they be uneven."""
        assert self.high_ms is not None  # noqa: S101  # known from the second request on
        self.rounds += 1
        share = 0.5
        if self.rounds % 2 and self.high_offset is not None:
            share = (self.offset - self.low_offset) / max(1, self.high_offset - self.low_offset)
        guess = self.low_ms + int((self.high_ms - self.low_ms) * share)
        return min(max(guess, self.low_ms + 1), self.high_ms - 1)

    def begin(self, offset: int, at_ms: int) -> None:
        """The answer for the beginning of time. None: no message has a timestamp, or the cluster keeps no index."""
        self.over = offset == _NONE or offset >= self.offset
        if offset >= self.offset:
            self.found_ms = at_ms
        elif offset != _NONE:
            self.low_ms, self.low_offset = at_ms, offset

    def bound(self, offset: int, at_ms: int) -> None:
        """The greatest timestamp, and where it is; the message may lie behind it, with a lesser one."""
        if offset >= self.offset:
            self._high(at_ms, offset, at_ms)
        else:
            self.high_ms = at_ms + 1
        self._judge()

    def learn(self, asked_ms: int, offset: int, at_ms: int) -> None:
        """The answer for a time between the bounds."""
        if offset == _NONE:
            self.high_ms = asked_ms
        elif offset >= self.offset:
            self._high(asked_ms, offset, at_ms)
        else:
            self.low_ms, self.low_offset = max(asked_ms, at_ms), offset
        self._judge()

    def _high(self, asked_ms: int, offset: int, at_ms: int) -> None:
        self.high_ms, self.high_offset = asked_ms, offset
        if offset == self.offset:
            self.found_ms, self.over = at_ms, True

    def _judge(self) -> None:
        assert self.high_ms is not None  # noqa: S101
        if not self.over and (self.high_ms - self.low_ms <= 1 or self.rounds >= _ROUNDS):
            # No answer is this very message: an earlier one has its timestamp, and in an ordered log the same.
            self.found_ms, self.over = self.low_ms, True


def times_at(requests: Requests, topic: str, wanted: Mapping[int, int]) -> dict[int, int]:
    """Timestamp in ms of the message at each offset, or of the next one; partitions without any are left out.

    Where an earlier message has the same timestamp or a later one, it is the greatest of those before.
    """
    searches = {part: _Search(offset) for part, offset in wanted.items()}
    for part, answer in offsets.answers(requests, topic, dict.fromkeys(searches, _SPEC.for_timestamp(0))).items():
        searches[part].begin(*answer)
    left = {part: one for part, one in searches.items() if not one.over}
    for part, answer in offsets.answers(requests, topic, dict.fromkeys(left, _SPEC.max_timestamp())).items():
        left[part].bound(*answer)
    while left := {part: one for part, one in left.items() if not one.over}:
        asked = {part: one.ask_ms() for part, one in left.items()}
        specs = {part: _SPEC.for_timestamp(at_ms) for part, at_ms in asked.items()}
        for part, answer in offsets.answers(requests, topic, specs).items():
            left[part].learn(asked[part], *answer)
    return {part: one.found_ms for part, one in searches.items() if one.found_ms is not None}
