"""``plan``, ``lag`` and ``schema`` look, and change nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_kafka_bq import assembly
from airflow_kafka_bq.cli.session import Session
from tests.cli.commands import Command
from tests.pipeline.world import GROUP, World

PLAN = {
    "topic", "table", "group_id", "kind", "revision", "lag", "partitions", "gaps", "would_create", "would_alter",
    "merge", "estimated_bytes", "unchecked",
}  # fmt: skip


def everything(world: World) -> Any:
    tables = {name: world.database.rows(name) for name in world.database.table_names()}
    return tables, world.committed(), list(world.database.jobs.by_id)


def test_a_plan_of_the_first_run(kafka_bq: Command, world: World, job: str) -> None:
    world.fill(5, 0)
    done = kafka_bq("plan", job, "--json")
    found = done.json()
    assert (done.code, set(found)) == (0, PLAN)
    assert (found["lag"], found["kind"], found["revision"], found["estimated_bytes"]) == (5, "live", None, 0)
    assert found["partitions"]["0"] == {
        "start": 0, "end": 5, "lag": 5, "committed": None, "log_start": 0, "high_watermark": 5,
    }  # fmt: skip
    table = "demo.analytics.orders"
    assert found["would_create"] == [table, *(f"{table}__{one}" for one in ("dead_letters", "ledger", "batches"))]
    assert found["merge"].startswith("MERGE `demo`.`analytics`.`orders`")
    assert "`_kafka_offset` BETWEEN 0 AND 4" in found["merge"]


def test_people_see_the_plan_with_the_merge_to_copy(kafka_bq: Command, world: World, job: str) -> None:
    world.fill(5, 0)
    out = kafka_bq("plan", job).out
    assert "lag: 5 messages; group kafka-bq.shop.orders.demo.analytics.orders; no ledger row yet\n" in out
    assert "would create: demo.analytics.orders__ledger\n" in out
    assert kafka_bq("plan", job, "--json").json()["merge"] in out
    assert "None" not in out


def test_a_plan_with_nothing_to_read_shows_no_merge(kafka_bq: Command, world: World, job: str) -> None:
    """Without bounds it would look as if the next run read the whole table."""
    world.fill(3)
    world.run()
    out = kafka_bq("plan", job).out
    assert "nothing to read: no MERGE would run" in out
    assert "revision 1" in out
    assert "WHEN NOT MATCHED" not in out
    assert kafka_bq("plan", job, "--json").json()["estimated_bytes"] == 0


def _gap(world: World) -> None:
    world.run()
    world.fill(5)
    world.cluster.delete_records("shop.orders", 0, 3)


def _filled(world: World) -> None:
    world.fill(5)


def _run(world: World) -> None:
    world.fill(5)
    world.run()
    world.fill(2, 1)


def _behind(world: World) -> None:
    world.fill(5)
    world.run()
    world.commit({0: 1})  # a run repairs it; a plan must not


@pytest.mark.parametrize("prepare", [lambda _: None, _filled, _run, _behind, _gap])
@pytest.mark.parametrize("command", ["plan", "lag", "schema"])
def test_looking_changes_nothing(
    kafka_bq: Command, world: World, job: str, command: str, prepare: Callable[[World], None]
) -> None:
    """No table, no row, no job, no commit: not even of what a run would repair."""
    prepare(world)
    before = everything(world)
    for options in ((), ("--json",), ("--set", "on_gap=record"), ("--set", "window={from: {0: 0}, to: {0: 2}}")):
        kafka_bq(command, job, *options)
    assert everything(world) == before


def test_a_plan_fails_as_the_run_would(kafka_bq: Command, world: World, job: str) -> None:
    _gap(world)
    for command in ("plan", "run"):
        failure = kafka_bq(command, job, "--json").failure()
        assert (failure["error"], failure["partition"], failure["offset"]) == ("OffsetGapError", 0, 0)
    out = kafka_bq("plan", job, "--set", "on_gap=record").out
    assert "lost: partition 0, offsets 0 to 2\n" in out


def test_a_plan_shows_columns_that_would_be_added(kafka_bq: Command, world: World, job: str, tmp_path: Path) -> None:
    world.run()
    (tmp_path / "shop_planned.py").write_text("import pydantic\nclass Order(pydantic.BaseModel):\n    id: str\n")
    found = kafka_bq("plan", job, "--json", "--set", "model=shop_planned:Order").json()
    assert found["would_create"] == []
    (statement,) = found["would_alter"]
    assert statement.startswith("ALTER TABLE `demo`.`analytics`.`orders`")
    assert f"would alter: {statement}\n" in kafka_bq("plan", job, "--set", "model=shop_planned:Order").out


def test_open_transactions_are_named(kafka_bq: Command, world: World, job: str) -> None:
    world.fill(2)
    world.cluster.transaction().produce("shop.orders", b"{}", partition=0)
    for command in ("plan", "lag"):
        assert "partition 0: 1 offset behind the end, in open transactions" in kafka_bq(command, job).out


def test_schema_is_ddl_to_copy(kafka_bq: Command, world: World, job: str) -> None:
    out = kafka_bq("schema", job).out
    assert out.startswith("CREATE TABLE IF NOT EXISTS `demo`.`analytics`.`orders` (\n")
    found = kafka_bq("schema", job, "--json").json()
    assert found == {
        "table": "demo.analytics.orders", "ddl": out.removesuffix("\n"), "differs": False,
        "lines": [out.removesuffix("\n")],
    }  # fmt: skip
    assert world.cluster.groups.committed(GROUP, "shop.orders") == {}


def test_the_difference_names_what_a_run_would_do_and_refuse(
    kafka_bq: Command, world: World, job: str, tmp_path: Path
) -> None:
    world.run()
    model = "import pydantic\nclass Order(pydantic.BaseModel):\n    id: str\n    payload: int\n"
    (tmp_path / "shop_differs.py").write_text(model)
    done = kafka_bq("schema", job, "--diff", "--json", "--set", "model=shop_differs:Order")
    found = done.json()
    assert (done.code, found["differs"], found["exists"]) == (1, True, True)
    assert [text for text in found["alter"] if "ADD COLUMN" in text and "`id`" in text]
    assert [text for text in found["drift"] if "payload" in text]
    people = kafka_bq("schema", job, "--diff", "--set", "model=shop_differs:Order")
    assert people.code == 1
    assert "refused: " in people.out
    assert kafka_bq("schema", job, "--diff").out == "no difference\n"


@pytest.mark.parametrize(
    ("command", "seconds"),
    [
        (("lag",), 60), (("doctor",), 20), (("plan",), 60), (("seek", "--to", "earliest", "--dry-run"), 60),
        (("audit",), 600), (("repair", "--dry-run"), 600), (("run",), 600),
    ],
    ids=lambda one: one[0] if isinstance(one, tuple) else None,
)  # fmt: skip
def test_who_waits_for_a_look_is_not_left_for_ten_minutes(
    kafka_bq: Command, world: World, job: str, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...], seconds: float
) -> None:
    """While BigQuery does not answer: a run is left alone for hours, and may wait."""
    world.fill(2)
    kafka_bq("run", job)
    waited: list[float] = []
    made: Any = vars(assembly)["BigQueryWarehouse"]

    def noted(*given: Any) -> Any:
        waited.append(given[3])
        return made(*given)

    monkeypatch.setattr(assembly, "BigQueryWarehouse", noted)
    assert kafka_bq(command[0], job, *command[1:]).code in (0, 1)
    assert waited == [seconds]


@pytest.mark.parametrize(
    "command",
    [
        ("lag",), ("doctor",), ("audit",), ("repair",), ("redrive", "--dry-run"), ("seek", "--to", "earliest"),
        ("migrate-group", "--from-group", "old"),
    ],
    ids=lambda one: one[0],
)  # fmt: skip
def test_a_terminal_shows_what_is_under_way(
    kafka_bq: Command, world: World, job: str, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    """A run has a bar instead."""
    world.fill(2)
    monkeypatch.chdir(Path(job).parent)
    if command[0] != "migrate-group":
        kafka_bq("run", job)
    shown: list[str] = []
    monkeypatch.setattr(Session, "progress", lambda _, doing: shown.append(doing))
    kafka_bq(command[0], job, *command[1:])
    assert shown
