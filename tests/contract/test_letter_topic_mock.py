"""The contract of a DeadLetterTopic, held by the producer on librdkafka's mock cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from airflow_kafka_bq.testing.kafka import MockCluster, TopicFactory
from tests.contract.letter_topic_contract import LetterTopics, Outages
from tests.contract.source_world import MockWorld, SourceWorld


@pytest.fixture
def world(mock_cluster: MockCluster, mock_topic: TopicFactory) -> Iterator[SourceWorld]:
    mock = MockWorld(mock_cluster, mock_topic)
    yield mock
    mock.close()


@pytest.fixture
def power(mock_cluster: MockCluster) -> Iterator[Callable[[bool], None]]:
    yield lambda on: mock_cluster.broker_up() if on else mock_cluster.broker_down()
    mock_cluster.broker_up()


class TestLetterTopics(LetterTopics):
    """On the mock cluster."""


class TestOutages(Outages):
    """On the mock cluster."""
