"""A task whose columns come from a registry: the registry's login is a connection."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_kafka_bq.assembly import close
from airflow_kafka_bq.config import JobConfig
from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.operators.job import job_of
from airflow_kafka_bq.pipeline.stopping import Stop
from airflow_kafka_bq.testing.kafka.registry import SchemaRegistryServer
from tests import airflow_home

CONTEXT: Any = {"ti": SimpleNamespace(dag_id="shop", task_id="orders", run_id="manual", try_number=1)}
GOOGLE = {"project": "demo", "api_endpoint": "http://127.0.0.1:9", "location": "EU"}
KAFKA = {"bootstrap.servers": "127.0.0.1:9"}
SCHEMA = '{"type": "record", "name": "Order", "fields": [{"name": "order_id", "type": "long"}]}'
PARAMETERS: dict[str, Any] = {
    "topic": "operators.orders", "table": "analytics.orders", "value_format": "avro", "schema_from": "registry",
    "kafka_conn_id": "kafka_x", "gcp_conn_id": "google_x",
}  # fmt: skip


def columns(config: JobConfig, **connections: dict[str, Any]) -> list[str]:
    with airflow_home.connections(google_x=GOOGLE, **connections):
        job = job_of(config, CONTEXT, Stop(), lambda _key, _address: None)
    close(job)
    return [one.name for one in job.target.columns if not one.name.startswith("_")]


@pytest.fixture
def url(schema_registry: SchemaRegistryServer) -> str:
    clients = pytest.importorskip("confluent_kafka.schema_registry")
    shelf = clients.SchemaRegistryClient({"url": schema_registry.url})
    shelf.register_schema("operators.orders-value", clients.Schema(SCHEMA, "AVRO"))
    return schema_registry.url


def test_settings_of_a_connection_of_its_own(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_REGISTRY", json.dumps({"conn_type": "http", "host": url}))
    config = JobConfig.of(**PARAMETERS, schema_registry_conn_id="registry")
    assert columns(config, kafka_x=KAFKA) == ["order_id"]


def test_settings_among_those_of_kafka(url: str) -> None:
    assert columns(JobConfig.of(**PARAMETERS), kafka_x=KAFKA | {"schema.registry.url": url}) == ["order_id"]


def test_no_registry_is_said() -> None:
    pytest.importorskip("confluent_kafka.schema_registry")
    with pytest.raises(ConfigError, match="url of the schema registry is missing"):
        columns(JobConfig.of(**PARAMETERS), kafka_x=KAFKA)
