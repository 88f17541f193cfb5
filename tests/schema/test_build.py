from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from pydantic import BaseModel

from airflow_kafka_bq.config import IntegerRange, JobConfig, Partitioning
from airflow_kafka_bq.config.rules import COORDINATES
from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.schema.build import build_target
from airflow_kafka_bq.schema.target import Target

KMS = "projects/p/locations/eu/keyRings/r/cryptoKeys/k"
KAFKA = [
    *("_kafka_topic", "_kafka_partition", "_kafka_offset", "_kafka_timestamp", "_kafka_key", "_kafka_headers"),
    "_ingested_at",
]


class Line(BaseModel):
    sku: str


class Order(BaseModel):
    order_id: int
    day: date
    updated_at: datetime
    price: float
    blob: bytes
    tags: list[str] = []
    line: Line
    extra: dict[str, Any] = {}
    customer: str


def target(model: type[BaseModel] | None = Order, **parameters: Any) -> Target:
    config = JobConfig.of(topic="orders", table="demo-project.shop.orders", model=model, **parameters)
    return build_target(config, config.table_id(None), model)


def test_payload_by_coordinates() -> None:
    found = target(None)
    assert [column.name for column in found.columns] == ["payload", *KAFKA]
    assert (found.columns[0].type, found.columns[0].mode) == ("JSON", "NULLABLE")
    assert found.key == ("_kafka_topic", "_kafka_partition", "_kafka_offset", "_kafka_timestamp")
    assert found.by_coordinates
    assert found.immutable
    assert found.partitioning == Partitioning("_kafka_timestamp", "day")
    assert found.cluster_by == ("_kafka_partition", "_kafka_offset")


@pytest.mark.parametrize("value_format", ["string", "bytes"])
def test_payload_of_other_formats(value_format: str) -> None:
    assert target(None, value_format=value_format).columns[0].type == value_format.upper()


@pytest.mark.parametrize(("key_format", "kind"), [("string", "STRING"), ("json", "STRING"), ("bytes", "BYTES")])
def test_type_of_the_kafka_key(key_format: str, kind: str) -> None:
    column = target(None, key_format=key_format).column("_kafka_key")
    assert column is not None
    assert column.type == kind


def test_business_key() -> None:
    found = target(dedup_key=["ORDER_ID", "customer", "day", "blob", "updated_at"], version=None)
    assert found.key == ("order_id", "customer", "day", "blob", "updated_at")
    assert found.cluster_by == ("order_id", "customer", "day", "updated_at")
    assert not found.by_coordinates
    assert not found.immutable


def test_the_partition_column_in_the_key_cannot_differ_for_equal_keys() -> None:
    assert target(dedup_key=["order_id", "day"], partition_by="DAY:month").immutable
    assert not target(dedup_key=["order_id"], partition_by="day").immutable
    assert target(dedup_key=["order_id"], partition_by="day", partition_immutable=True).immutable


def test_partition_and_cluster_columns_are_spelled_as_they_are() -> None:
    found = target(partition_by="DAY:month", cluster_by=["Customer"])
    assert found.partitioning == Partitioning("day", "month")
    assert found.cluster_by == ("customer",)


def test_no_partitioning_on_demand() -> None:
    assert target(partition_by="none").partitioning is None


def test_tables_of_others_get_no_column_of_ours() -> None:
    found = target(kafka_columns="none", dedup_key=["order_id"])
    assert [column.name for column in found.columns] == list(Order.model_fields)
    assert found.partitioning is None
    assert not found.kafka_columns


def test_soft_delete_has_its_column_last() -> None:
    found = target(dedup_key=["order_id"], on_duplicate="update", version=["updated_at"])
    assert found.columns[-1].name == "_deleted_at"
    assert found.soft_delete
    assert found.update
    assert found.version == ("updated_at",)


def test_delete_has_no_column_and_keeps_key_version_and_place_in_its_markers() -> None:
    found = target(
        dedup_key=["order_id"], on_duplicate="update", version=["updated_at"], on_tombstone="delete",
        delete_expiration_days=30,
    )  # fmt: skip
    assert found.column("_deleted_at") is None
    assert (found.delete, found.soft_delete, found.marker_lifetime) == (True, False, timedelta(days=31))
    assert [one.name for one in found.marker_columns] == ["order_id", "updated_at", *COORDINATES]
    assert str(found.deletes).endswith("__deletes")


def test_settings_travel() -> None:
    found = target(
        labels={"team": "shop"},
        table_options={"description": "x"},
        encryption_configuration={"kmsKeyName": KMS},
        staging_dataset="stage",
        companion_dataset="side",
    )
    assert (found.labels, found.options, found.kms_key_name) == ({"team": "shop"}, {"description": "x"}, KMS)
    assert (found.staging("a").dataset, found.ledger.dataset) == ("stage", "side")


UPDATE: dict[str, Any] = {"dedup_key": ["order_id"], "on_duplicate": "update"}


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        (
            {"dedup_key": ["order"]},
            "dedup_key names the column 'order', which is not there Remedy: did you mean 'order_id'?",
        ),
        ({"dedup_key": ["price"]}, "dedup_key: 'price' is FLOAT64 and cannot be part of a key"),
        ({"dedup_key": ["extra"]}, "'extra' is JSON"),
        ({"dedup_key": ["tags"]}, "'tags' is ARRAY"),
        ({"dedup_key": ["line"]}, "'line' is STRUCT"),
        ({**UPDATE, "version": ["tags"]}, "version: 'tags' is ARRAY and has no order"),
        ({**UPDATE, "version": ["extra"]}, "version: 'extra' is JSON and has no order"),
        ({"partition_by": "customer"}, "partition_by: 'customer' is STRING"),
        ({"partition_by": "nope"}, "partition_by names the column 'nope'"),
        ({"partition_by": "day:hour"}, "'day' is a DATE and has no hours"),
        ({"cluster_by": ["blob"]}, "does not cluster by BYTES"),
        ({"cluster_by": ["tags"]}, "does not cluster by ARRAY"),
    ],
)
def test_columns_that_cannot_serve(parameters: dict[str, Any], text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        target(**parameters)
    assert text in str(caught.value)


def test_a_float_may_be_a_version() -> None:
    assert target(**UPDATE, version=["price"]).version == ("price",)


def test_ingestion_time_and_ranges_of_whole_numbers() -> None:
    written = target(partition_by="_PARTITIONTIME:hour")
    assert (written.partitioning, written.immutable) == (Partitioning("_PARTITIONTIME", "hour"), False)
    ranges = {"column": "ORDER_ID", "start": 0, "end": 100, "interval": 10}
    found = target(partition_by=ranges, dedup_key=["order_id"])
    assert (found.partitioning, found.immutable) == (IntegerRange("order_id", 0, 100, 10), True)
    with pytest.raises(ConfigError, match="'customer' is STRING; ranges of whole numbers need INT64"):
        target(partition_by={**ranges, "column": "customer"})
    with pytest.raises(ConfigError) as caught:
        target(partition_by="order_id")
    assert "column, start, end and interval" in str(caught.value)
