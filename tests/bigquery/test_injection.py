"""Names and values that look like SQL change nothing, and come back as they were."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from airflow_kafka_bq.batch import LedgerRow, Position, RunContext
from airflow_kafka_bq.config.values import TableId
from airflow_kafka_bq.schema.columns import Column
from tests.bigquery.targets import keep
from tests.bigquery.test_sql import CORPUS
from tests.contract.warehouse_world import LocalWorld
from tests.contract.workbench import PIPELINE, Workbench, dead_letter, row

EVIL = "'; DROP TABLE `demo`.`x`; -- \\' \"`\n\r\t\x00 /* ключ 🔑 \u2028" + "x" * 300
FIELDS = (Column("id", "STRING", description=EVIL), Column("j", "JSON"), Column("select", "STRING"))


def bench_of(world: LocalWorld, table: str = "orders", **other: Any) -> Workbench:
    target = keep(*FIELDS, cluster_by=("id",), partitioning=None)
    return Workbench(world, replace(target, table=TableId(world.project, world.dataset, table), **other))


def message(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in row(None, 0).items() if name.startswith("_")} | fields


def test_values_round_trip(world: LocalWorld) -> None:
    bench = bench_of(world, "orders-2_b")
    values = [value for value in [*CORPUS, EVIL] if "\x00" not in value]
    rows = [
        message(id=value, select=value, j=json.dumps({value: value}), _kafka_offset=number)
        for number, value in enumerate(values)
    ]
    bench.apply(*rows)
    found = {one["id"]: one for one in world.rows(bench.target.table)}
    assert {key: (one["select"], one["j"]) for key, one in found.items()} == {one: (one, {one: one}) for one in values}


def test_values_as_literal_bounds_find_their_rows(world: LocalWorld) -> None:
    bench = bench_of(world)
    values = [value for value in [*CORPUS, EVIL] if "\x00" not in value]
    rows = [message(id=value, _kafka_offset=number) for number, value in enumerate(values)]
    bench.apply(*rows)
    from airflow_kafka_bq.pipeline.bounds import of_rows

    (found,) = of_rows(bench.table(rows), bench.target)
    low, high = found.ranges[0] if found.ranges else (min(values), max(values))
    for bound in (replace(found, ranges=((low, high),), values=()), replace(found, ranges=(), values=tuple(values))):
        assert bench.apply(*rows, bounds=(bound,)).inserted == 0


def test_who_runs_it_is_kept_as_it_is(world: LocalWorld) -> None:
    bench = bench_of(world)
    evil = EVIL.replace("\x00", "")
    pipeline = f"cluster/{evil}"
    bench.warehouse.register(bench.target, LedgerRow(pipeline, evil, evil, evil, evil, 0, None, None, {}, None, evil))
    staged = replace(bench.stage(message(id="a"), dead=(dead_letter(7),)), batch_id=evil, load_job_ids=(evil, "x"))
    context = RunContext(evil, evil, evil, 1, evil)
    spec = bench.spec(staged, pipeline=pipeline, topic=evil, context=context, positions={0: Position(1)})
    assert bench.merge(spec).failure is None
    ledger = bench.warehouse.ledger(bench.target, pipeline)
    assert ledger is not None
    assert (ledger.pipeline, ledger.topic, ledger.topic_id, ledger.group_id) == (pipeline, evil, evil, evil)
    assert (ledger.batch_id, ledger.updated_by, ledger.revision) == (evil, evil, 1)
    (history,) = world.rows(bench.target.history)
    assert {history[name] for name in ("batch_id", "dag_id", "task_id", "run_id")} == {evil}
    assert history["load_job_ids"] == [evil, "x"]
    assert [one["_kafka_topic"] for one in world.rows(bench.target.dead_letters)] == [evil]
    assert bench.warehouse.applied(bench.target, evil, 1)
    assert bench.revision() == 0, f"{PIPELINE} has nothing to do with it"
    assert world.warehouse().place(bench.target, replace(ledger, updated_by="x"))


def test_descriptions_and_labels_of_a_table(world: LocalWorld) -> None:
    evil = EVIL.replace("\x00", "")
    fields = (Column("id", "STRING", description=evil), *FIELDS[1:])
    target = keep(*fields, cluster_by=(), partitioning=None, options={"description": evil}, labels={"team": "sh-op_1"})
    bench = Workbench(world, replace(target, table=TableId(world.project, world.dataset, "described")))
    found = bench.warehouse.table(bench.target.table)
    assert found is not None
    column = found.column("ID")
    assert column is not None
    assert column.description == evil
