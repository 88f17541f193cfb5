"""A folder of DAG files, loaded by Airflow's own DagBag."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from textwrap import dedent

import pytest

from airflow_kafka_bq import dag_folder
from airflow_kafka_bq.exceptions import ConfigError

HEAD = """
from datetime import timedelta
from airflow.sdk import DAG
from airflow_kafka_bq import KafkaToBigQueryOperator, KafkaToBigQueryTaskGroup, AuditDuplicatesOperator
"""


def write(folder: Path, name: str, body: str) -> None:
    """A DAG file."""
    (folder / name).write_text(HEAD + dedent(body), "utf-8")


def test_live_tasks_are_found_in_all_files(tmp_path: Path) -> None:
    write(
        tmp_path,
        "orders.py",
        """
        with DAG("orders", schedule="@hourly"):
            KafkaToBigQueryOperator(task_id="load", topic="shop.orders", table="demo.d.orders", retries=2,
                                    execution_timeout=timedelta(minutes=5), labels={"run": "{{ ds }}"})
            KafkaToBigQueryOperator(task_id="window", topic="shop.orders", table="demo.d.orders",
                                    window={"from": "2026-01-01", "to": "2026-01-02"})
            AuditDuplicatesOperator(task_id="audit", topic="shop.orders", table="demo.d.orders")
        """,
    )
    write(
        tmp_path,
        "payments.py",
        """
        with DAG("payments", schedule=timedelta(minutes=10)):
            KafkaToBigQueryTaskGroup(task_id="load", topic="shop.payments", table="demo.d.payments", group_id="shared")
        """,
    )
    found = dag_folder.read(tmp_path)
    assert (found.broken, found.consumers, found.unchecked) == ({}, [], [])
    orders, payments = found.tasks
    assert (orders.name, orders.config.topic, orders.every) == ("orders.load", "shop.orders", timedelta(hours=1))
    assert (orders.retries, orders.timeout_seconds) == (2, 300.0)
    assert orders.unchecked == ("task orders.load: labels is a template",)
    assert orders.group_id == "kafka-bq.shop.orders.demo.d.orders"
    assert (payments.name, payments.group_id, payments.every) == (
        "payments.load.merge", "shared", timedelta(minutes=10)
    )  # fmt: skip


def test_what_only_a_run_knows_is_said(tmp_path: Path) -> None:
    write(
        tmp_path,
        "some.py",
        """
        with DAG("some", schedule=None):
            KafkaToBigQueryOperator(task_id="form", topic="{{ params.topic }}", table="d.t")
            KafkaToBigQueryOperator.partial(task_id="many", table="d.t").expand(topic=["a", "b"])
        """,
    )
    found = dag_folder.read(tmp_path)
    assert found.tasks == []
    assert found.unchecked == [
        "task some.form: topic is a template, and only a run knows it",
        "task some.many: it is mapped, and only a run knows over what",
    ]


def test_a_file_that_airflow_refuses_is_named(tmp_path: Path) -> None:
    write(
        tmp_path,
        "shared.py",
        """
        with DAG("shared", schedule=None):
            KafkaToBigQueryOperator(task_id="a", topic="a", table="d.a", group_id="g")
            KafkaToBigQueryOperator(task_id="b", topic="b", table="d.b", group_id="g")
        """,
    )
    ((path, text),) = dag_folder.read(tmp_path).broken.items()
    assert path.endswith("shared.py")
    assert "tasks 'a' and 'b' share a consumer group, and read topics 'a' and 'b'" in text


def test_consumers_of_the_official_provider_are_found(tmp_path: Path) -> None:
    write(
        tmp_path,
        "plain.py",
        """
        from airflow.providers.apache.kafka.operators.consume import ConsumeFromTopicOperator
        with DAG("plain", schedule="*/5 * * * *"):
            ConsumeFromTopicOperator(task_id="a", topics=["a", "b"], kafka_config_id="kafka_shared", max_messages=10)
            ConsumeFromTopicOperator(task_id="c", topics="c", commit_cadence="never", max_messages=10)
            ConsumeFromTopicOperator(task_id="form", topics=["{{ params.topic }}"], max_messages=10)
        """,
    )
    found = dag_folder.read(tmp_path)
    assert [(one.name, one.topics, one.kafka_conn_id, one.commit_cadence) for one in found.consumers] == [
        ("plain.a", ("a", "b"), "kafka_shared", "end_of_operator"),
        ("plain.c", ("c",), "kafka_default", "never"),
    ]
    assert found.unchecked == ["task plain.form: topics or connection are known only when it runs"]


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no folder"):
        dag_folder.read(tmp_path / "none")
