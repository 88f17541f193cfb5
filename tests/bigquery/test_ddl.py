from __future__ import annotations

from dataclasses import replace

import pytest

from airflow_kafka_bq.bigquery import ddl
from airflow_kafka_bq.bigquery.fields import column, staged_fields
from airflow_kafka_bq.bigquery.ledger import row_of
from airflow_kafka_bq.exceptions import AccountingError, ConfigError
from airflow_kafka_bq.schema.columns import Column
from airflow_kafka_bq.schema.target import Target
from airflow_kafka_bq.schema.wire import wire_columns, wire_schema
from tests.bigquery.conftest import Opened
from tests.bigquery.targets import PIPELINE, TYPES, keep, payload, update
from tests.contract.warehouse_world import LocalWorld, at_once
from tests.contract.workbench import Workbench, row


def here(world: LocalWorld) -> Target:
    target = keep(*TYPES)
    return replace(target, table=replace(target.table, project=world.project, dataset=world.dataset))


def test_a_table_comes_back_as_it_was_described(world: LocalWorld, opened: Opened) -> None:
    target, warehouse = here(world), opened(20)
    warehouse.create(target)
    warehouse.create(target)
    found = warehouse.table(target.table)
    assert found is not None
    assert found.columns == target.columns
    assert (found.partitioning, found.cluster_by, found.is_table) == (target.partitioning, target.cluster_by, True)


def test_columns_are_added_and_relaxed_by_many_at_once(world: LocalWorld, opened: Opened) -> None:
    target = here(world)
    strict = replace(target, columns=(Column("id", "INT64", "REQUIRED"), *target.columns[1:4], *target.columns[16:]))
    warehouse = opened(20)
    warehouse.create(strict)
    names = ("n", "bn", "lines")
    at_once(*[lambda: warehouse.add_columns(target, names), lambda: warehouse.add_columns(target, names)])
    warehouse.relax(target, ("id",))
    warehouse.relax(target, ("id",))
    found = warehouse.table(target.table)
    assert found is not None
    assert {one.name for one in found.columns} >= {"id", *names}
    assert found.columns[0].mode == "NULLABLE"


def test_companions_are_created_once_and_looked_at_afterwards(world: LocalWorld, opened: Opened) -> None:
    target, first = here(world), opened(20)
    at_once(*[lambda: first.create_ledger(target), lambda: first.create_dead_letters(target)])
    opened(20).create_ledger(target)
    assert [one["pipeline"] for one in world.rows(target.ledger)] == [ddl.SENTINEL]


def test_a_filter_that_the_table_requires_is_there(world: LocalWorld) -> None:
    target = update(soft_delete=True, options={"require_partition_filter": True})
    bench = Workbench(world, replace(target, table=replace(target.table, project=world.project, dataset=world.dataset)))
    message = {name: value for name, value in row(None, 0).items() if name.startswith("_")}
    bench.apply({**message, "order_id": "a"})
    done = bench.apply({**message, "order_id": "a", "_kafka_offset": 1, "_tombstone": True})
    assert done.deleted == 1


@pytest.mark.parametrize("name", ["expiration_hours", "partition_expiration_days"])
def test_an_option_that_is_no_number_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=name):
        ddl.create_target(replace(payload(), options={name: "soon; DROP TABLE x"}))


def test_half_an_hour_is_not_none() -> None:
    assert "INTERVAL 1800 SECOND" in ddl.create_target(replace(payload(), options={"expiration_hours": "0.5"}))


def test_a_long_description_is_cut() -> None:
    assert f"'{'x' * 1024}'" in ddl.definition(Column("a", "INT64", description="x" * 2000))


def test_a_doubled_ledger_row_is_an_error() -> None:
    with pytest.raises(AccountingError, match="2 rows"):
        row_of([{}, {}], payload(), PIPELINE)


def test_staged_fields_are_the_wire_columns() -> None:
    target = keep(*TYPES)
    found = [column(one) for one in staged_fields(wire_schema(target))]
    wanted = [replace(one, description=None, source=None) for one in wire_columns(target)]
    assert [(one.name, one.type, one.mode) for one in found] == [(one.name, one.type, one.mode) for one in wanted]
    assert found[15].fields[3].fields[1] == Column("time", "STRING")
