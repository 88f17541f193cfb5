"""Interleavings with a name: what each rule of the protocol prevents, played out call by call."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from airflow_kafka_bq.exceptions import TransientError
from tests.pipeline.actors import Actor, in_step
from tests.pipeline.world import World

pytestmark = pytest.mark.usefixtures("_in_step")


@pytest.fixture
def _in_step() -> Any:
    with in_step():
        yield


def _all(world: World, *ends: int) -> dict[tuple[int, int], int]:
    assert world.positions() == dict(enumerate(ends))
    return {(part, offset): 1 for part, end in enumerate(ends) for offset in range(end)}


def test_a_writer_that_slept_past_the_expiry_of_its_staging_table_merges_nothing_from_an_empty_one() -> None:
    """Another run of the same batch makes the table anew, under the same name, before it finds that its rows are gone."""
    world = World(1)
    world.fill(3)
    sleeper = Actor(world).until("merge")
    world.clock.advance(timedelta(hours=73).total_seconds())
    waker = Actor(world).until("merge")
    sleeper.finish()
    assert isinstance(sleeper.error, TransientError)
    waker.finish()
    assert world.offsets() == _all(world, 3)
