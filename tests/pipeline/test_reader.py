"""Which batch is read, staged and merged while which other one is: ``ahead_by_one``."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable, Generator
from contextlib import closing
from typing import Any, cast

import pytest

from airflow_kafka_bq.batch import RawBatch
from airflow_kafka_bq.pipeline import reader
from airflow_kafka_bq.pipeline.consume import Drain
from airflow_kafka_bq.pipeline.held import Places
from airflow_kafka_bq.pipeline.reader import Prepared, Reader
from airflow_kafka_bq.pipeline.slices import plan_slices, stage_slice
from airflow_kafka_bq.pipeline.stopping import Stop
from tests.pipeline.world import World

_SECONDS = 20.0


class _Numbers:
    """A reader of three batches that are numbers, and what became of each, in order."""

    def __init__(self, hold: Callable[[str], object] = len) -> None:
        self.said: list[str] = []
        self.closed = False
        self._hold = hold
        self._changed = threading.Condition()

    def say(self, what: str) -> None:
        with self._changed:
            self.said.append(what)
            self._changed.notify_all()
        self._hold(what)

    def heard(self, what: str, seconds: float = _SECONDS) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: what in self.said, seconds)

    def batches(self) -> Generator[int, None, None]:
        try:
            for number in (1, 2, 3):
                self.say(f"read {number}")
                yield number
        finally:
            self.closed = True

    def prepared(self, number: int) -> int:
        self.say(f"stage {number}")
        return number


def _ahead(numbers: _Numbers, stop: Stop | None = None) -> Generator[Prepared, None, None]:
    return reader.ahead_by_one(cast("Reader", numbers), stop or Stop())


def test_all_come_in_their_order() -> None:
    numbers = _Numbers()
    assert list(cast("Any", _ahead(numbers))) == [1, 2, 3]
    assert [said for said in numbers.said if said.startswith("stage")] == ["stage 1", "stage 2", "stage 3"]
    assert numbers.closed


def test_the_next_is_read_while_one_is_staged() -> None:
    def hold(said: str) -> None:
        if said == "stage 1":
            seen.append(numbers.heard("read 2"))

    seen: list[bool] = []
    numbers = _Numbers(hold)
    list(_ahead(numbers))
    assert seen == [True]


def test_the_next_is_staged_while_one_is_merged() -> None:
    numbers = _Numbers()
    with closing(_ahead(numbers)) as batches:
        next(batches)
        assert numbers.heard("stage 2")


def test_a_third_waits_until_the_first_is_merged() -> None:
    """Three in memory would be more than the settings of a batch allow."""
    numbers = _Numbers()
    with closing(_ahead(numbers)) as batches:
        next(batches)
        assert numbers.heard("stage 2")
        assert not numbers.heard("read 3", 0.2)
        next(batches)
        assert numbers.heard("read 3")


@pytest.mark.parametrize("step", ["read 2", "stage 2"])
def test_what_is_read_and_fails_to_be_staged_comes_behind_what_was_staged(step: str) -> None:
    def hold(said: str) -> None:
        if said == step:
            raise ValueError(said)

    numbers = _Numbers(hold)
    batches = _ahead(numbers)
    assert cast("Any", next(batches)) == 1
    with pytest.raises(ValueError, match=step):
        next(batches)
    assert "stage 3" not in numbers.said
    assert numbers.closed


def test_a_caller_that_fails_halts_the_reader_and_nothing_is_left() -> None:
    def hold(said: str) -> None:
        if said == "read 2":  # a poll that would go on for long
            while not stop.event.is_set() and time.monotonic() < end:
                time.sleep(0.01)

    stop, end = Stop(), time.monotonic() + _SECONDS
    numbers = _Numbers(hold)
    batches = _ahead(numbers, stop)
    next(batches)
    assert numbers.heard("read 2")
    batches.close()
    assert time.monotonic() < end, "the reader was not halted"
    assert numbers.closed
    assert not stop.event.is_set(), "a halt of one pass would end the run"
    assert "stage 3" not in numbers.said
    assert not [one for one in threading.enumerate() if one.name.startswith(("kafka-bq-reader", "kafka-bq-stager"))]


@pytest.fixture
def alive(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many batches of before were in memory, each time that one was begun."""
    batches: list[weakref.ref[Any]] = []
    found: list[int] = []
    next_batch = Drain.next_batch

    def counted(drain: Drain) -> RawBatch | None:
        found.append(sum(one() is not None for one in batches))
        raw = next_batch(drain)
        if raw is not None:
            batches.append(weakref.ref(raw.messages))
        return raw

    monkeypatch.setattr(Drain, "next_batch", counted)
    return found


@pytest.mark.parametrize("merge_per", ["batch", "run"])
def test_a_run_drops_a_batch_before_it_begins_the_one_behind_the_next(alive: list[int], merge_per: str) -> None:
    world = World()
    world.fill(40, 0)
    world.run(batch_messages=4, merge_per=merge_per)
    assert len(alive) == 11
    assert max(alive) == 1, alive


def test_a_slice_does_so_too(alive: list[int]) -> None:
    world = World()
    world.fill(40, 0)
    (document,) = plan_slices(world.job(None, batch_messages=4), 1)
    stage_slice(world.job(None, batch_messages=4), document)
    assert len(alive) == 11
    assert max(alive) == 1, alive


def test_what_held_its_batches_is_given_up_at_the_end_of_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[Places] = []
    close = Places.close

    def counted(places: Places) -> None:
        given.append(places)
        close(places)

    monkeypatch.setattr(Places, "close", counted)
    world = World()
    world.fill(12, 0)
    world.run(batch_messages=4)
    assert len(given) == 1
