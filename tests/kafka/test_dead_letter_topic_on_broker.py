"""Copies on a broker that asks who one is and what one may do, and on a topic that keeps one message per key."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from airflow_kafka_bq.batch import Delivery
from airflow_kafka_bq.exceptions import AccessDeniedError, ConfigError
from airflow_kafka_bq.kafka import KafkaDeadLetterTopic
from airflow_kafka_bq.testing.kafka import KafkaBroker, TopicFactory, allow, create_topic, warm_up
from tests.contract.letter_topic_contract import copies

pytestmark = pytest.mark.kafka

TOPIC = "guarded.dead"


@pytest.fixture(scope="module")
def guarded() -> Iterator[KafkaBroker]:
    users = {"writer": "writer-canary", "reader": "reader-canary"}
    with KafkaBroker(users=users, acl=True, proxied=True) as broker:
        create_topic(broker.bootstrap, TOPIC)
        warm_up(broker.bootstrap, TOPIC)
        allow(broker.bootstrap, "writer", "WRITE", topic=TOPIC)
        allow(broker.bootstrap, "reader", "READ", topic=TOPIC)
        yield broker


def test_write_on_the_topic_is_all_that_a_login_needs(guarded: KafkaBroker) -> None:
    topic = KafkaDeadLetterTopic(guarded.sasl_settings("writer"), TOPIC)
    done = topic.send(copies({"value": b"x"}))
    assert (done.outcomes, done.error) == ((Delivery.ACKNOWLEDGED,), None)
    topic.close()


def test_a_login_that_may_not_write_is_named_with_what_it_needs(guarded: KafkaBroker) -> None:
    topic = KafkaDeadLetterTopic(guarded.sasl_settings("reader"), TOPIC)
    done = topic.send(copies({"value": b"x"}, {"value": b"y"}))
    assert done.outcomes == (Delivery.UNKNOWN,) * 2
    assert type(done.error) is AccessDeniedError, done.error
    assert "WRITE" in str(done.error)
    topic.close()


def test_a_wrong_password_is_not_waited_for(guarded: KafkaBroker) -> None:
    topic = KafkaDeadLetterTopic(guarded.sasl_settings("writer", password="wrong-canary"), TOPIC)
    done = topic.send(copies({"value": b"x"}))
    assert type(done.error) is AccessDeniedError, done.error
    assert "canary" not in str(done.error)
    topic.close()


def test_a_compacted_topic_refuses_what_has_no_key(kafka: KafkaBroker, kafka_topic: TopicFactory) -> None:
    name = kafka_topic(config={"cleanup.policy": "compact"})
    topic = KafkaDeadLetterTopic({"bootstrap.servers": kafka.bootstrap}, name)
    assert topic.send(copies({"key": b"k", "value": b"x"})).error is None
    done = topic.send(copies({"value": b"x"}))
    assert (done.outcomes, type(done.error)) == ((Delivery.UNKNOWN,), ConfigError), done.error
    assert "compacted" in str(done.error)
    topic.close()
