"""What reading and marking letters meets in memory; its meaning is in ``tests/contract/copies_contract.py``."""

from __future__ import annotations

from dataclasses import replace

import pytest

from airflow_kafka_bq.exceptions import NotFoundError, WarehouseUnavailableError
from airflow_kafka_bq.testing.memory import MemoryWarehouse
from airflow_kafka_bq.testing.memory.letter_table import LetterTable
from tests.contract.warehouse_world import MemoryWorld
from tests.contract.workbench import TOPIC, Workbench, dead_letter, keep_target


def test_what_is_planted_for_a_call_is_met_there() -> None:
    world = MemoryWorld()
    bench = Workbench(world, keep_target(world))
    bench.apply(dead=(dead_letter(1),))
    warehouse = MemoryWarehouse(world.database)
    assert isinstance(warehouse, LetterTable)
    world.database.fail_next("uncopied", WarehouseUnavailableError("away"))
    with pytest.raises(WarehouseUnavailableError):
        warehouse.uncopied(bench.target, TOPIC)
    assert warehouse.uncopied(bench.target, TOPIC).letters == 1


def test_a_table_that_is_not_there_is_named() -> None:
    world = MemoryWorld()
    target = replace(keep_target(world), companion_dataset=world.dataset)
    with pytest.raises(NotFoundError, match="__dead_letters"):
        world.warehouse().uncopied(target, TOPIC)
