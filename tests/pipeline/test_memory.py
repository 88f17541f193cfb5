"""Too little memory: an error that names the settings, and nothing but whole batches applied."""

from __future__ import annotations

import ctypes
import gc
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pytest

from airflow_kafka_bq.config.values import USUAL_BATCH_BYTES
from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.pipeline import pieces, reader
from airflow_kafka_bq.pipeline.memory import rare_collections, small_pages
from airflow_kafka_bq.testing.memory import MemoryWarehouse
from tests.pipeline.world import TOPIC, World


@pytest.mark.fault("K14")
@pytest.mark.parametrize("error", [MemoryError(), pa.ArrowMemoryError("malloc of size 8 failed")])
@pytest.mark.parametrize("nth", [1, 2])
def test_what_needs_less_memory_is_said(error: MemoryError, nth: int, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(1)
    world.fill(4)
    calls = 0
    load = MemoryWarehouse.load

    def scarce(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == nth:
            raise error
        return load(*arguments)

    monkeypatch.setattr(MemoryWarehouse, "load", scarce)
    with pytest.raises(ConfigError, match="memory for batch_messages=2 and batch_bytes=") as raised:
        world.run(batch_messages=2)
    assert raised.value.__cause__ is error
    assert "lower batch_bytes" in (raised.value.remedy or "")
    assert raised.value.topic == TOPIC
    applied = sum(row["messages"] for row in world.history())
    assert (raised.value.report or {})["messages"] == applied
    assert world.run(batch_messages=2).messages == 4 - applied
    assert world.offsets() == {(0, offset): 1 for offset in range(4)}


@pytest.fixture
def own() -> Iterator[tuple[int, int, int]]:
    """What the process has set for its garbage."""
    before = gc.get_threshold()
    gc.set_threshold(701, 11, 12)
    yield gc.get_threshold()
    gc.set_threshold(*before)


def test_garbage_is_sought_seldom_in_a_run_and_as_before_after_it(own: tuple[int, int, int]) -> None:
    world = World(1)
    world.fill(4)
    seen = []
    source = world.source()
    poll = source.poll

    def looked(*arguments: Any) -> Any:
        seen.append(gc.get_threshold())
        return poll(*arguments)

    source.poll = looked  # type: ignore[assignment,method-assign]
    world.run(source=source)
    assert seen
    assert set(seen) == {(50_000, 11, 12)}
    assert gc.get_threshold() == own


def test_runs_that_overlap_leave_what_was_there_before_the_first(own: tuple[int, int, int]) -> None:
    first, second = rare_collections(), rare_collections()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert gc.get_threshold()[0] == 50_000
    second.__exit__(None, None, None)
    assert gc.get_threshold() == own


def test_a_process_that_seeks_no_garbage_is_left_alone(own: tuple[int, int, int]) -> None:
    gc.set_threshold(0, 11, 12)
    with rare_collections():
        assert gc.get_threshold()[0] == 0
    assert gc.get_threshold()[0] == 0
    assert own


def _no_huge_pages() -> bool:
    """What the kernel says of this process: PR_GET_THP_DISABLE."""
    return bool(ctypes.CDLL(None).prctl(42, 0, 0, 0, 0))


@pytest.fixture(params=[False, True], ids=["large", "small"])
def pages(request: pytest.FixtureRequest) -> Iterator[bool]:
    """Whether the process has no huge pages already: PR_SET_THP_DISABLE."""
    if sys.platform != "linux":
        pytest.skip("only Linux has the switch")
    before = _no_huge_pages()
    ctypes.CDLL(None).prctl(41, int(request.param), 0, 0, 0)
    yield request.param
    ctypes.CDLL(None).prctl(41, int(before), 0, 0, 0)


def test_pages_are_small_in_a_run_and_as_before_after_it(pages: bool) -> None:
    world = World(1)
    world.fill(4)
    seen = []
    source = world.source()
    poll = source.poll

    def looked(*arguments: Any) -> Any:
        seen.append(_no_huge_pages())
        return poll(*arguments)

    source.poll = looked  # type: ignore[assignment,method-assign]
    world.run(source=source)
    assert seen
    assert all(seen)
    assert _no_huge_pages() == pages


def test_pages_are_small_until_the_last_of_runs_that_overlap_ends(pages: bool) -> None:
    first, second = small_pages(), small_pages()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert _no_huge_pages()
    second.__exit__(None, None, None)
    assert _no_huge_pages() == pages


def test_a_system_without_the_switch_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(ctypes, "CDLL", None)
    with small_pages():
        pass


def test_what_staging_left_free_is_given_back_after_each_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[int] = []
    monkeypatch.setattr(reader, "given_back", lambda: given.append(1))
    world = World(1)
    world.fill(6)
    assert world.run(batch_messages=2).batches == len(given) == 3


@pytest.mark.parametrize(("size", "sparing"), [("1MiB", True), (USUAL_BATCH_BYTES - 1, True), (None, False)])
def test_a_run_with_small_batches_gives_back_what_is_free_while_it_reads(
    size: Any, sparing: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pieces, "PIECE_MESSAGES", 1)
    given: list[str] = []

    class Pool:
        def release_unused(self) -> None:
            given.append(threading.current_thread().name)

    monkeypatch.setattr("airflow_kafka_bq.pipeline.ahead.pa.default_memory_pool", Pool)
    world = World(1)
    world.fill(9)
    world.run(**({"batch_bytes": size} if size else {}))
    by_parser = [name for name in given if name.startswith("kafka-bq-parser")]
    assert len(by_parser) == (4 if sparing else 0)  # behind every second piece
