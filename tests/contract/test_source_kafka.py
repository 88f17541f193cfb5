"""The contract of a Source, held by the adapter on a real Kafka broker."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from airflow_kafka_bq.testing.kafka import KafkaBroker, TopicFactory
from tests.contract.members_contract import Membership
from tests.contract.reading_contract import Reading
from tests.contract.source_contract import TopicAndGroup, group_id
from tests.contract.source_world import BrokerWorld, SourceWorld
from tests.contract.times_contract import Times

__all__ = ["group_id"]


@pytest.fixture
def world(kafka: KafkaBroker, kafka_topic: TopicFactory) -> Iterator[SourceWorld]:
    broker = BrokerWorld(kafka.bootstrap, kafka_topic)
    yield broker
    broker.close()


class TestTopicAndGroup(TopicAndGroup):
    """On a real broker."""


class TestReading(Reading):
    """On a real broker."""


class TestTimes(Times):
    """On a real broker."""


class TestMembership(Membership):
    """On a real broker."""
