"""Kill points, planted errors, writers that come between."""

from __future__ import annotations

import pytest

from airflow_kafka_bq.batch import Failure
from airflow_kafka_bq.exceptions import NotFoundError, WarehouseUnavailableError
from airflow_kafka_bq.testing.memory import Killed
from tests.contract.warehouse_world import MemoryWorld
from tests.contract.workbench import Workbench, keep_target, row


def test_a_planted_error_has_no_effect(world: MemoryWorld, bench: Workbench) -> None:
    spec = bench.spec(bench.stage(row("a", 0)))
    world.database.fail_next("merge", WarehouseUnavailableError("no"))
    world.database.fail_next("table", NotFoundError("no"), times=2)
    with pytest.raises(WarehouseUnavailableError):
        bench.merge(spec)
    for _ in range(2):
        with pytest.raises(NotFoundError):
            bench.warehouse.table(bench.target.table)
    assert bench.warehouse.table(bench.target.table) is not None
    world.database.fail_next("drop", WarehouseUnavailableError("no"))
    bench.warehouse.drop(bench.target.table)
    assert bench.warehouse.table(bench.target.table) is not None


def test_a_lost_answer_comes_behind_the_effect(world: MemoryWorld) -> None:
    world.database.lose_answer("create", WarehouseUnavailableError("no answer"))
    with pytest.raises(WarehouseUnavailableError):
        Workbench(world, keep_target(world))
    target = keep_target(world)
    assert world.warehouse().table(target.table) is not None
    Workbench(world, target)  # once


def test_what_is_healed_fails_no_more(world: MemoryWorld, bench: Workbench) -> None:
    world.database.fail_next("table", NotFoundError("no"), times=2)
    world.database.lose_answer("place", WarehouseUnavailableError("no answer"))
    world.database.heal()
    assert bench.warehouse.table(bench.target.table) is not None
    assert bench.warehouse.place(bench.target, bench.ledger_row())


@pytest.mark.parametrize(("phase", "applied"), [("before", False), ("after", True)])
def test_a_kill_falls_before_or_after_the_effect(
    world: MemoryWorld, bench: Workbench, phase: str, applied: bool
) -> None:
    spec = bench.spec(bench.stage(row("a", 0)))

    def kill(name: str, when: str) -> None:
        if (name, when) == ("merge", phase):
            raise Killed

    world.database.on_effect = kill
    with pytest.raises(Killed):
        bench.merge(spec, "merge-1")
    world.database.on_effect = lambda _name, _phase: None
    assert bench.notes() == ({"a": "0/0"} if applied else {})
    assert bench.merge(spec, "merge-1").attached is applied


def test_every_effect_is_told(world: MemoryWorld) -> None:
    told: list[tuple[str, str]] = []
    world.database.on_effect = lambda name, phase: told.append((name, phase))
    bench = Workbench(world, keep_target(world))
    staged = bench.stage(row("a", 0))
    bench.merge(bench.spec(staged), "merge-1")
    bench.merge(bench.spec(staged), "merge-1")  # attaches: no effect
    bench.warehouse.place(bench.target, bench.ledger_row(revision=1))
    bench.warehouse.add_columns(bench.target, ())
    bench.warehouse.relax(bench.target, ())
    bench.warehouse.widen(bench.target, ())
    bench.warehouse.drop(bench.target.staging("s"))
    names = ["create", "create_ledger", "create_dead_letters", "register", "load", "merge", "place"]
    names += ["add_columns", "relax", "widen", "drop"]
    assert told == [(name, phase) for name in names for phase in ("before", "after")]


def test_another_writer_can_come_between(world: MemoryWorld, bench: Workbench) -> None:
    specs = [bench.spec(bench.stage(row("a", offset))) for offset in (1, 2)]
    others: list[object] = []

    def overtake(name: str, phase: str) -> None:
        if (name, phase) == ("merge", "before") and not others:
            others.append(None)
            others.append(world.warehouse().merge("other", specs[1], None))

    world.database.on_effect = overtake
    assert bench.merge(specs[0]).failure is Failure.LEDGER_MOVED
    assert bench.notes() == {"a": "0/2"}
