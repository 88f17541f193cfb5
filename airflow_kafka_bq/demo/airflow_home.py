"""An Airflow of the demo's own: its variables and its database. Nothing here imports Airflow."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from airflow_kafka_bq.demo.site import PROJECT

DAGS = Path(__file__).parent / "dags"
_LOCAL = "airflow.dag_processing.bundles.local.LocalDagBundle"


def examples() -> Path:
    """The example DAGs: inside the package where it is installed, beside it in a clone."""
    package = Path(__file__).parents[1]
    installed = package / "example_dags"
    return installed if installed.exists() else package.with_name("dags_examples")


def bundles() -> str:
    """Setting of the DAG processor: the demo's DAG and the examples."""
    folders = {"demo": DAGS, "examples": examples()}
    return json.dumps([
        {"name": name, "classpath": _LOCAL, "kwargs": {"path": str(path)}} for name, path in folders.items()
    ])  # fmt: skip


def environment(home: Path, bootstrap: str, bigquery_url: str) -> dict[str, str]:
    """Variables for a process of this Airflow: nothing that the user has set for another one reaches it."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW_")}
    return own | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PARALLELISM": "2",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
        "AIRFLOW_CONN_KAFKA_DEFAULT": _connection("kafka", {"bootstrap.servers": bootstrap}),
        "AIRFLOW_CONN_GOOGLE_CLOUD_DEFAULT": _connection(
            "google_cloud_platform", {"project": PROJECT, "api_endpoint": bigquery_url, "is_anonymous": True}
        ),
    }


def _connection(kind: str, extra: Mapping[str, object]) -> str:
    return json.dumps({"conn_type": kind, "extra": extra})
