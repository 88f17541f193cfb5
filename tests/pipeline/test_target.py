"""Target: tables come into being, and the first start of every partition is written before anything is read."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, create_model

from airflow_kafka_bq import Column as Mark
from airflow_kafka_bq.config import IntegerRange, Layout, Partitioning
from airflow_kafka_bq.exceptions import SchemaDriftError
from airflow_kafka_bq.pipeline.plan import look, plan
from airflow_kafka_bq.pipeline.target import Ready, fit, ready
from airflow_kafka_bq.schema.columns import Column
from airflow_kafka_bq.schema.target import TableFacts
from tests.pipeline.world import KEEP, TABLE, Order, World


def made_ready(world: World, **settings: Any) -> Ready:
    job = world.job(**settings)
    seen = look(job.config, job.source, job.warehouse, job.target)
    planned = plan(job.config, job.source, job.target, seen)
    return ready(job.config, job.warehouse, job.target, seen, planned, job.context)


def names(world: World) -> set[str]:
    return {name.removeprefix(str(TABLE)) for name in world.database.table_names()}


def test_the_first_run_makes_four_tables_and_the_row() -> None:
    world = World(2)
    world.fill(3, 0)
    found = made_ready(world, start="latest")
    assert (found.revision, found.moved) == (0, False)
    assert names(world) == {"", "__ledger", "__batches", "__dead_letters"}
    row = world.ledger()
    assert (world.positions(), row.revision, row.topic_id) == ({0: 3, 1: 0}, 0, world.topic_id)
    assert row.target_created_at is not None
    assert row.updated_by == "tests"


def test_without_a_ledger_there_is_none() -> None:
    world = World(1)
    assert made_ready(world, fence="none").revision is None
    assert names(world) == {"", "__dead_letters"}


def test_a_window_writes_a_row_without_positions_and_a_live_run_completes_it() -> None:
    world = World(1)
    world.fill(3)
    assert made_ready(world, window={"from": {0: 0}, "to": {0: 1}}).revision == 0
    assert world.positions() == {}
    assert made_ready(world).revision == 1
    assert world.positions() == {0: 0}


def test_doing_it_again_changes_nothing() -> None:
    world = World(1)
    made_ready(world)
    before = {name: world.database.rows(name) for name in world.database.table_names()}
    assert made_ready(world) == replace(made_ready(world), moved=False)
    assert {name: world.database.rows(name) for name in world.database.table_names()} == before


def test_columns_are_added_to_a_table_of_others_and_its_rows_stay() -> None:
    world = World(1)
    world.database.create_table(TABLE, [Column("id", "STRING"), Column("theirs", "INT64")], [{"id": "a", "theirs": 5}])
    made_ready(world, **KEEP, start="earliest")
    (row,) = world.rows()
    assert (row["id"], row["theirs"], row["n"], row["_kafka_offset"]) == ("a", 5, None, None)


def test_a_column_of_another_type_is_drift_and_nothing_is_made() -> None:
    world = World(1)
    world.database.create_table(TABLE, [Column("id", "INT64")])
    with pytest.raises(SchemaDriftError, match="id") as caught:
        made_ready(world, **KEEP)
    assert caught.value.topic == "shop.orders"
    assert names(world) == {""}


def test_a_required_column_is_relaxed_where_that_is_allowed() -> None:
    world = World(1)
    columns = [replace(one, mode="REQUIRED") if one.name == "updated" else one
               for one in world.job(**KEEP).target.columns]  # fmt: skip
    world.database.create_table(TABLE, columns)
    with pytest.raises(SchemaDriftError, match="updated"):
        made_ready(world, **KEEP)
    made_ready(world, **KEEP, schema_update="add_relax")
    facts = world.warehouse().table(TABLE)
    assert facts is not None
    assert (facts.column("updated") or columns[0]).mode == "NULLABLE"


class WideOrder(BaseModel):
    id: str
    n: Annotated[int, Mark(type="NUMERIC")]


def test_a_column_is_widened_where_that_is_allowed_and_drift_names_the_first_message() -> None:
    world = World(2)
    world.fill(3, 1)
    made_ready(world, **KEEP)
    job = {"model": WideOrder, "dedup_key": ["id"]}
    with pytest.raises(SchemaDriftError, match="column n is INT64 and the job has NUMERIC") as caught:
        made_ready(world, **job)
    assert (caught.value.partition, caught.value.offset) == (1, 0)
    made_ready(world, **job, schema_update="add_relax_widen")
    facts = world.warehouse().table(TABLE)
    assert [one.type for one in facts.columns if one.name == "n"] == ["NUMERIC"]  # type: ignore[union-attr]  # it is there
    made_ready(world, **KEEP)  # the narrower job still fits


@pytest.mark.parametrize("kind", [int, str])
def test_two_that_alter_the_table_at_once_both_find_it_as_it_is(kind: Any) -> None:
    """Each adds a column of its own between the other's look and its own DDL; of one name only one type wins."""
    world = World(1)
    made_ready(world, **KEEP)
    mine, theirs = "extra", "other" if kind is int else "extra"
    more: Any = {mine: (int | None, None)}
    rival: Any = {theirs: (kind | None, None)}

    def hook(name: str, phase: str) -> None:
        if (name, phase) == ("add_columns", "before"):
            world.database.on_effect = lambda _name, _phase: None
            made_ready(world, model=create_model("Order", __base__=Order, **rival), dedup_key=["id"])

    world.database.on_effect = hook
    job = {"model": create_model("Order", __base__=Order, **more), "dedup_key": ["id"]}
    if kind is str:
        with pytest.raises(SchemaDriftError, match="column extra is STRING and the job has INT64"):
            made_ready(world, **job)
        return
    made_ready(world, **job)
    facts = world.warehouse().table(TABLE)
    assert facts is not None
    assert {"extra", "other"} <= {one.name for one in facts.columns}


def test_a_table_that_vanishes_behind_its_creation_is_named() -> None:
    world = World(1)

    def hook(name: str, phase: str) -> None:
        if (name, phase) == ("create", "after"):
            world.database.drop_table(TABLE)

    world.database.on_effect = hook
    with pytest.raises(SchemaDriftError, match="is not there after it was created"):
        made_ready(world)


def facts(partitioning: Layout | None, *cluster_by: str) -> TableFacts:
    return TableFacts((Column("id", "STRING"),), "2026-01-01T00:00:00.000Z", 0, partitioning, cluster_by=cluster_by)


def test_an_existing_table_decides_what_prunes() -> None:
    target = World(1).job().target
    same = fit(target, facts(target.partitioning, "_kafka_offset"))
    assert (same.partitioning, same.cluster_by, same.immutable) == (target.partitioning, ("_kafka_offset",), True)
    none = fit(target, facts(None))
    assert (none.partitioning, none.cluster_by, none.immutable) == (None, (), False)
    unknown = fit(target, facts(Partitioning("theirs")))
    assert unknown.partitioning is None


def test_a_partition_column_that_the_coordinates_do_not_decide_may_not_prune() -> None:
    """``_ingested_at`` of the row that is there is older than that of the same message read again."""
    target = World(1).job().target
    fitted = fit(target, facts(Partitioning("_ingested_at")))
    assert fitted.partitioning == Partitioning("_ingested_at")
    assert fitted.immutable is False
    business = replace(target, by_coordinates=False, immutable=True)
    assert fit(business, facts(Partitioning("_ingested_at"))).immutable is True  # the user has said so


def test_no_promise_holds_of_the_time_of_writing() -> None:
    target = replace(World(1).job().target, by_coordinates=False, immutable=True)
    written = fit(target, facts(Partitioning("_PARTITIONTIME", "hour")))
    assert (written.partitioning, written.immutable) == (Partitioning("_PARTITIONTIME", "hour"), False)
    ranges = IntegerRange("_kafka_offset", 0, 10, 1)
    assert (fit(target, facts(ranges)).partitioning, fit(target, facts(ranges)).immutable) == (ranges, True)
