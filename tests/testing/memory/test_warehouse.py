"""What only the Warehouse in memory can be asked."""

from __future__ import annotations

from dataclasses import replace

import pytest

from airflow_kafka_bq.batch import Failure
from airflow_kafka_bq.exceptions import NotFoundError
from airflow_kafka_bq.schema.columns import Column
from tests.contract.warehouse_world import MemoryWorld
from tests.contract.workbench import Workbench, keep_target, row


def test_a_target_may_expire(world: MemoryWorld) -> None:
    target = replace(keep_target(world), options={"expiration_hours": 2, "require_partition_filter": True})
    warehouse = world.warehouse()
    warehouse.create(target)
    facts = warehouse.table(target.table)
    assert facts is not None
    assert facts.require_partition_filter
    world.clock.advance(2 * 3600)
    assert warehouse.table(target.table) is None


def test_a_column_that_the_table_lacks_fails_the_merge(bench: Workbench) -> None:
    wider = replace(bench.target, columns=(*bench.target.columns, Column("more", "STRING")))
    spec = bench.spec(bench.stage(row("a", 0)))
    assert bench.merge(replace(spec, target=wider)).failure is Failure.BAD_ROWS
    assert bench.rows() == []


def test_without_a_history_there_is_no_answer(world: MemoryWorld, bench: Workbench) -> None:
    world.drop(bench.target.history)
    with pytest.raises(NotFoundError):
        bench.warehouse.applied(bench.target, "batch", 1)


def test_the_project_is_known(world: MemoryWorld) -> None:
    assert world.warehouse().project == "demo"
