"""The demo's Airflow is its own, and finds its DAGs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from airflow_kafka_bq.demo.airflow_home import bundles, environment, examples


def test_nothing_of_another_airflow_reaches_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "postgresql://somebody@production/airflow")
    monkeypatch.setenv("AIRFLOW_CONN_KAFKA_DEFAULT", "kafka://production")
    monkeypatch.setenv("AIRFLOW__SECRETS__BACKEND", "somebody.Secrets")
    made = environment(tmp_path, "127.0.0.1:1", "http://127.0.0.1:2")
    assert "production" not in json.dumps(made)
    assert "AIRFLOW__SECRETS__BACKEND" not in made
    assert made["AIRFLOW_HOME"] == str(tmp_path)
    assert json.loads(made["AIRFLOW_CONN_KAFKA_DEFAULT"])["extra"] == {"bootstrap.servers": "127.0.0.1:1"}


def test_both_folders_of_dags_are_there() -> None:
    folders = {one["name"]: Path(one["kwargs"]["path"]) for one in json.loads(bundles())}
    assert (folders["demo"] / "shop_orders.py").exists()
    assert folders["examples"] == examples()
    assert list(folders["examples"].glob("kafka_bq_*.py"))
