"""Defaults that follow from other parameters, and names that follow from the table."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from airflow_kafka_bq.config import JobConfig, TableId
from airflow_kafka_bq.config.rules import COORDINATES
from airflow_kafka_bq.exceptions import ConfigError
from tests.config.parameter_table import Order

ORDERS = TableId("demo", "analytics", "orders")


def job(**parameters: Any) -> JobConfig:
    return JobConfig.of(**{"topic": "shop.orders", "table": "analytics.orders", **parameters})


def test_columns_come_from_the_model_if_there_is_one() -> None:
    assert job().columns_from == "payload"
    assert job(model=Order).columns_from == "model"
    assert job(model=Order, schema_from="model").columns_from == "model"


def test_tombstones() -> None:
    update: dict[str, Any] = {"dedup_key": "id", "on_duplicate": "update"}
    assert job().tombstones == "insert"
    assert job(**update).tombstones == "insert"
    assert job(model=Order).tombstones == "ignore"
    assert job(model=Order, dedup_key="id").tombstones == "ignore"
    assert job(model=Order, **update).tombstones == "soft_delete"
    assert job(model=Order, on_tombstone="dead_letter", **update).tombstones == "dead_letter"


def test_the_key_is_the_coordinates_unless_named() -> None:
    assert job().by_coordinates
    assert job().key_columns == COORDINATES == ("_kafka_topic", "_kafka_partition", "_kafka_offset", "_kafka_timestamp")
    assert not job(dedup_key="id").by_coordinates
    assert job(dedup_key="id").key_columns == ("id",)


def test_labels_are_handed_out_as_a_copy() -> None:
    found = job(labels={"team": "shop"})
    found.clean_labels["team"] = "other"
    assert found.clean_labels == {"team": "shop"}


def test_start_offsets() -> None:
    assert job().start_offsets() is None
    assert job(start="2026-01-01").start == datetime(2026, 1, 1, tzinfo=UTC)
    assert job(start="2026-01-01").start_offsets() is None
    assert job(start={"0": 5}).start_offsets() == {0: 5}


@pytest.mark.parametrize(
    ("parameters", "default", "full"),
    [
        ({}, "demo", ORDERS),
        ({"project_id": "mine"}, "demo", TableId("mine", "analytics", "orders")),
        ({"project_id": "mine", "table": "other.analytics.orders"}, "demo", TableId("other", "analytics", "orders")),
        ({"table": "example.com:demo.analytics.orders"}, None, TableId("example.com:demo", "analytics", "orders")),
    ],
)
def test_the_project_of_the_table(parameters: dict[str, Any], default: str | None, full: TableId) -> None:
    assert job(**parameters).table_id(default) == full


def test_a_table_without_any_project_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"'analytics\.orders' names no project") as caught:
        job().table_id(None)
    assert caught.value.remedy == "write project.dataset.table, or set project_id"


def test_the_group_has_topic_and_table_in_it() -> None:
    assert job().group(ORDERS) == "kafka-bq.shop.orders.demo.analytics.orders"
    assert job(group_id="mine").group(ORDERS) == "mine"
    assert job(group_id="{table}-{topic}-{table}").group(ORDERS) == "orders-shop.orders-orders"


def test_a_value_that_looks_like_a_placeholder_is_not_filled_again() -> None:
    assert job(group_id="{table}").group(TableId("demo", "analytics", "{topic}")) == "{topic}"


def test_a_group_that_grows_beyond_kafkas_limit_is_refused() -> None:
    grown = job(group_id="{table}" * 40)
    assert len(grown.group(ORDERS)) == 240
    with pytest.raises(ConfigError, match="group_id: the consumer group is 39360 bytes long; Kafka takes 32767"):
        grown.group(TableId("demo", "analytics", "x" * 984))
