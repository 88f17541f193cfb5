"""Rows are tried while their messages are at hand; another run may take the staging table away meanwhile."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_kafka_bq.exceptions import WarehouseUnavailableError
from tests.pipeline.world import World

RUN: dict[str, Any] = {"merge_per": "run", "batch_messages": 4}


@pytest.mark.parametrize("messages", [3, 9])
def test_a_twin_that_was_faster_leaves_nothing_to_do(messages: int) -> None:
    world = World(1)
    world.fill(messages)
    calls: list[str] = []

    def hook(name: str, phase: str) -> None:
        if (name, phase) == ("probe", "before") and not calls:
            calls.append(name)
            world.run(**RUN)

    report = world.run(hook, **RUN)
    assert report.outcome == "end"
    assert (world.offsets().total(), len(world.history())) == (messages, 1)
    assert world.positions() == world.committed() == {0: messages}


def test_staging_that_somebody_dropped_is_named_and_the_next_run_makes_it_again() -> None:
    world = World(1)
    world.fill(9)

    def hook(name: str, phase: str) -> None:
        if (name, phase) == ("probe", "before"):
            for table in world.staging():
                world.database.drop_table(world.target(world.config()).staging(table.rpartition("__stg_")[2]))

    with pytest.raises(WarehouseUnavailableError, match="are gone"):
        world.run(hook, **RUN)
    assert world.offsets().total() == 0
    world.run(**RUN)
    assert world.offsets().total() == 9
