"""Tables with policy tags are what DDL would have made, and the tags are there from the first moment on."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from google.cloud.bigquery import Client

from airflow_kafka_bq.bigquery.tagged import is_tagged
from airflow_kafka_bq.config import IntegerRange, Layout, Partitioning
from airflow_kafka_bq.schema.columns import Column
from airflow_kafka_bq.schema.target import Target
from tests.bigquery.conftest import Opened
from tests.bigquery.targets import TYPES, keep
from tests.contract.warehouse_world import LocalWorld, at_once

TAG = "projects/demo/locations/eu/taxonomies/1/policyTags/2"
KEY = "projects/p-1/locations/eu/keyRings/ring/cryptoKeys/key"
OPTIONS = {"expiration_hours": 5, "partition_expiration_days": 7, "description": "orders", "labels": {"a": "b"}}
LAID_OUT = ("time_partitioning", "clustering_fields", "require_partition_filter", "description", "labels")


def here(world: LocalWorld, table: str, *columns: Column) -> Target:
    target = keep(*columns, options=OPTIONS, labels={"team": "shop"}, kms_key_name=KEY)
    return replace(target, table=replace(target.table, project=world.project, dataset=world.dataset, table=table))


def tagged(column: Column) -> Column:
    inner = tuple(replace(one, policy_tag=TAG) for one in column.fields)
    return replace(column, fields=inner) if inner else replace(column, policy_tag=TAG)


def resource(client: Client, target: Target) -> Any:
    return client.get_table(str(target.table))


def test_the_table_is_the_one_that_ddl_makes_and_tagged(
    world: LocalWorld, opened: Opened, bigquery_client: Client
) -> None:
    plain, with_tags = here(world, "plain", *TYPES), here(world, "tagged", *map(tagged, TYPES))
    warehouse = opened(20)
    for target in (plain, with_tags, with_tags):
        warehouse.create(target)
    first, second = resource(bigquery_client, plain), resource(bigquery_client, with_tags)
    for name in LAID_OUT:
        assert getattr(first, name) == getattr(second, name), name
    assert first.encryption_configuration == second.encryption_configuration
    assert abs((first.expires - second.expires).total_seconds()) < 60
    found = warehouse.table(with_tags.table)
    assert found is not None
    assert found.columns == with_tags.columns
    assert not is_tagged(plain.columns)


def test_columns_are_added_with_their_tags_by_many_at_once(world: LocalWorld, opened: Opened) -> None:
    whole = here(world, "grows", *map(tagged, TYPES))
    few = replace(whole, columns=(*whole.columns[:2], *whole.columns[len(TYPES) :]))
    opened(20).create(few)
    at_once(*[partial(opened(20).add_columns, whole, names) for names in (("ok", "mixed"), ("lines",), ("mixed", "b"))])
    found = opened(20).table(whole.table)
    assert found is not None
    for name in ("ok", "mixed", "lines", "b"):
        assert found.column(name) == whole.column(name), name
    assert len(found.columns) == len(few.columns) + 4


def test_a_required_column_is_added_as_nullable(world: LocalWorld, opened: Opened) -> None:
    target = here(world, "strict", TYPES[0])
    opened(20).create(target)
    wider = replace(target, columns=(*target.columns, Column("mail", "STRING", "REQUIRED", policy_tag=TAG)))
    opened(20).add_columns(wider, ("mail",))
    found = opened(20).table(target.table)
    assert found is not None
    assert found.column("mail") == Column("mail", "STRING", policy_tag=TAG)


LAYOUTS: tuple[Layout, ...] = (
    Partitioning("_PARTITIONTIME", "hour"), IntegerRange("id", -10, 100, 10), Partitioning("d", "month"),
)  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_every_layout_is_the_one_that_ddl_makes(
    world: LocalWorld, opened: Opened, bigquery_client: Client, layout: Layout
) -> None:
    options = {"require_partition_filter": True}
    plain = replace(here(world, "plain", *TYPES), partitioning=layout, options=options)
    with_tags = replace(here(world, "tagged", *map(tagged, TYPES)), partitioning=layout, options=options)
    for target in (plain, with_tags):
        opened(20).create(target)
    first, second = resource(bigquery_client, plain), resource(bigquery_client, with_tags)
    for name in (*LAID_OUT, "range_partitioning"):
        assert getattr(first, name) == getattr(second, name), name
    found = opened(20).table(with_tags.table)
    assert found is not None
    assert (found.partitioning, found.require_partition_filter) == (layout, True)
