"""Schema: the table as it would be, and what a run would do to the one that is."""

from __future__ import annotations

from typing import Any

from airflow_kafka_bq.bigquery import ddl
from airflow_kafka_bq.operations.schema import schema_of
from airflow_kafka_bq.schema.columns import Column
from tests.pipeline.world import KEEP, TABLE, World


def difference(world: World, **settings: Any) -> dict[str, Any]:
    return schema_of(world.job(**settings), diff=True)


def test_the_ddl_is_the_one_that_a_run_executes() -> None:
    world = World(1)
    job = world.job(**KEEP)
    found = schema_of(job, diff=False)
    assert found["lines"] == [found["ddl"]] == [ddl.create_target(job.target)]
    assert found["differs"] is False


def test_a_table_that_is_missing_differs() -> None:
    found = difference(World(1))
    assert (found["exists"], found["differs"]) == (False, True)
    assert found["lines"][1] == found["ddl"]


def test_what_a_run_made_does_not_differ() -> None:
    world = World(1)
    for settings in ({}, KEEP):
        world = World(1)
        world.run(**settings)
        assert difference(world, **settings)["lines"] == ["no difference"]
        assert difference(world, **settings)["differs"] is False


def test_a_missing_column_is_added_refused_or_left_by_policy() -> None:
    world = World(1)
    world.run()
    added = difference(world, **KEEP)
    assert added["alter"]
    assert "`id`" in added["alter"][0]
    assert added["drift"] == []
    refused = difference(world, **KEEP, schema_update="none")
    assert (refused["alter"], refused["differs"]) == ([], True)
    assert any("id" in text for text in refused["drift"])
    assert any(line.startswith("refused: ") for line in refused["lines"])


def test_a_column_that_is_too_strict_is_relaxed_or_refused_by_policy() -> None:
    world = World(1)
    job = world.job()
    strict = [Column(one.name, one.type, "REQUIRED", one.fields) if one.name == "payload" else one
              for one in job.target.columns]  # fmt: skip
    world.database.create_table(TABLE, strict)
    relaxed = difference(world, schema_update="add_relax")
    assert relaxed["alter"] == [ddl.relax(job.target, "payload")]
    refused = difference(world)
    assert (refused["alter"], len(refused["drift"])) == ([], 1)


def test_another_layout_is_left_alone_and_said() -> None:
    world = World(1)
    world.database.create_table(TABLE, world.job().target.columns)
    found = difference(world)
    assert (found["alter"], found["drift"], found["differs"]) == ([], [], True)
    assert all(line.startswith("left alone: ") for line in found["lines"])
