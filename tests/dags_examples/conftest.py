"""The example DAGs as they are, on a real broker and the local BigQuery."""

from __future__ import annotations

import importlib.util
import itertools
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from google.cloud.bigquery import Client

from airflow_kafka_bq.testing.bigquery import LocalBigQuery
from airflow_kafka_bq.testing.kafka import KafkaBroker, NewMessage, create_topic, delete_topic, produce
from tests import airflow_home

EXAMPLES = Path(__file__).parents[2] / "dags_examples"
_projects = itertools.count()


@dataclass
class Shop:
    """The shop of the examples: its topics, and the dataset ``analytics``, in a project of its own."""

    bootstrap: str
    client: Client
    printed: pytest.CaptureFixture[str]
    log: pytest.LogCaptureFixture

    def dag(self, name: str) -> Any:
        """A DAG of ``dags_examples``, by the name of its file."""
        spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
        assert spec
        assert spec.loader
        module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        for task in module.dag.tasks:
            task.retry_delay = timedelta(seconds=1)  # nobody waits for the minutes of an example
        return module.dag

    def send(self, topic: str, *messages: NewMessage) -> None:
        produce(self.bootstrap, topic, list(messages))

    def order(self, number: int, when: datetime | None = None, **fields: Any) -> NewMessage:
        """An order on partition 0 or 1, by its number."""
        body = {"order_id": f"o{number}", **fields}
        stamp = None if when is None else int(when.timestamp() * 1000)
        return NewMessage(
            json.dumps(body).encode(), partition=number % 2, timestamp_ms=stamp, key=f"o{number}".encode()
        )

    def run(self, name: str, conf: dict[str, Any] | None = None, when: datetime | None = None) -> dict[str, str]:
        """Run an example; the state of each task."""
        dag = self.dag(name)
        airflow_home.register(dag)
        run = dag.test(run_conf=conf, logical_date=when)
        return {one.task_id: str(one.state) for one in run.get_task_instances()}

    def told(self) -> str:
        """All that was logged since."""
        return self.log.text + "".join(self.printed.readouterr())

    def rows(self, table: str, columns: str = "COUNT(*)") -> list[tuple[Any, ...]]:
        found = self.client.query_and_wait(f"SELECT {columns} FROM `{self.client.project}.analytics.{table}`")
        return sorted(tuple(row.values()) for row in found)


@pytest.fixture
def shop(
    kafka: KafkaBroker,
    bigquery: LocalBigQuery,
    airflow_database: None,  # noqa: ARG001 - made before the first run
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> Iterator[Shop]:
    """Fresh topics and a fresh project."""
    topics = ("shop.orders", "shop.payments", "shop.returns")
    for topic in topics:
        create_topic(kafka.bootstrap, topic, 2)
    project = f"shop-{next(_projects)}"
    client = bigquery.client(project=project)
    client.create_dataset("analytics")
    google = {"project": project, "api_endpoint": bigquery.url}
    settings = {"bootstrap.servers": kafka.bootstrap}
    with airflow_home.connections(kafka_default=settings, google_cloud_default=google), caplog.at_level("INFO"):
        yield Shop(kafka.bootstrap, client, capfd, caplog)
    client.delete_dataset("analytics", delete_contents=True, not_found_ok=True)
    client.close()
    for topic in topics:
        delete_topic(kafka.bootstrap, topic)
