from __future__ import annotations

from airflow_kafka_bq.batch import Absence, Absent
from airflow_kafka_bq.testing.memory.comparing import absent
from tests.contract.warehouse_world import MemoryWorld
from tests.contract.workbench import START, Workbench, keep_target, row


def test_what_was_looked_at_is_rolled_back() -> None:
    world = MemoryWorld()
    bench = Workbench(world, keep_target(world))
    bench.apply(row("a", 0))
    spec = bench.spec(bench.stage(row("b", 1)), None)
    before = world.rows(bench.target.table)
    found = absent(world.database.tables.begin(), spec, 10, None, START)
    assert found == Absence(1, 0, (Absent({"id": "b"}, 0, 1, missing=True),))
    assert world.rows(bench.target.table) == before
    assert bench.apply(row("b", 1)).inserted == 1, "no table is held"
