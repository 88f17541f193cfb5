"""Tables that are there before the first run, and do not fit the job as they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from airflow_kafka_bq.schema.target import Target
from tests.pipeline.world import TABLE, World


def create_before(world: World, job: Mapping[str, Any], chance: int) -> dict[str, Any]:
    """Perhaps one of others, without a column that the job has; or one of an older model, where a text has a length and
    what may be NULL now was REQUIRED. Returns settings with which the job may change it.
    """
    target = world.target(world.config(**job))
    was: dict[str, dict[str, Any]] = {"id": {"max_length": 64}, "updated": {"mode": "REQUIRED"}}
    if chance == 2:
        _create(world, target, [column for column in target.columns if column.name != "updated"])
    if chance != 3:
        return {}
    _create(world, target, [replace(column, **was.get(column.name, {})) for column in target.columns])
    return {"schema_update": "add_relax_widen"}


def _create(world: World, target: Target, columns: list[Any]) -> None:
    world.database.create_table(TABLE, columns, partitioning=target.partitioning, cluster_by=target.cluster_by)
