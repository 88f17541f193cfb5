"""A DAG of one task, run by Airflow against the mock cluster and the local BigQuery."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from google.cloud.bigquery import Client

from airflow_kafka_bq import KafkaToBigQueryOperator
from airflow_kafka_bq.testing.bigquery import LocalBigQuery
from airflow_kafka_bq.testing.kafka import MockCluster, NewMessage, produce
from tests import airflow_home

_numbers = itertools.count()


def task(**parameters: Any) -> KafkaToBigQueryOperator:
    """An operator with everything that it must have."""
    return KafkaToBigQueryOperator(**{"task_id": "load", "topic": "t", "table": "d.t", **parameters})


@dataclass
class Finished:
    """What became of a task."""

    state: str
    report: Any
    links: dict[str, str | None]
    tries: int


@dataclass
class Wings:
    """One topic, one table, both connections, and tasks between them."""

    cluster: MockCluster
    client: Client
    dataset: str
    topic: str
    log: pytest.LogCaptureFixture
    printed: pytest.CaptureFixture[str]

    @property
    def table(self) -> str:
        return f"{self.dataset}.target"

    def fill(self, count: int, first: int = 0) -> None:
        """Orders with ids from ``first`` on, partition by turns."""
        produce(
            self.cluster.bootstrap,
            self.topic,
            [NewMessage({"id": f"o{n}", "n": n}, partition=n % 2) for n in range(first, first + count)],
        )

    def told(self) -> str:
        """All that was logged since: by us, and by Airflow's task runner, which has a logger of its own."""
        return self.log.text + "".join(self.printed.readouterr())

    def rows(self) -> int:
        found = self.client.query_and_wait(f"SELECT COUNT(*) FROM `demo.{self.table}`")
        return int(next(iter(found))[0])

    def run(self, build: Callable[..., Any], conf: dict[str, Any] | None = None, **arguments: Any) -> Finished:
        """Run a DAG with the one task that ``build`` makes."""
        from airflow.sdk import DAG

        with DAG(f"wings_{next(_numbers)}", schedule=None, **arguments) as dag:
            task = build()
        return self.run_dag(dag, task.task_id, conf)

    def run_dag(self, dag: Any, task_id: str, conf: dict[str, Any] | None = None, **when: Any) -> Finished:
        """Run a DAG; what became of one of its tasks."""
        from airflow.models.xcom import XComModel
        from airflow.utils.session import create_session
        from sqlalchemy import select

        airflow_home.register(dag)
        with self.log.at_level(logging.INFO):
            run = dag.test(run_conf=conf, **when)
        (instance,) = (one for one in run.get_task_instances() if one.task_id == task_id)
        with create_session() as session:
            asked = select(XComModel.key, XComModel.value).where(
                XComModel.run_id == run.run_id, XComModel.dag_id == run.dag_id, XComModel.task_id == task_id
            )
            kept = {key: XComModel.deserialize_value(_Row(value)) for key, value in session.execute(asked)}
        links = {key: value for key, value in kept.items() if key.startswith("kafka_bq_")}
        return Finished(str(instance.state), kept.get("return_value"), links, instance.try_number)


@dataclass
class _Row:
    value: Any


@pytest.fixture
def wings(
    mock_cluster: MockCluster,
    bigquery: LocalBigQuery,
    bigquery_client: Client,
    dataset: str,
    airflow_database: None,  # noqa: ARG001 - made before the first run
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> Iterator[Wings]:
    """A fresh topic of two partitions and a fresh dataset."""
    topic = f"wings-{next(_numbers)}"
    mock_cluster.create_topic(topic, 2)
    google = {"project": "demo", "api_endpoint": bigquery.url}
    with airflow_home.connections(
        kafka_default={"bootstrap.servers": mock_cluster.bootstrap}, google_cloud_default=google
    ):
        yield Wings(mock_cluster, bigquery_client, dataset, topic, caplog, capfd)
