"""Every parameter of the contract: the second half of the table."""

from __future__ import annotations

import math
from typing import Any

from airflow_kafka_bq.config import IntegerRange, Partitioning
from tests.config.parameter_table import (
    GIB,
    HOSTILE_TABLES,
    MIB,
    NO_FINITE,
    NO_NUMBERS,
    NO_OFFSETS,
    NO_TEXT,
    NO_TIMES,
    NO_WHOLE,
    NO_WINDOWS,
    SPAN,
    TABLES,
    TIMES,
    WINDOWS,
    Order,
    Parameter,
    choice,
    columns,
    keep_all,
    seconds,
    size,
    whole,
)

FLAGS: tuple[Any, ...] = (0, 1, "yes", "1", "", 1.0, [], math.nan)
WINDOW = {"from": "2026-01-01", "to": "2026-01-02"}
KEY = "projects/p-1/locations/eu/keyRings/ring/cryptoKeys/key"
NO_LABELS: tuple[Any, ...] = (
    "team=shop",
    ["team"],
    {"Team": "shop"},
    {"team": "Shop"},
    {"team": 5},
    {5: "shop"},
    {"1team": "shop"},
    {"": "shop"},
    {"team": "a b"},
    {"t" * 64: "shop"},
    {"team": "s" * 64},
    {"店" * 60: "x"},
    {f"k{n}": "v" for n in range(65)},
    {"team": "x'), ('a"},
)
NO_REFERENCES: tuple[Any, ...] = (
    "",
    "shop",
    "shop.models",
    "shop:",
    ":Order",
    "shop models:Order",
    "a:b:c",
    5,
    [],
    "../x:Y",
)

PARAMETERS: dict[str, Parameter] = {
    "topic": Parameter(
        ...,
        (("shop.orders", "shop.orders"), ("a" * 249, "a" * 249)),
        (*NO_TEXT, "a b", "a/b", "ä", "a\n", ".", "..", "a" * 250, "{{ x }}"),
        "topic",
    ),
    "table": Parameter(..., tuple((name, name) for name in TABLES), (*NO_TEXT, *HOSTILE_TABLES), ""),
    "kafka_conn_id": Parameter("kafka_default", (("mine", "mine"),), (*NO_TEXT, " "), "must"),
    "gcp_conn_id": Parameter("google_cloud_default", (("mine", "mine"),), (*NO_TEXT, " "), "must"),
    "schema_registry_conn_id": Parameter(None, (("mine", "mine"),), (*NO_TEXT, " "), "must"),
    "project_id": Parameter(
        None, (("demo", "demo"), ("example.com:d-1", "example.com:d-1")), (*NO_TEXT, "Demo", "a.b", "a`b"), ""
    ),
    "location": Parameter(None, (("EU", "EU"), ("europe-west4", "europe-west4")), (*NO_TEXT, "E U", "-", "EU'"), ""),
    "impersonation_chain": Parameter(
        None,
        (("a@x", "a@x"), (["a@x", "b@x"], ("a@x", "b@x"))),
        ("", " ", [], [""], [5], 5, True, {"a": 1}),
        "service account",
    ),
    "group_id": Parameter(
        "kafka-bq.{topic}.{project}.{dataset}.{table}",
        (("mine", "mine"), ("g-{topic}", "g-{topic}"), ("g" * 32_767, "g" * 32_767)),
        (*NO_TEXT, " ", " a", "a\n", "{}", "{dag}", "{topic", "topic}", "{{topic}}", "{topic.x}", "g" * 32_768),
        "",
    ),
    "model": Parameter(
        None,
        ((Order, Order), ("shop.models:Order.Line", "shop.models:Order.Line")),
        (*NO_REFERENCES, dict),
        "package.module:Name",
    ),
    "schema_from": choice(None, "payload", "table"),
    "value_format": choice("json", "string", "bytes", "avro", "protobuf", "json_schema"),
    "key_format": choice("string", "json", "bytes", "avro", "protobuf", "json_schema"),
    "value_schema": Parameter(None, (("order.avsc", "order.avsc"),), (*NO_TEXT, " "), "must", {"value_format": "avro"}),
    "key_schema": Parameter(None, (("key.avsc", "key.avsc"),), (*NO_TEXT, " "), "must", {"key_format": "avro"}),
    "schema_subject": Parameter("{topic}-value", (("shop-value", "shop-value"),), (*NO_TEXT, " "), "must"),
    "envelope": choice(None, "debezium", "cloudevents"),
    "envelope_fields": Parameter(
        None,
        ((["op", "source.lsn"], ("op", "source.lsn")), ("op", ("op",)), ([], ())),
        ("", "nope", ["source"], ["op", "op"], [5], 5, True, {"op": 1}, ["OP"]),
        "",
        {"envelope": "debezium"},
    ),
    "unknown_fields": choice("ignore", "dead_letter", "json_column", beside={"model": Order}),
    "dedup_key": columns(empty=False),
    "on_duplicate": choice("keep", "update", beside={"dedup_key": "_kafka_key"}),
    "version": columns(empty=False, dedup_key="id", on_duplicate="update"),
    "on_tombstone": choice(
        *(None, "insert", "ignore", "dead_letter", "soft_delete", "delete"),
        beside={"dedup_key": "_kafka_key", "on_duplicate": "update"},
    ),
    "delete_expiration_days": Parameter(
        90.0, ((1, 1.0), ("30", 30.0), (3_660, 3_660.0)), (*NO_NUMBERS, *NO_FINITE, 0, 0.9, 3_661, "30d"), "must be"
    ),
    "tombstone_key": Parameter(
        None,
        (({"a": "x", "b": "y.z"}, {"a": "x", "b": "y.z"}),),
        ("a", ["a"], {"a": 5}, {"a b": "x"}, {"a": ""}, {5: "x"}, {"a": "x"}, {"a": "x", "b": "y", "c": "z"}),
        "tombstone_key",
        {"model": Order, "dedup_key": ["a", "b"], "on_duplicate": "update", "key_format": "json"},
    ),
    "on_bad_message": choice("dead_letter", "fail"),
    "max_bad_ratio": Parameter(
        0.01,
        ((0, 0.0), (1, 1.0), ("0.5", 0.5), (".5", 0.5)),
        (*NO_NUMBERS, *NO_FINITE, -0.1, 1.1, "2", "1%"),
        "must be",
    ),
    "max_bad_messages": whole(None, 0),
    "partition_by": Parameter(
        None,
        (
            ("none", "none"),
            ("created_on", Partitioning("created_on")),
            ("created_on:month", Partitioning("created_on", "month")),
            ({"column": "created_on", "granularity": "HOUR"}, Partitioning("created_on", "hour")),
            ({"column": "created_on"}, Partitioning("created_on")),
            (Partitioning("created_on", "year"), Partitioning("created_on", "year")),
            ("_PARTITIONTIME:hour", Partitioning("_PARTITIONTIME", "hour")),
            ({"column": "a", "start": 0, "end": "9", "interval": 3}, IntegerRange("a", 0, 9, 3)),
            (IntegerRange("a", 0, 9, 3), IntegerRange("a", 0, 9, 3)),
        ),
        (
            *("", ":day", "a:", "a:week", "a b", "a`", 5, True, [], ["a"], {}, "_PARTITIONDATE", {"column": 5}),
            *({"column": "a", "by": "day"}, {"column": "a", "start": 0, "end": 9}),
            *(Partitioning("a;b"), IntegerRange("a", 0, 0, 1)),
        ),
        "",
    ),
    "cluster_by": columns(empty=True),
    "partition_immutable": Parameter(
        False, ((True, True), ("true", True), ("False", False)), FLAGS, "must be true or false"
    ),
    "schema_update": choice("add", "none", "add_relax", "add_relax_widen"),
    "kafka_columns": choice("all", "none", beside={"dedup_key": "id"}),
    "transform": Parameter(None, ((keep_all, keep_all), ("shop:f", "shop:f")), NO_REFERENCES, "package.module:"),
    "filter": Parameter(None, ((keep_all, keep_all), ("shop:f", "shop:f")), NO_REFERENCES, "package.module:"),
    "batch_messages": whole(500_000, 1),
    "batch_bytes": size(64 * MIB),
    "batch_seconds": seconds(None),
    "max_messages": whole(None, 1),
    "max_bytes": size(None),
    "max_seconds": seconds(None),
    "merge_per": choice("batch", "run"),
    "window": Parameter(None, WINDOWS, NO_WINDOWS, ""),
    "partitions": Parameter(
        None,
        (([0, 3], (0, 3)), ((0,), (0,)), (3, (3,)), ("3", (3,)), ("0, 3", (0, 3)), (["0", "3"], (0, 3))),
        ([], "", "a", "0;3", {0, 3}, [True], [1.0], [-1], [2**31], True, 1.5, {}, {0: 5}, [0, 0], [None]),
        "",
        {"window": WINDOW},
    ),
    "start": Parameter(
        "auto",
        (
            *((word, word) for word in ("auto", "earliest", "latest", "fail")),
            *TIMES,
            ({"0": 5}, {0: 5}),
            ('{"0": 5}', {0: 5}),
        ),
        (*NO_TIMES, *NO_OFFSETS, "Earliest", "{", '{"0": true}'),
        "",
    ),
    "on_gap": choice("fail", "record"),
    "assignment": choice("assign", "subscribe"),
    "isolation_level": choice("read_committed", "read_uncommitted"),
    "fence": choice("ledger", "none"),
    "max_bytes_billed": size(10 * GIB),
    "dedup_window": SPAN,
    "stall_timeout_seconds": seconds(30.0),
    "staging_dataset": Parameter(
        None, (("tmp", "tmp"), ("demo.tmp", "demo.tmp")), (*NO_TEXT, "a-b", "a.b.c", ".tmp", "tmp`", "Demo.tmp"), ""
    ),
    "companion_dataset": Parameter(
        None, (("tmp", "tmp"), ("demo.tmp", "demo.tmp")), (*NO_TEXT, "a-b", ".tmp", "tmp;"), ""
    ),
    "staging_expiration_hours": Parameter(
        72.0, ((1, 1.0), ("24", 24.0)), (*NO_NUMBERS, *NO_FINITE, 0, 0.5, -1, 100_000), "must be"
    ),
    "dead_letter_topic": Parameter(None, ((None, None), ("a.dead", "a.dead")), (*NO_TEXT, "a b", ".", "a/b"), ""),
    "labels": Parameter(
        {}, (({"team": "shop"}, {"team": "shop"}), ({"équipe": ""}, {"équipe": ""}), ({}, {})), NO_LABELS, "labels"
    ),
    "encryption_configuration": Parameter(
        None,
        (({"kms_key_name": KEY}, {"kms_key_name": KEY}), ({"kmsKeyName": KEY}, {"kmsKeyName": KEY})),
        (
            KEY,
            {},
            {"kms_key_name": "key"},
            {"kms_key_name": KEY + "'"},
            {"kms_key_name": KEY, "kmsKeyName": KEY},
            {"key": KEY},
            {"kms_key_name": None},
        ),
        "encryption_configuration",
    ),
    "deferrable": Parameter(False, ((False, False), ("false", False)), (*FLAGS, True), "deferrable"),
    "table_options": Parameter(
        {},
        (
            ({"expiration_hours": "48", "description": "orders"}, {"expiration_hours": 48, "description": "orders"}),
            (
                {"partition_expiration_days": 90, "require_partition_filter": "true"},
                {"partition_expiration_days": 90, "require_partition_filter": True},
            ),
            ({"labels": {"team": "shop"}, "expiration_hours": None}, {"labels": {"team": "shop"}}),
            ({}, {}),
        ),
        (
            "x",
            [],
            *({"expiration_hours": value} for value in (*NO_WHOLE, 0)),
            *({"partition_expiration_days": value} for value in (*NO_WHOLE, 0)),
            *({"require_partition_filter": value} for value in FLAGS),
            *({"labels": value} for value in NO_LABELS),
            {"description": 5},
            {"expiration": 48},
        ),
        "table_options",
    ),
}
