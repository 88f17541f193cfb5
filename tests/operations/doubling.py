"""Tables with rows that are there twice."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.pipeline.world import TABLE, TOPIC, World

DAY_MS = 86_400_000
JANUARY_MS = 1_767_225_600_000


def doubled(**settings: Any) -> World:
    """A clean table of four rows, for a test to plant in."""
    world = World(1)
    world.fill(4)
    world.run(**settings)
    return world


def copy(world: World, offset: int, times: int = 1, **other: Any) -> None:
    """A naive appender writes the row of a message again, a second later."""
    (row,) = [one for one in world.rows() if one["_kafka_offset"] == offset][:1]
    again = [{**row, "_ingested_at": row["_ingested_at"] + timedelta(seconds=1 + number)} for number in range(times)]
    world.database.insert(TABLE, [{**one, **other} for one in again])


def other_order(world: World, id: str, *, offset: int, **other: Any) -> None:
    """A row that nobody asked for."""
    like = world.rows()[0]
    new = {**like, "_kafka_topic": TOPIC, "_kafka_offset": offset, **other}
    world.database.insert(TABLE, [{**new, "id": id} if "id" in like else new])
