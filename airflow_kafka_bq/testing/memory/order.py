"""What "newer" means: version columns first (NULL lowest), then Kafka's order.

In one Kafka partition the greater offset is later; across partitions the later timestamp, then the greater partition
number, then the topic's name. Written from the rule, not from the SQL, so that each can show the other wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

from airflow_kafka_bq.testing.memory.tables import Row

COORDINATES = ("_kafka_topic", "_kafka_partition", "_kafka_offset", "_kafka_timestamp")
_PARTITION = itemgetter("_kafka_partition")
_OFFSET = itemgetter("_kafka_offset")
_ACROSS = itemgetter("_kafka_timestamp", "_kafka_partition", "_kafka_topic")
_LOG = itemgetter("_kafka_topic", "_kafka_partition")


def version_of(row: Row, names: Sequence[str]) -> tuple[tuple[bool, Any], ...]:
    """Sortable values of the version columns."""
    return tuple((row[name] is not None, row[name]) for name in names)


def is_later(one: Row, other: Row) -> bool:
    """Whether ``one`` lies behind ``other`` in Kafka. A row without coordinates is older than any message."""
    if other["_kafka_offset"] is None:
        return True
    if _LOG(one) == _LOG(other):
        return bool(_OFFSET(one) > _OFFSET(other))
    return bool(_ACROSS(one) > _ACROSS(other))


def is_newer(one: Row, other: Row, version: Sequence[str]) -> bool:
    """Whether ``one`` replaces ``other``: strictly, so that a replay changes nothing."""
    ours, theirs = version_of(one, version), version_of(other, version)
    return ours > theirs if ours != theirs else is_later(one, other)


def newest(rows: Iterable[Row], version: Sequence[str]) -> Row:
    """The winner of one key in a batch: of each partition by (version, offset), then across partitions."""
    firsts = [max(part, key=lambda row: (version_of(row, version), _OFFSET(row))) for part in _by_partition(rows)]
    return max(firsts, key=lambda row: (version_of(row, version), _ACROSS(row)))


def oldest(rows: Iterable[Row]) -> Row:
    """The row of one key that came first: of each partition the smallest offset, then the smallest timestamp."""
    return min((min(part, key=_OFFSET) for part in _by_partition(rows)), key=_ACROSS)


def _by_partition(rows: Iterable[Row]) -> list[list[Row]]:
    return [list(part) for _, part in groupby(sorted(rows, key=_PARTITION), key=_PARTITION)]
