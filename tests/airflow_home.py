"""An Airflow for the tests: a home and a database of their own, made when first needed, gone with the process."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HOME = Path(tempfile.mkdtemp(prefix="kafka-bq-airflow-"))
SETTINGS = {
    "AIRFLOW_HOME": str(HOME),
    "AIRFLOW__CORE__DAGS_FOLDER": str(HOME / "dags"),
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__CORE__PARALLELISM": "2",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{HOME / 'airflow.db'}",
    "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
}


def settle() -> None:
    """Call before Airflow is imported: it reads its home once."""
    (HOME / "dags").mkdir(parents=True, exist_ok=True)
    os.environ.update(SETTINGS)


def leave() -> None:
    """Remove the home."""
    shutil.rmtree(HOME, ignore_errors=True)


def make_database() -> None:
    """A new database; about four seconds."""
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    from airflow.utils.db import initdb

    initdb()
    DagBundlesManager().sync_bundles_to_db()  # type: ignore[no-untyped-call]


def register(dag: Any) -> None:
    """Write a DAG to the database, as the processor does with those in files: a run needs it there."""
    from airflow.models.serialized_dag import SerializedDagModel
    from airflow.serialization import serialized_objects
    from airflow.utils.session import create_session

    objects: Any = serialized_objects
    if hasattr(objects.LazyDeserializedDAG, "from_dag"):
        lazy = objects.LazyDeserializedDAG.from_dag(dag)
    else:  # Airflow 3.1
        lazy = objects.LazyDeserializedDAG(data=objects.SerializedDAG.to_dict(dag), last_loaded=dag.last_loaded)
    with create_session() as session:
        objects.SerializedDAG.bulk_write_to_db("dags-folder", None, [lazy], session=session)
        SerializedDagModel.write_dag(lazy, "dags-folder", session=session)


@contextmanager
def connections(**extras: Mapping[str, Any]) -> Iterator[None]:
    """Connections by id, each given by its extra; the type follows from the name."""
    names = {f"AIRFLOW_CONN_{conn_id.upper()}": (conn_id, extra) for conn_id, extra in extras.items()}
    before = {name: os.environ.get(name) for name in names}
    for name, (conn_id, extra) in names.items():
        kind = "kafka" if conn_id.startswith("kafka") else "google_cloud_platform"
        os.environ[name] = json.dumps({"conn_type": kind, "extra": extra})
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
