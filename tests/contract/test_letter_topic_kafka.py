"""The contract of a DeadLetterTopic, held by the producer on a real Kafka broker."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from airflow_kafka_bq.testing.kafka import KafkaBroker, TopicFactory
from tests.contract.letter_topic_contract import LetterTopics, Outages, TooLarge
from tests.contract.source_world import BrokerWorld, SourceWorld


@pytest.fixture
def world(kafka: KafkaBroker, kafka_topic: TopicFactory) -> Iterator[SourceWorld]:
    broker = BrokerWorld(kafka.bootstrap, kafka_topic)
    yield broker
    broker.close()


@pytest.fixture
def small(kafka_topic: TopicFactory) -> str:
    return kafka_topic(config={"max.message.bytes": "2000"})


@pytest.fixture
def power(kafka: KafkaBroker) -> Iterator[Callable[[bool], None]]:
    yield lambda on: kafka.resume() if on else kafka.pause()
    kafka.resume()


class TestLetterTopics(LetterTopics):
    """On a real broker."""


class TestTooLarge(TooLarge):
    """On a real broker."""


class TestOutages(Outages):
    """On a real broker."""
