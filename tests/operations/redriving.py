"""Topics with dead letters among good messages, and redrives of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import field_validator

from airflow_kafka_bq.config.letters import LetterSelection
from airflow_kafka_bq.operations.redrive import redrive
from airflow_kafka_bq.pipeline.report import RunReport
from tests.pipeline.world import Order, World

ALL = LetterSelection()
STRICT: Mapping[str, Any] = {"model": Order, "max_bad_ratio": None}


class Mended(Order):
    """Takes words for numbers."""

    @field_validator("n", mode="before")
    @classmethod
    def _number(cls, value: Any) -> Any:
        return {"one": 1, "two": 2}.get(value, value)


NOW: Mapping[str, Any] = {"model": Mended}


def broken(*words: str, world: World | None = None) -> World:
    """A topic with these among good messages, read once."""
    world = world or World(1)
    for word in words:
        world.fill(1)
        world.send({"id": word, "n": word}, key=word)
    world.run(**STRICT)
    return world


def redriven(world: World, wanted: LetterSelection = ALL, **settings: Any) -> RunReport:
    """Of the job as it is now."""
    return redrive(world.job(**{**NOW, **settings}), wanted)


def state(world: World) -> dict[str, tuple[str, bool]]:
    """By key: why a letter failed last, and whether it was redriven."""
    return {row["_kafka_key"].decode(): (row["stage"], row["redriven_at"] is not None) for row in world.letters()}
