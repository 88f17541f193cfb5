"""pytest fixtures: ``pytest_plugins = ["airflow_kafka_bq.testing.kafka.fixtures"]`` in the top ``conftest.py``.

The real broker is one for each test process: with ``pytest -n 2`` every worker starts its own, on ports of its own.
"""

from __future__ import annotations

import re
import shutil
import uuid
from collections.abc import Iterator, Mapping

import pytest
from confluent_kafka import Producer

from airflow_kafka_bq.testing.kafka.broker import KafkaBroker
from airflow_kafka_bq.testing.kafka.mock_cluster import MockCluster, MockClusterUnavailableError
from airflow_kafka_bq.testing.kafka.producing import new_producer, send
from airflow_kafka_bq.testing.kafka.registry import SchemaRegistryServer, registry_is_here
from airflow_kafka_bq.testing.kafka.topics import TopicFactory, create_topic
from airflow_kafka_bq.testing.kafka.transactions import warm_up


@pytest.fixture(scope="session")
def kafka() -> Iterator[KafkaBroker]:
    """A real broker, started once and shared: do not stop or pause it, start another one for that.

    Its internal topics exist already, so that the first commit of a test does not wait for them.
    """
    with KafkaBroker() as broker:
        create_topic(broker.bootstrap, "warm-up")
        warm_up(broker.bootstrap, "warm-up")
        yield broker


@pytest.fixture(scope="session")
def schema_registry() -> Iterator[SchemaRegistryServer]:
    """A real schema registry, started once and shared: use subjects of your own. Skipped where Maven is missing."""
    if shutil.which("mvn") is None and not registry_is_here():
        pytest.skip("the schema registry comes by Maven, which is not installed")
    with SchemaRegistryServer() as server:
        yield server


@pytest.fixture(scope="session")
def producer(kafka: KafkaBroker) -> Iterator[Producer]:
    """A connected idempotent producer to :func:`kafka`, for :func:`.producing.send`."""
    shared = new_producer(kafka.bootstrap)
    send(shared, "warm-up", [None])
    yield shared
    shared.flush(10)


@pytest.fixture
def kafka_topic(kafka: KafkaBroker, request: pytest.FixtureRequest) -> TopicFactory:
    """Makes fresh topics on :func:`kafka`: ``kafka_topic(partitions=3)`` returns the name."""

    def create(partitions: int = 1, *, config: Mapping[str, str] | None = None) -> str:
        name = _unique_name(request)
        create_topic(kafka.bootstrap, name, partitions, config=config)
        return name

    return create


@pytest.fixture
def mock_cluster() -> Iterator[MockCluster]:
    """A mock cluster of one broker for this test alone, so that no fault of one test reaches another."""
    cluster = MockCluster()
    try:
        cluster.start()
    except MockClusterUnavailableError as missing:
        pytest.skip(str(missing))
    cluster.set_initial_rebalance_delay(0)
    yield cluster
    cluster.stop()


@pytest.fixture
def mock_topic(mock_cluster: MockCluster, request: pytest.FixtureRequest) -> TopicFactory:
    """Makes fresh topics on :func:`mock_cluster`; it knows no topic settings."""

    def create(partitions: int = 1, *, config: Mapping[str, str] | None = None) -> str:
        if config:
            raise ValueError("the mock cluster knows no topic settings")
        name = _unique_name(request)
        mock_cluster.create_topic(name, partitions)
        return name

    return create


def _unique_name(request: pytest.FixtureRequest) -> str:
    """The test's name in it tells whose topic a log line means."""
    test = re.sub(r"[^A-Za-z0-9_-]+", "-", str(request.node.name)).removeprefix("test_")
    return f"{test[:40].strip('-')}-{uuid.uuid4().hex[:8]}"
