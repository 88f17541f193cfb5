from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from airflow_kafka_bq.testing.kafka import KafkaBroker, allow, create_topic, forbid, produce


@pytest.fixture(scope="module")
def guarded() -> Iterator[KafkaBroker]:
    with KafkaBroker(users={"reader": "right", "nobody": "also-right"}, tls=True, acl=True, proxied=True) as kafka:
        create_topic(kafka.bootstrap, "t")
        yield kafka


pytestmark = pytest.mark.kafka


def topics_seen(settings: dict[str, str]) -> set[str]:
    return set(AdminClient({**settings, "log_level": 0}).list_topics(timeout=5).topics)


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256"])
def test_a_user_sees_what_is_allowed_and_nothing_else(guarded: KafkaBroker, mechanism: str) -> None:
    name = f"secret-{mechanism.lower()}"
    create_topic(guarded.bootstrap, name)
    reader = guarded.sasl_settings("reader", mechanism=mechanism)
    assert name not in topics_seen(reader)
    allow(guarded.bootstrap, "reader", "DESCRIBE", topic=name)
    assert name in topics_seen(reader)
    assert name not in topics_seen(guarded.sasl_settings("nobody", mechanism=mechanism))
    with pytest.raises(KafkaException, match="TOPIC_AUTHORIZATION_FAILED"):
        produce(reader["bootstrap.servers"], name, [b"x"], settings={**reader, "enable.idempotence": False})


def test_group_access_is_separate(guarded: KafkaBroker) -> None:
    allow(guarded.bootstrap, "reader", "READ", topic="t", group_id="g")
    consumer = Consumer(guarded.sasl_settings("reader") | {"group.id": "g"})
    consumer.commit(offsets=[TopicPartition("t", 0, 0)], asynchronous=False)
    assert consumer.committed([TopicPartition("t", 0)], timeout=5)[0].offset == 0
    consumer.close()


def test_what_was_allowed_can_be_taken_back(guarded: KafkaBroker) -> None:
    for name in ("taken", "kept"):
        create_topic(guarded.bootstrap, name)
        allow(guarded.bootstrap, "reader", "DESCRIBE", topic=name)
    forbid(guarded.bootstrap, "reader", topic="taken")
    assert {"taken", "kept"} & topics_seen(guarded.sasl_settings("reader")) == {"kept"}


def test_an_unknown_operation_is_refused(guarded: KafkaBroker) -> None:
    with pytest.raises(ValueError, match="no Kafka operation"):
        allow(guarded.bootstrap, "reader", "PEEK", topic="t")


def test_a_wrong_password_is_named_by_the_error_callback(guarded: KafkaBroker) -> None:
    seen: list[str] = []
    settings: dict[str, object] = {**guarded.sasl_settings("reader", password="wrong"), "log_level": 0, "group.id": "g"}
    consumer = Consumer(settings | {"error_cb": lambda error: seen.append(error.name())})
    consumer.assign([TopicPartition("t", 0, 0)])
    deadline = time.monotonic() + 10
    while "_AUTHENTICATION" not in seen and time.monotonic() < deadline:
        consumer.poll(0.1)
    consumer.close()
    assert "_AUTHENTICATION" in seen


def test_the_tls_listener_shows_the_certificate_of_this_cluster(guarded: KafkaBroker) -> None:
    assert "t" in topics_seen(guarded.tls_settings())
    untrusting = {name: value for name, value in guarded.tls_settings().items() if name != "ssl.ca.location"}
    with pytest.raises(KafkaException):
        AdminClient({**untrusting, "log_level": 0}).list_topics(timeout=1)


def test_the_proxied_listener_goes_through_the_proxy_alone(guarded: KafkaBroker) -> None:
    proxy = guarded.proxies[1]
    before = proxy.answer_bytes
    produce(guarded.proxied_bootstrap, "t", [b"x"])
    assert proxy.answer_bytes > before
    proxy.cut()
    with pytest.raises(KafkaException):
        produce(guarded.proxied_bootstrap, "t", [b"x"], timeout_seconds=1, settings={"log_level": 0})
    proxy.restore()
    produce(guarded.proxied_bootstrap, "t", [b"x"])
