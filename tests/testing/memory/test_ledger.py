"""The ledger's rows as its table has them."""

from __future__ import annotations

from airflow_kafka_bq.testing.memory import ledger
from tests.contract.warehouse_world import MemoryWorld
from tests.contract.workbench import PIPELINE, Workbench, dead_letter, row


def test_companion_tables_have_the_columns_of_their_rows(world: MemoryWorld, bench: Workbench) -> None:
    bench.apply(row("a", 0), dead=(dead_letter(1),))
    target = bench.target
    for table, columns in (
        (target.ledger, ledger.LEDGER),
        (target.history, ledger.HISTORY),
        (target.dead_letters, ledger.DEAD_LETTERS),
    ):
        facts = bench.warehouse.table(table)
        assert facts is not None
        assert facts.columns == columns
        names = {column.name for column in columns}
        assert {frozenset(one) for one in world.rows(table)} == {frozenset(names)}


def test_positions_are_stored_in_order(world: MemoryWorld, bench: Workbench) -> None:
    bench.apply(row("a", 0))
    (found,) = [one for one in world.rows(bench.target.ledger) if one["pipeline"] == PIPELINE]
    assert found["positions"] == [
        {"partition": 0, "next_offset": 100, "leader_epoch": 3},
        {"partition": 1, "next_offset": 0, "leader_epoch": None},
    ]
