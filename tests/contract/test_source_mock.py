"""The contract of a Source, held by the adapter on librdkafka's mock cluster."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from airflow_kafka_bq.testing.kafka import MockCluster, TopicFactory
from tests.contract.members_contract import Membership
from tests.contract.reading_contract import Reading
from tests.contract.source_contract import TopicAndGroup, group_id
from tests.contract.source_world import MockWorld, SourceWorld
from tests.contract.times_contract import Times

__all__ = ["group_id"]


@pytest.fixture
def world(mock_cluster: MockCluster, mock_topic: TopicFactory) -> Iterator[SourceWorld]:
    mock = MockWorld(mock_cluster, mock_topic)
    yield mock
    mock.close()


class TestTopicAndGroup(TopicAndGroup):
    """On the mock cluster."""


class TestReading(Reading):
    """On the mock cluster."""


class TestTimes(Times):
    """On the mock cluster."""


class TestMembership(Membership):
    """On the mock cluster."""
