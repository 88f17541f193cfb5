"""Job files: read as meant, refused with file, line and name, and without a secret in any message."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from airflow_kafka_bq.config import Window
from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.jobfile import read

CLIENTS = """
kafka: {bootstrap.servers: "127.0.0.1:9092"}
bigquery: {project: demo, api_endpoint: "http://127.0.0.1:9050"}
"""
ORDERS = "topic: shop.orders\ntable: analytics.orders\n" + CLIENTS
Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(text: str) -> Path:
        path = tmp_path / "orders.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return written


def refusal(path: Path, *settings: str, **overrides: Any) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        read(path, settings, **overrides)
    assert "hunter2" not in str(caught.value)
    return caught.value


def test_parameters_and_clients(write: Write) -> None:
    file = read(write(ORDERS + "dedup_key: order_id\nbatch_bytes: 1MiB\nstart: 2026-01-31\n"))
    assert file.config.topic == "shop.orders"
    assert file.config.dedup_key == ("order_id",)
    assert file.config.batch_bytes == 1024**2
    assert file.config.start == datetime(2026, 1, 31, tzinfo=UTC)
    assert file.kafka == {"bootstrap.servers": "127.0.0.1:9092"}
    assert file.bigquery == {"project": "demo", "api_endpoint": "http://127.0.0.1:9050"}


def test_the_clients_sections_may_be_left_out_or_empty(write: Write) -> None:
    file = read(write("topic: a\ntable: d.t\nkafka:\n"))
    assert (file.kafka, file.bigquery) == ({}, {})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds no parameters"),
        ("- topic", "holds no parameters"),
        ("just text", "holds no parameters"),
        ("table: d.t\n", "topic is missing"),
        ("topic: a\n", "table is missing"),
        ("topic: a\ntable: d.t\ntopic: b\n", "line 3: not a job file in YAML: topic is there twice, first in line 1"),
        ("topic: a\n table: b\n", "line 2: not a job file in YAML: mapping values are not allowed here"),
        ("topic: a\ntable: d.t\nstart: 2026-02-31\n", "line 3"),
        ("topic: a\ntable: d.t\ntopik: b\n", "unknown parameter 'topik' (did you mean 'topic'?)"),
        ("topic: a\ntable: d.t\n5: b\n", "unknown parameter '5'"),
        ("topic: a\ntable: d.t\non: b\n", "unknown parameter 'True'"),
        ("topic: a\ntable: d.t\n? [a, b]\n: b\n", "line 3"),
        ("topic: 5\ntable: d.t\n", "topic: must be a valid string (given: 5)"),
        ("topic: a\ntable: d.t\non_gap: off\n", "on_gap: must be 'fail' or 'record' (given: False)"),
        ("topic: ${TOPIC}\ntable: d.t\n", "'${TOPIC}' is not a Kafka topic name"),
        ("topic: a\ntable: d.t\nkafka: hunter2\n", "kafka is a mapping of settings, not str"),
        ("topic: a\ntable: d.t\nkafka: []\n", "kafka is a mapping of settings, not list"),
        ("topic: a\ntable: d.t\nkafka: {sasl: {password: hunter2}}\n", "kafka.sasl is a dict, not a text"),
        ("topic: a\ntable: d.t\nkafka: {sasl.password: }\n", "kafka.sasl.password is nothing, not a text"),
        ("topic: a\ntable: d.t\nbigquery: {~: x}\n", "bigquery.None is a str, not a text"),
        ("topic: a\ntable: d.t\nkafka: {sasl.password: *hunter2}\n", "line 3"),
        ("topic: a\ntable: d.t\nkafka: {sasl.password: '${hunter2-}'}\n", "kafka.sasl.password: ${ is not followed"),
    ],
)
def test_a_file_that_is_wrong_is_named_with_the_reason(write: Write, text: str, said: str) -> None:
    path = write(text)
    error = refusal(path)
    assert error.message.startswith(str(path))
    assert said in error.message


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    assert "no job file at" in refusal(tmp_path / "none.yaml").message
    assert "cannot be read" in refusal(tmp_path).message
    assert "cannot be read" in refusal(tmp_path / "a\0b").message
    (tmp_path / "latin.yaml").write_bytes("topic: Ümläut".encode("latin-1"))
    assert "cannot be read" in refusal(tmp_path / "latin.yaml").message


SETTINGS: list[tuple[tuple[str, ...], str, Any]] = [
    (("batch_messages=3",), "batch_messages", 3),
    (("batch_messages=3", "batch_messages=4"), "batch_messages", 4),
    (("batch_bytes=64MiB",), "batch_bytes", 64 * 1024**2),
    (("dedup_key=order_id",), "dedup_key", ("order_id",)),
    (("dedup_key=[a, b]",), "dedup_key", ("a", "b")),
    (('topic="shop.other"',), "topic", "shop.other"),
    (("topic=shop.other",), "topic", "shop.other"),
    (("max_bytes_billed=null",), "max_bytes_billed", None),
    (("max_bytes_billed=",), "max_bytes_billed", None),
    (("group_id='{topic}-x'",), "group_id", "{topic}-x"),
    (("partition_immutable=true",), "partition_immutable", True),
    (("partitions=0,3", "window={from: 2026-01-01, to: 2026-01-02}"), "partitions", (0, 3)),
    (("start={0: 5}",), "start", {0: 5}),
    (('start={"0": 5}',), "start", {0: 5}),
    (("start=2026-01-31T06:00:00Z",), "start", datetime(2026, 1, 31, 6, tzinfo=UTC)),
    (("labels.team=shop", "labels.cost=b"), "labels", {"team": "shop", "cost": "b"}),
    (("window.from={0: 5}", "window.to={0: 9}"), "window", Window({0: 5}, {0: 9})),
    (("window={from: {0: 5}, to: {0: 9}}", "window.to={0: 7}"), "window", Window({0: 5}, {0: 7})),
]


@pytest.mark.parametrize(("settings", "name", "value"), SETTINGS)
def test_a_setting_replaces_what_the_file_says(write: Write, settings: tuple[str, ...], name: str, value: Any) -> None:
    assert getattr(read(write(ORDERS), settings).config, name) == value


@pytest.mark.parametrize(
    ("setting", "stored"),
    [
        ("kafka.bootstrap.servers=a:1,b:2", ("bootstrap.servers", "a:1,b:2")),
        ("kafka.sasl.password=0123", ("sasl.password", "0123")),
        ("kafka.sasl.password=a: b #c", ("sasl.password", "a: b #c")),
        ("kafka.sasl.password=[x", ("sasl.password", "[x")),
        ("kafka.sasl.password=a=b", ("sasl.password", "a=b")),
        ("kafka.sasl.password=", ("sasl.password", "")),
        ('kafka.sasl.password="a b "', ("sasl.password", "a b ")),
        ("kafka.sasl.password='a''b'", ("sasl.password", "a'b")),
        ("kafka.sasl.password='a'b", ("sasl.password", "'a'b")),
        ("kafka.sasl.password=${SHOP_PASSWORD}", ("sasl.password", "hunter2")),
        ("kafka.sasl.password=$${SHOP_PASSWORD}", ("sasl.password", "${SHOP_PASSWORD}")),
        ("kafka={sasl.password: 0123}", ("sasl.password", "0123")),
        ("kafka.enable.auto.commit=no", ("enable.auto.commit", "no")),
    ],
)
def test_a_clients_setting_is_text_as_written(
    write: Write, monkeypatch: pytest.MonkeyPatch, setting: str, stored: tuple[str, str]
) -> None:
    monkeypatch.setenv("SHOP_PASSWORD", "hunter2")
    assert read(write(ORDERS), (setting,)).kafka[stored[0]] == stored[1]


def test_a_client_keeps_its_other_settings(write: Write) -> None:
    file = read(write(ORDERS), ("kafka.client.rack=a", "bigquery.location=EU"))
    assert file.kafka == {"bootstrap.servers": "127.0.0.1:9092", "client.rack": "a"}
    assert file.bigquery["location"] == "EU"
    assert file.bigquery["project"] == "demo"


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("topic", "--set 'topic' is not key=value"),
        ("=5", "--set '=5' is not key=value"),
        ("kafka.=hunter2", "--set 'kafka.…' is not key=value"),
        ("kafka.sasl.password:hunter2", "--set 'kafka.…' is not key=value"),
        ("start={0: 5", "--set start: not a YAML value"),
        ("start={0: 5, 0: 6}", "--set start: not a YAML value: 0 is there twice"),
        ("kafka={sasl.password: *hunter2}", "--set kafka: not a YAML value"),
        ("kafka={sasl.password: [hunter2]}", "kafka.sasl.password is a list, not a text"),
        ("kafka=hunter2", "kafka is a mapping of settings, not str"),
        ("topic.name=5", "--set topic.name: topic is a str and has no 'name'"),
        ("batch.messages=5", "unknown parameter 'batch' (did you mean 'batch_"),
        ("group_id={topic}-x", "--set group_id: not a YAML value"),
        ("group_id={topic}", "group_id: must be a valid string"),
        ("window.from=2026-01-01", "a window has exactly two fields"),
        (
            "kafka.sasl.password=${SHOP_NOTHING}",
            "kafka.sasl.password: the environment variable SHOP_NOTHING is not set",
        ),
    ],
)
def test_a_setting_that_is_wrong(write: Write, setting: str, said: str) -> None:
    assert said in refusal(write(ORDERS), setting).message


def test_a_setting_reaches_into_no_section_that_is_no_mapping(write: Write) -> None:
    assert "kafka is a list" in refusal(write("topic: a\ntable: d.t\nkafka: [x]\n"), "kafka.a=hunter2").message


def test_a_text_that_yaml_reads_otherwise_gets_the_way_out(write: Write) -> None:
    assert refusal(write(ORDERS), "group_id={topic}-x").remedy == "put a text in quotes: --set \"group_id='…'\""


def test_overrides_of_a_command_win(write: Write) -> None:
    window = {"from": {0: 1}, "to": {0: 2}}
    file = read(write(ORDERS + "window: {from: 2026-01-01, to: 2026-01-02}\n"), ("batch_messages=3",), window=window)
    assert file.config.window == Window({0: 1}, {0: 2})
    assert file.config.batch_messages == 3


def test_secrets_come_from_the_environment_and_show_nowhere(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_PASSWORD", "hunter2")
    text = 'topic: a\ntable: d.t\nkafka:\n  sasl.password: ${SHOP_PASSWORD}\nbigquery: {project: "${SHOP_PASSWORD}"}\n'
    file = read(write(text))
    assert file.kafka["sasl.password"] == file.bigquery["project"] == "hunter2"
    assert "hunter2" not in f"{file} {file!r} {file.config!r}"
