"""Batches of dead letters: bounded in every way, and told exactly."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_kafka_bq.batch import LETTER_SCHEMA, LetterPlace
from airflow_kafka_bq.config.letters import LetterSelection
from airflow_kafka_bq.exceptions import StopRequested
from airflow_kafka_bq.pipeline import letters as station
from airflow_kafka_bq.pipeline.letters import LetterDrain, ranges_of
from airflow_kafka_bq.ports import Warehouse
from tests.pipeline.world import World

DAY_MS = 24 * 3600 * 1000


class Shelf:
    """A warehouse with these letters, which notes how many it was asked for."""

    def __init__(self, letters: list[dict[str, Any]], piece: int = 3) -> None:
        self.letters, self.piece, self.asked = letters, piece, list[int]()

    def read(self, _target: Any, _topic: str, _wanted: Any, after: LetterPlace | None, most: int, _max: Any) -> Any:
        self.asked.append(most)
        behind = [one for one in self.letters if after is None or _place(one) > after][:most]
        starts = range(0, len(behind), self.piece)
        return iter([pa.Table.from_pylist(behind[at : at + self.piece], LETTER_SCHEMA) for at in starts])


def _place(one: dict[str, Any]) -> LetterPlace:
    return LetterPlace(one["timestamp_ms"], one["partition"], one["offset"])


def _letters(count: int, **other: Any) -> list[dict[str, Any]]:
    return [{"partition": 0, "offset": at, "timestamp_ms": at, "value": b"v" * 10, **other} for at in range(count)]


def _drain(shelf: Shelf, wanted: LetterSelection | None = None, **settings: Any) -> LetterDrain:
    world = World(1)
    config = world.config(**settings)
    warehouse = cast(Warehouse, type("Reader", (), {"letters": staticmethod(shelf.read)}))
    return LetterDrain(
        warehouse, world.target(config), config, wanted or LetterSelection(), clock=world.clock.monotonic
    )


def _sizes(drain: LetterDrain) -> list[int]:
    return [batch.messages.num_rows for batch in _all(drain)]


def _all(drain: LetterDrain) -> Iterator[Any]:
    while (batch := drain.next_batch()) is not None:
        yield batch


@given(st.integers(0, 30), st.integers(1, 12), st.integers(1, 7))
def test_every_letter_comes_once_and_in_order(count: int, batch: int, piece: int) -> None:
    drain = _drain(Shelf(_letters(count), piece), batch_messages=batch)
    batches = list(_all(drain))
    assert [at for one in batches for at in one.messages.column("offset").to_pylist()] == list(range(count))
    assert all(one.messages.num_rows <= batch for one in batches)
    assert not drain.limited


def test_bytes_close_a_batch() -> None:
    assert _sizes(_drain(Shelf(_letters(10)), batch_bytes=25)) == [3, 3, 3, 1]


def test_no_batch_has_more_ranges_than_a_statement_can_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(station, "MAX_LETTERS", 4)
    assert _sizes(_drain(Shelf(_letters(9)))) == [4, 4, 1]


def test_no_batch_touches_too_many_days(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(station, "MAX_PARTITIONS", 2)
    letters = [{**one, "timestamp_ms": one["offset"] // 2 * DAY_MS} for one in _letters(10)]
    assert _sizes(_drain(Shelf(letters, piece=10))) == [4, 4, 2]


@pytest.mark.parametrize(
    ("wanted", "settings", "sizes"),
    [
        ({"limit": 5}, {}, [5]),
        ({"limit": 5}, {"batch_messages": 2}, [2, 2, 1]),
        ({}, {"max_messages": 4, "batch_messages": 3}, [3, 1]),
        ({}, {"max_bytes": 35, "batch_messages": 2}, [2, 2]),
    ],
)
def test_bounds_of_the_run_end_it(wanted: Any, settings: dict[str, Any], sizes: list[int]) -> None:
    drain = _drain(Shelf(_letters(20)), LetterSelection.of(**wanted), **settings)
    assert _sizes(drain) == sizes
    assert drain.limited


def test_a_query_never_asks_for_more_than_is_left() -> None:
    shelf = Shelf(_letters(20))
    list(_all(_drain(shelf, LetterSelection(limit=7), batch_messages=3)))
    assert shelf.asked == [3, 3, 1]


def test_a_stop_is_seen_between_batches() -> None:
    drain = _drain(Shelf(_letters(5)), batch_messages=2)
    assert drain.next_batch() is not None
    drain.stopped = lambda: True
    with pytest.raises(StopRequested):
        drain.next_batch()


@given(st.sets(st.tuples(st.integers(0, 2), st.integers(0, 12))))
def test_ranges_hold_the_messages_and_no_others(places: set[tuple[int, int]]) -> None:
    rows = [{"partition": partition, "offset": offset} for partition, offset in places]
    ranges = ranges_of(pa.Table.from_pylist(rows, LETTER_SCHEMA))
    told = [(one.partition, offset) for one in ranges for offset in range(one.start_offset, one.end_offset)]
    assert told == sorted(places)


def test_one_offset_of_two_lives_of_a_topic_is_one_range() -> None:
    rows = [{"partition": 0, "offset": 3, "timestamp_ms": 1}, {"partition": 0, "offset": 3, "timestamp_ms": 2}]
    assert [(one.start_offset, one.end_offset) for one in ranges_of(pa.Table.from_pylist(rows, LETTER_SCHEMA))] == [
        (3, 4)
    ]


def test_time_bounds_a_run_too() -> None:
    drain = _drain(Shelf(_letters(9)), batch_messages=2, max_seconds=5)
    assert drain.next_batch() is not None
    drain.clock = lambda: 6.0
    assert (drain.next_batch(), drain.limited) == (None, True)
