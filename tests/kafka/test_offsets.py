"""Which questions are asked, in which order, and what their answers mean; no cluster is needed for that."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from confluent_kafka import IsolationLevel
from confluent_kafka.admin import OffsetSpec  # type: ignore[attr-defined]  # documented, but not in __all__

from airflow_kafka_bq.batch import Bounds, Position
from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.kafka.offsets import bounds, offsets_at, placed
from airflow_kafka_bq.kafka.requests import LONGEST_SECONDS, Requests

UNCOMMITTED, COMMITTED = IsolationLevel.READ_UNCOMMITTED, IsolationLevel.READ_COMMITTED
EARLIEST, LATEST = -2, -1
NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)
NOON_MS = 1_704_110_400_000
Asked = tuple[int, Any]  # OffsetSpec's number, isolation level


class Cluster:
    """Answers each question from a table: (what is asked, isolation level) to offsets by partition."""

    def __init__(self, answers: dict[Asked, dict[int, int]]) -> None:
        self.answers = answers
        self.asked: list[Asked] = []
        self.timeouts: set[float] = set()

    def admin(self, _doing: str, send: Callable[[Any], Any]) -> list[Any]:
        return list(send(self))

    def list_offsets(self, wanted: dict[Any, OffsetSpec], *, isolation_level: Any, request_timeout: float) -> Any:
        (spec,) = {each._value for each in wanted.values()}  # the client's own number
        self.asked.append((spec, isolation_level))
        self.timeouts.add(request_timeout)
        told = self.answers[spec, isolation_level]
        return {part: SimpleNamespace(offset=told[part.partition]) for part in wanted}


def cluster(**answers: Any) -> Any:
    ends = {
        (EARLIEST, UNCOMMITTED): {0: 5, 1: 0},
        (LATEST, COMMITTED): {0: 8, 1: 0},
        (LATEST, UNCOMMITTED): {0: 9, 1: 3},
    }
    return Cluster(ends | answers.get("more", {}))


def asking(found: Any) -> Requests:
    return cast(Requests, found)


def test_a_position_in_the_clients_words() -> None:
    at = placed("t", 3, Position(7, 2), "note")
    assert (at.topic, at.partition, at.offset, at.metadata, at.leader_epoch) == ("t", 3, 7, "note", 2)
    assert placed("t", 3, Position(7)).leader_epoch is None


def test_none_of_the_three_bounds_is_ahead_of_the_next() -> None:
    """Asked for the other way round, a log that grows meanwhile would show a start beyond its end."""
    found = cluster()
    assert bounds(asking(found), "t", (0, 1), "read_committed") == {0: Bounds(5, 8, 9), 1: Bounds(0, 0, 3)}
    assert found.asked == [(EARLIEST, UNCOMMITTED), (LATEST, COMMITTED), (LATEST, UNCOMMITTED)]
    assert found.timeouts == {LONGEST_SECONDS}


def test_who_reads_everything_has_the_high_watermark_as_end() -> None:
    found = cluster()
    assert bounds(asking(found), "t", (0,), "read_uncommitted") == {0: Bounds(5, 9, 9)}
    assert found.asked == [(EARLIEST, UNCOMMITTED), (LATEST, UNCOMMITTED)]


def test_no_partitions_are_no_question() -> None:
    found = cluster()
    assert bounds(asking(found), "t", (), "read_committed") == {}
    assert found.asked == []


def test_a_time_is_the_first_offset_at_or_after_it() -> None:
    found = cluster(more={(NOON_MS, COMMITTED): {0: 6, 1: -1}})
    assert offsets_at(asking(found), "t", (0, 1), "read_committed", NOON) == {0: 6, 1: 0}


def test_an_offset_that_readers_cannot_reach_yet_is_their_end() -> None:
    found = cluster(more={(NOON_MS, COMMITTED): {0: 9}})
    assert offsets_at(asking(found), "t", (0,), "read_committed", NOON) == {0: 8}


@pytest.mark.parametrize(
    ("time", "asked"),
    [
        (NOON + timedelta(microseconds=1), NOON_MS + 1),
        (NOON + timedelta(microseconds=999), NOON_MS + 1),
        (datetime(1969, 1, 1, tzinfo=UTC), 0),
    ],
)
def test_a_message_before_the_time_in_its_millisecond_does_not_count(time: datetime, asked: int) -> None:
    found = cluster(more={(asked, COMMITTED): {0: 7}})
    assert offsets_at(asking(found), "t", (0,), "read_committed", time) == {0: 7}
    assert found.asked[0] == (asked, COMMITTED)


def test_a_time_after_the_last_message_is_the_end() -> None:
    found = cluster(more={(NOON_MS, COMMITTED): {0: -1}, (0, COMMITTED): {0: 5}})
    assert offsets_at(asking(found), "t", (0,), "read_committed", NOON) == {0: 8}


def test_a_cluster_that_finds_nothing_by_time_is_told_from_one_that_has_nothing_later() -> None:
    found = cluster(more={(NOON_MS, COMMITTED): {0: -1}, (0, COMMITTED): {0: -1}})
    with pytest.raises(ConfigError, match="does not find offsets by time in topic 't'"):
        offsets_at(asking(found), "t", (0,), "read_committed", NOON)


def test_an_empty_topic_proves_nothing_about_the_cluster() -> None:
    found = cluster(more={(NOON_MS, COMMITTED): {1: -1}})
    assert offsets_at(asking(found), "t", (1,), "read_committed", NOON) == {1: 0}
