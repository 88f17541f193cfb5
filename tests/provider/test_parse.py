"""A DAG file costs little: what it imports, and what its operators do, when Airflow parses it over and over.

The time itself is measured by ``python -m benchmarks.parse``.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import DAG

from airflow_kafka_bq import KafkaToBigQueryOperator
from airflow_kafka_bq.operators import siblings

DAG_FILE = """
from airflow.sdk import DAG
from airflow_kafka_bq import KafkaToBigQueryOperator, PlanKafkaToBigQueryOperator, RedriveDeadLettersOperator

with DAG("fifty", schedule=None) as dag:
    for n in range(50):
        KafkaToBigQueryOperator(
            task_id=f"t{n}", topic=f"shop.topic_{n}", table=f"analytics.table_{n}", model="shop.models:Order",
            dedup_key=["order_id"], on_duplicate="update", version="updated_at", partition_by="created_on",
            window={"from": "{{ data_interval_start }}", "to": "{{ data_interval_end }}"},
        )
    PlanKafkaToBigQueryOperator(task_id="plan", topic="shop.orders", table="analytics.orders")
    RedriveDeadLettersOperator(task_id="redrive", topic="shop.orders", table="analytics.orders")
"""
PARSE = """
import json, runpy, sys
import airflow.sdk, airflow.providers.standard.operators.bash
before = set(sys.modules)
found = runpy.run_path(sys.argv[1])
assert len(found["dag"].tasks) == 52
print(json.dumps(sorted(set(sys.modules) - before)))
"""
# What a run needs and a parse does not.
HEAVY = {"pyarrow", "pandas", "numpy", "confluent_kafka", "google", "fastavro", "orjson", "rich", "click", "shop"}
ROOMS = {"_airflow", "config", "exceptions", "links", "operators"}


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Modules that a DAG file of 50 operators brings in, beside those of Airflow and of a BashOperator."""
    path = tmp_path_factory.mktemp("parse") / "fifty.py"
    path.write_text(DAG_FILE, "utf-8")
    done = subprocess.run([sys.executable, "-c", PARSE, str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: list[str] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_no_client_and_no_data_library_is_imported(imported: list[str]) -> None:
    assert {name.partition(".")[0] for name in imported} & HEAVY == set()


def test_only_the_rooms_of_the_parameters_are_entered(imported: list[str]) -> None:
    ours = {Path(name.replace(".", "/")).parts[1] for name in imported if name.startswith("airflow_kafka_bq.")}
    assert ours == ROOMS


def test_no_hook_of_another_provider_is_imported(imported: list[str]) -> None:
    others = {name for name in imported if name.startswith("airflow.providers.")}
    assert {name for name in others if not name.startswith("airflow.providers.common.compat")} == set()


def test_the_work_grows_with_the_number_of_tasks_and_not_with_its_square(monkeypatch: pytest.MonkeyPatch) -> None:
    named: list[Any] = []
    real = siblings._group

    def noted(task: Any) -> tuple[str, str]:
        named.append(task)
        return real(task)

    monkeypatch.setattr(siblings, "_group", noted)
    with DAG("many", schedule=None):
        tasks = [KafkaToBigQueryOperator(task_id=f"t{n}", topic=f"t{n}", table=f"d.t{n}") for n in range(40)]
    assert named == tasks
