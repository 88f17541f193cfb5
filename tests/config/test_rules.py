"""Rules between parameters, one sentence of the contract after the other."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_kafka_bq.config import JobConfig
from airflow_kafka_bq.config.rules import COORDINATES
from airflow_kafka_bq.exceptions import ConfigError
from tests.config.parameter_table import Order
from tests.config.parameters import WINDOW

UPDATE: dict[str, Any] = {"dedup_key": ["id"], "on_duplicate": "update"}
OTHERS: dict[str, Any] = {"kafka_columns": "none", "dedup_key": ["id"]}
FILTERED: dict[str, Any] = {
    "dedup_key": ["id"],
    "partition_by": "created_on",
    "table_options": {"require_partition_filter": True},
}
OFFSETS = {"from": {0: 1, 1: 1}, "to": {0: 5, 1: 5}}


def job(**parameters: Any) -> JobConfig:
    return JobConfig.of(topic="shop.orders", table="analytics.orders", **parameters)


REFUSED: list[tuple[dict[str, Any], tuple[str, ...]]] = [
    # model and schema_from
    ({"schema_from": "model"}, ("schema_from='model'", "needs a model")),
    ({"schema_from": "payload", "model": Order}, ("schema_from='payload'", "model")),
    ({"schema_from": "registry"}, ("schema_from='registry'", "value_format='json'")),
    ({"unknown_fields": "json_column"}, ("unknown_fields='json_column'", "payload is kept whole")),
    ({"schema_from": "table", "model": Order}, ("schema_from='table'", "exclude each other")),
    ({"schema_from": "table", "value_format": "bytes"}, ("value_format='bytes'", "no fields for columns")),
    ({"schema_from": "schema", "value_format": "avro"}, ("schema_from='schema'", "needs a value_schema")),
    ({"schema_from": "registry", "value_format": "avro", "value_schema": "a.avsc"}, ("exclude each other",)),
    ({"value_schema": "a.avsc"}, ("value_schema", "value_format='json'")),
    ({"key_schema": "a.avsc"}, ("key_schema", "key_format='string'")),
    ({"model": Order, "value_format": "string"}, ("value_format='string'", "model")),
    ({"model": "shop.models:Order", "value_format": "bytes"}, ("value_format='bytes'", "model")),
    ({"unknown_fields": "dead_letter"}, ("unknown_fields='dead_letter'", "payload")),
    # envelope
    ({"envelope_fields": ["op"]}, ("envelope_fields", "without an envelope")),
    ({"envelope": "debezium", "envelope_fields": ["op", "source.op"]}, ("envelope_fields", "'source.op'", "Debezium")),
    ({"envelope": "debezium", "envelope_fields": ["op", "op"]}, ("envelope_fields", "'op' twice")),
    ({"envelope": "cloudevents", "envelope_fields": ["data"]}, ("envelope_fields", "'data'", "attribute")),
    ({"envelope": "cloudevents", "envelope_fields": ["Subject"]}, ("envelope_fields", "'Subject'", "attribute")),
    ({"envelope": "debezium", "value_format": "bytes"}, ("envelope='debezium'", "value_format='bytes'")),
    ({"envelope": "debezium", "value_format": "string"}, ("envelope='debezium'", "value_format='string'")),
    ({**UPDATE, "model": Order, "envelope": "debezium"}, ("envelope='debezium'", "key_format='string'")),
    (
        {**UPDATE, "model": Order, "envelope": "debezium", "key_format": "json", "dedup_key": ["__Op", "id"]},
        ("dedup_key", "__Op", "no envelope"),
    ),
    (
        {**UPDATE, "model": Order, "envelope": "debezium", "key_format": "json", "tombstone_key": {"a": "b"}},
        ("tombstone_key", "missing ['id']", "extra ['a']"),
    ),
    ({**UPDATE, "model": Order, "envelope": "cloudevents", "dedup_key": ["a", "b", "ce_id"]}, ("tombstone_key",)),
    # dedup_key
    ({"dedup_key": ["id", "name", "ID"]}, ("dedup_key", "'ID'", "twice")),
    ({"dedup_key": ["_ingested_at"]}, ("dedup_key", "_ingested_at")),
    ({"dedup_key": ["id", "_Deleted_At"]}, ("dedup_key", "_deleted_at")),
    ({"dedup_key": ["_kafka_offset"]}, ("dedup_key", "part of the Kafka coordinates")),
    ({"dedup_key": ["_kafka_topic", "_kafka_timestamp"]}, ("dedup_key", "part of the Kafka coordinates")),
    # on_duplicate, version
    ({"on_duplicate": "update"}, ("on_duplicate='update'", "dedup_key")),
    ({**UPDATE, "kafka_columns": "none"}, ("on_duplicate='update'", "kafka_columns='all'")),
    ({"version": ["updated_at"]}, ("version", "on_duplicate='update'")),
    ({"version": ["updated_at"], "dedup_key": ["id"]}, ("version", "on_duplicate='update'")),
    ({**UPDATE, "version": ["a", "A"]}, ("version", "twice")),
    ({**UPDATE, "version": ["updated_at", "ID"]}, ("version", "dedup_key", "same column")),
    ({**UPDATE, "version": ["_ingested_at"]}, ("version", "_ingested_at")),
    # on_tombstone, tombstone_key
    ({"model": Order, "on_tombstone": "insert"}, ("on_tombstone='insert'", "schema_from='payload'")),
    ({"on_tombstone": "soft_delete"}, ("on_tombstone='soft_delete'", "on_duplicate='update'")),
    ({"dedup_window": "1d"}, ("dedup_window", "dedup_key")),
    ({"dedup_key": ["id"], "dedup_window": "1d", "partition_by": "none"}, ("dedup_window", "partitions")),
    ({"dedup_key": ["id", "Day"], "dedup_window": 1, "partition_by": "day"}, ("dedup_window", "already")),
    ({"on_tombstone": "delete"}, ("on_tombstone='delete'", "on_duplicate='update'")),
    ({**UPDATE, "on_tombstone": "delete", "dedup_key": ["Expires_At"]}, ("on_tombstone='delete'", "expires_at")),
    ({**UPDATE, "on_tombstone": "delete", "version": ["expires_at"]}, ("on_tombstone='delete'", "expires_at")),
    ({**UPDATE, "model": Order, "on_tombstone": "delete", "dedup_key": ["a", "b"]}, ("tombstone_key is needed",)),
    ({"dedup_key": ["id"], "on_tombstone": "soft_delete"}, ("on_tombstone='soft_delete'", "'keep'")),
    ({"tombstone_key": {"id": "id"}}, ("tombstone_key", "on_tombstone='insert'")),
    ({**UPDATE, "on_tombstone": "ignore", "tombstone_key": {"id": "id"}}, ("tombstone_key", "on_tombstone='ignore'")),
    ({**UPDATE, "model": Order, "dedup_key": ["a", "b"]}, ("tombstone_key is needed", "['a', 'b']")),
    ({**UPDATE, "model": Order, "dedup_key": ["a", "b"], "key_format": "json"}, ("tombstone_key is needed",)),
    (
        {**UPDATE, "model": Order, "key_format": "json", "tombstone_key": {"x": "id"}},
        ("tombstone_key", "missing ['id']", "extra ['x']"),
    ),
    ({**UPDATE, "model": Order, "tombstone_key": {"id": "id"}}, ("tombstone_key", "key_format='string' has none")),
    # partition_by, cluster_by, partition_immutable
    ({"cluster_by": ["a", "b", "c", "d", "e"]}, ("cluster_by", "at most 4", "not 5")),
    ({"cluster_by": ["a", "A"]}, ("cluster_by", "'A'", "twice")),
    ({"partition_by": "_ingested_at"}, ("partition_by", "_ingested_at")),
    ({**UPDATE, "partition_by": "_deleted_at:month"}, ("partition_by", "_deleted_at")),
    ({**UPDATE, "partition_immutable": True}, ("partition_immutable", "on_duplicate='update'", "_kafka_timestamp")),
    (
        {**UPDATE, "partition_immutable": True, "partition_by": "_Kafka_Timestamp:month"},
        ("partition_immutable", "on_duplicate='update'", "_kafka_timestamp"),
    ),
    # kafka_columns
    ({"kafka_columns": "none"}, ("kafka_columns='none'", "dedup_key")),
    ({**OTHERS, "dedup_key": ["_kafka_key"]}, ("dedup_key", "_kafka_key", "kafka_columns='none'")),
    ({**OTHERS, "partition_by": "_kafka_timestamp"}, ("partition_by", "_kafka_timestamp", "kafka_columns='none'")),
    ({**OTHERS, "cluster_by": ["id", "_KAFKA_key"]}, ("cluster_by", "_kafka_key", "kafka_columns='none'")),
    # window, partitions, fence
    ({"partitions": [0]}, ("partitions", "window")),
    ({"window": OFFSETS, "partitions": [1, 7]}, ("partitions", "[7]", "window")),
    ({"window": WINDOW, "partitions": [1, 1]}, ("partitions", "twice")),
    ({"window": WINDOW, "fence": "none"}, ("fence='none'", "window", "live task")),
    ({"assignment": "subscribe", "fence": "none"}, ("assignment='subscribe'", "fence='ledger'", "two members")),
    ({"assignment": "subscribe", "partitions": [0]}, ("partitions", "only with a window")),
    # labels, table_options
    (
        {"labels": {f"a{n}": "x" for n in range(40)}, "table_options": {"labels": {f"b{n}": "x" for n in range(40)}}},
        ("labels", "table_options.labels", "80", "64"),
    ),
    ({"partition_by": "none", "table_options": {"require_partition_filter": True}}, ("table_options", "no partitions")),
    ({**OTHERS, "table_options": {"partition_expiration_days": 3}}, ("table_options", "no partitions")),
    (
        {**FILTERED, **UPDATE, "model": Order, "partition_immutable": True},
        ("require_partition_filter", "on_tombstone='soft_delete'"),
    ),
    (
        {**FILTERED, **UPDATE, "model": Order, "partition_immutable": True, "on_tombstone": "delete"},
        ("require_partition_filter", "on_tombstone='delete'"),
    ),
    (FILTERED, ("require_partition_filter", "prune")),
]  # fmt: skip


@pytest.mark.parametrize(("parameters", "words"), REFUSED, ids=lambda value: str(value)[:60])
def test_refused(parameters: dict[str, Any], words: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError) as caught:
        job(**parameters)
    message = caught.value.message
    assert [word for word in words if word not in message] == [], message
    assert "validation error" not in message


TAKEN: list[dict[str, Any]] = [
    {"model": Order, "schema_from": "model"},
    {"model": Order, "value_format": "avro"},
    {"schema_from": "registry", "value_format": "avro", "key_format": "avro", "key_schema": "a.avsc"},
    {"schema_from": "schema", "value_format": "avro", "value_schema": "a.avsc"},
    {"model": Order, "unknown_fields": "dead_letter"},
    {"schema_from": "payload", "value_format": "bytes"},
    {"dedup_key": list(COORDINATES)},
    {"dedup_key": ["_kafka_partition", "_kafka_offset"]},
    {"dedup_key": ["_kafka_topic", "_kafka_key"]},
    {**UPDATE, "version": ["_kafka_timestamp"]},
    {**UPDATE, "model": Order},  # one column: the whole key
    {**UPDATE, "model": Order, "dedup_key": ["_kafka_key", "_kafka_topic"]},  # a tombstone has them itself
    {**UPDATE, "model": Order, "dedup_key": ["id", "_kafka_topic"], "key_format": "json"},
    {**UPDATE, "model": Order, "dedup_key": ["a", "b"], "on_tombstone": "ignore"},
    {**UPDATE, "model": Order, "dedup_key": ["a", "b"], "on_tombstone": "dead_letter"},
    {**UPDATE, "model": Order, "dedup_key": ["a", "b"], "key_format": "json", "tombstone_key": {"a": "x", "b": "x"}},
    {**UPDATE, "on_tombstone": "soft_delete"},
    {**UPDATE, "on_tombstone": "delete", "fence": "none"},
    {**UPDATE, "on_tombstone": "ignore", "dedup_key": ["expires_at"]},
    {**UPDATE, "dedup_key": ["a", "b"]},  # payload: a tombstone is a row
    {**UPDATE, "model": Order, "envelope": "debezium", "dedup_key": ["a", "b"], "key_format": "avro"},
    {**UPDATE, "model": Order, "envelope": "debezium", "dedup_key": ["_kafka_key"]},  # a tombstone has it itself
    {**UPDATE, "model": Order, "envelope": "debezium", "on_tombstone": "ignore"},
    {"envelope": "debezium", "value_format": "json_schema"},
    {**UPDATE, "model": Order, "envelope": "cloudevents", "dedup_key": ["id", "ce_source", "ce_id"]},
    {"envelope": "cloudevents", "value_format": "bytes", "envelope_fields": []},
    {"schema_from": "registry", "value_format": "avro", "unknown_fields": "json_column"},
    {"cluster_by": ["a", "b", "c", "d"]},
    {"cluster_by": []},
    {"partition_by": "none"},
    {"partition_immutable": True},
    {"partition_immutable": True, "dedup_key": ["id"]},  # keep never writes a second timestamp
    {**UPDATE, "partition_immutable": True, "partition_by": "created_on"},
    {**UPDATE, "partition_immutable": True, "partition_by": "none"},  # of an existing table it may hold
    {**UPDATE, "partition_immutable": True, "dedup_key": ["id", "_kafka_timestamp"], "on_tombstone": "ignore"},
    {**OTHERS, "partition_by": "created_on", "cluster_by": ["id"], "partition_immutable": True},
    {**OTHERS, "on_tombstone": "ignore"},
    {"window": OFFSETS, "partitions": [1]},
    {"window": {"from": {0: 5}, "to": {0: 5}}},  # empty, as a data interval may be
    {"window": WINDOW, "partitions": [7]},
    {"table_options": {"require_partition_filter": True}},
    {"partition_by": "created_on", "table_options": {"require_partition_filter": True}},
    {"dedup_key": ["id", "day"], "partition_by": "Day", "table_options": {"require_partition_filter": True}},
    {**FILTERED, "partition_immutable": True},
    {**FILTERED, "table_options": {"require_partition_filter": False}},
    {"fence": "none"},
]  # fmt: skip


@pytest.mark.parametrize("parameters", TAKEN, ids=lambda value: str(value)[:60])
def test_taken(parameters: dict[str, Any]) -> None:
    found = job(**parameters)
    assert found.topic == "shop.orders"


@pytest.mark.parametrize(
    ("parameters", "remedy"),
    [
        ({**UPDATE, "partition_immutable": True}, "partition_by a column of the message"),
        ({"window": WINDOW, "fence": "none"}, "fence='ledger'"),
        ({"assignment": "subscribe", "fence": "none"}, "assignment='assign'"),
        ({"dedup_key": ["_kafka_offset"]}, "leave dedup_key out"),
        ({**UPDATE, "model": Order, "dedup_key": ["a", "b"]}, "{column: field}"),
        ({"dedup_key": ["id"], "partition_immutable": True, "dedup_window": "1d"}, "leave dedup_window out"),
    ],
)
def test_a_broken_rule_says_the_way_out(parameters: dict[str, Any], remedy: str) -> None:
    with pytest.raises(ConfigError) as caught:
        job(**parameters)
    assert remedy in (caught.value.remedy or "")
    assert caught.value.topic == "shop.orders"


def test_what_is_not_supported_is_said_before_what_else_would_be_wrong_with_it() -> None:
    with pytest.raises(ConfigError, match="deferrable=True is not supported in this version"):
        job(deferrable=True, tombstone_key={"a": "b"})


def test_a_member_joins_unless_the_run_is_isolated() -> None:
    assert job(assignment="subscribe").joins
    assert not job().joins
    assert not job(assignment="subscribe", window=WINDOW).joins
