"""Too little memory: an error that names the settings, and nothing but whole batches applied."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pytest

from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.pipeline.memory import rare_collections
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
