"""DAGs from job files."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from airflow_kafka_bq import KafkaToBigQueryOperator, dags_from_yaml, jobfile
from airflow_kafka_bq.config import JobConfig
from airflow_kafka_bq.dags import TASK_ID
from airflow_kafka_bq.exceptions import ConfigError, GroupInUseError

ORDERS: dict[str, Any] = {
    "topic": "shop.orders", "table": "analytics.orders", "dedup_key": ["order_id"], "model": "shop.models:Order",
    "kafka": {"bootstrap.servers": "localhost:9092", "sasl.password": "${NOT_SET_ANYWHERE}"},
    "bigquery": {"project": "demo"},
}  # fmt: skip


def write(folder: Path, name: str = "orders.yaml", **keys: Any) -> Path:
    path = folder / name
    path.write_text(yaml.safe_dump({**ORDERS, **keys}))
    return path


def only(folder: Path, **defaults: Any) -> Any:
    (dag,) = dags_from_yaml(folder, **defaults).values()
    return dag


def test_a_file_is_a_dag_with_one_task(tmp_path: Path) -> None:
    write(tmp_path)
    dag = only(tmp_path)
    assert (dag.dag_id, dag.schedule, dag.catchup, dag.max_active_runs) == ("orders", None, False, 1)
    task = dag.get_task(TASK_ID)
    assert isinstance(task, KafkaToBigQueryOperator)
    assert task.config() == JobConfig.of(**{name: ORDERS[name] for name in ("topic", "table", "dedup_key", "model")})
    assert (task.retries, task.retry_delay) == (3, timedelta(minutes=1))


def test_keys_for_airflow(tmp_path: Path) -> None:
    write(
        tmp_path, dag_id="shop.orders", schedule="15m", start_date="2026-02-01", end_date="2027-01-01T00:00:00+01:00",
        catchup=True, max_active_runs=2, tags="shop", description="orders", owner="data", retries=7, retry_delay="90s",
        execution_timeout="2h", pool="kafka", queue="big", priority_weight=5,
    )  # fmt: skip
    dag = only(tmp_path)
    assert (dag.dag_id, dag.schedule, dag.tags, dag.description) == (
        "shop.orders",
        timedelta(minutes=15),
        {"shop"},
        "orders",
    )
    assert (dag.start_date, dag.catchup, dag.max_active_runs) == (datetime(2026, 2, 1, tzinfo=UTC), True, 2)
    task = dag.get_task(TASK_ID)
    assert (task.owner, task.retries, task.retry_delay, task.execution_timeout) == (
        "data", 7, timedelta(seconds=90), timedelta(hours=2),
    )  # fmt: skip
    assert (task.pool, task.queue, task.priority_weight) == ("kafka", "big", 5)


@pytest.mark.parametrize(
    ("schedule", "meant"),
    [("*/10 * * * *", "*/10 * * * *"), ("@hourly", "@hourly"), (None, None), ("1d", timedelta(days=1))],
)
def test_schedules(tmp_path: Path, schedule: Any, meant: Any) -> None:
    write(tmp_path, schedule=schedule)
    assert only(tmp_path).schedule == meant


def test_slices_make_a_task_group(tmp_path: Path) -> None:
    write(tmp_path, slices=4)
    assert set(only(tmp_path).task_ids) == {f"{TASK_ID}.{name}" for name in ("plan", "stage", "merge")}


def test_templates_wait_for_the_run(tmp_path: Path) -> None:
    write(tmp_path, table="{{ params.table }}", params={"table": "analytics.orders"})
    assert only(tmp_path).get_task(TASK_ID).table == "{{ params.table }}"


def test_defaults_fill_what_files_leave_out(tmp_path: Path) -> None:
    write(tmp_path, owner="orders team")
    write(tmp_path, "payments.yml", topic="shop.payments", table="analytics.payments")
    found = dags_from_yaml(tmp_path, owner="data", schedule="@daily")
    assert {name: (dag.get_task(TASK_ID).owner, dag.schedule) for name, dag in found.items()} == {
        "orders": ("orders team", "@daily"),
        "payments": ("data", "@daily"),
    }


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    write(tmp_path)
    for name in ("models.py", ".hidden.yaml", "notes.txt"):
        (tmp_path / name).write_text("no: [job")
    assert set(dags_from_yaml(tmp_path)) == {"orders"}


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"table": "orders"}, "table"),
        ({"schedul": "@daily"}, "did you mean 'schedule'"),
        ({"retry_delay": "soon"}, "retry_delay='soon'"),
        ({"start_date": "soon"}, "start_date='soon'"),
        ({"slices": 0}, "slices=0"),
        ({"batch_messages": 0}, "batch_messages"),
    ],
    ids=str,
)
def test_a_bad_file_is_named_with_its_key(tmp_path: Path, keys: dict[str, Any], said: str) -> None:
    path = write(tmp_path, **keys)
    with pytest.raises(ConfigError) as refusal:
        dags_from_yaml(tmp_path)
    assert str(path) in refusal.value.message
    assert said in refusal.value.message


def test_two_files_of_one_name_or_one_group_are_refused(tmp_path: Path) -> None:
    write(tmp_path)
    write(tmp_path, "orders.yml", topic="other")
    with pytest.raises(ConfigError, match="dag_id 'orders'"):
        dags_from_yaml(tmp_path)
    write(tmp_path, "orders.yml", dag_id="again")
    with pytest.raises(GroupInUseError, match="share the group"):
        dags_from_yaml(tmp_path)
    write(tmp_path, "orders.yml", dag_id="again", group_id="another")
    assert len(dags_from_yaml(tmp_path)) == 2


def test_no_folder_and_no_such_default(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no folder"):
        dags_from_yaml(tmp_path / "jobs")
    write(tmp_path)
    with pytest.raises(ConfigError, match="topics is no key"):
        dags_from_yaml(tmp_path, topics=5)


def test_the_command_line_reads_over_keys_for_airflow(tmp_path: Path) -> None:
    path = write(tmp_path, schedule="15m", owner="data", slices=2, kafka={"bootstrap.servers": "localhost:9092"})
    assert jobfile.read(path).config.topic == "shop.orders"
    assert jobfile.OF_AIRFLOW.isdisjoint(JobConfig.model_fields)
