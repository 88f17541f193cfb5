"""A group's lag, from Kafka alone: for who waits for messages and needs neither ledger nor table.

The committed offsets follow the ledger, so they tell what is unread; a commit that got no answer makes it look more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from airflow_kafka_bq.batch import Position
from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.operations.lag import age, unread_from
from airflow_kafka_bq.operations.peek import moment
from airflow_kafka_bq.ports import Source


@dataclass(frozen=True, slots=True)
class Threshold:
    """When it is time: so many messages, or one that is so old; either is enough.

    :raises ConfigError: neither is given, or one is not positive.
    """

    lag: int | None = None
    age_seconds: float | None = None

    def __post_init__(self) -> None:
        given = {"min_lag": self.lag, "min_age_seconds": self.age_seconds}
        if all(value is None for value in given.values()):
            raise ConfigError("a lag is waited for, and neither min_lag nor min_age_seconds says which")
        for name, value in given.items():
            if value is not None and (isinstance(value, bool | str) or value <= 0):
                raise ConfigError(f"{name}: must be a number above 0 (given: {value!r})")

    def is_reached(self, measured: Measured) -> bool:
        """Whether there is enough to read, or something too old. Nothing unread is never enough."""
        by_count = self.lag is not None and measured.lag >= self.lag
        by_age = self.age_seconds is not None and (measured.oldest_unread_seconds or 0.0) >= self.age_seconds
        return measured.lag > 0 and (by_count or by_age)


@dataclass(frozen=True, slots=True)
class Measured:
    """What is unread, and was not told of before.

    :param lag: messages at most. :param oldest_unread_seconds: None: nothing is unread, or no times are known.
    :param ends: of the partitions; the watermark of what is told now.
    """

    lag: int
    oldest_unread_seconds: float | None
    ends: Mapping[int, int]


def measure(source: Source, now: datetime, told: Mapping[int, int], *, times: bool) -> Measured:
    """Look once. Three to five admin requests for all partitions, and up to thirty where times are asked for.

    :param told: ends that somebody was told of already: what lies before them does not count again.
    :param times: whether the age matters.
    """
    source.describe()  # partitions may have been added since
    committed, bounds = source.committed(), source.bounds()
    # Of a topic that was created again, what was told of before says nothing.
    known = {part: end for part, end in told.items() if part in bounds and end <= bounds[part].high_watermark}
    positions = {
        part: Position(max(committed[part].position.next_offset if part in committed else 0, known.get(part, 0)))
        for part in bounds
    }
    starts = unread_from(bounds, positions)
    found = source.times_at(starts) if times else {}
    ages = [one for one in (age(moment(at), now) for at in found.values()) if one is not None]
    lag = sum(bounds[part].last_stable - at for part, at in starts.items())
    return Measured(lag, max(ages, default=None), {part: one.last_stable for part, one in bounds.items()})
