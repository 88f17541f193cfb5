"""The producer of copies, where no cluster is needed; what it promises is in ``tests/contract``."""

from __future__ import annotations

import contextlib
import time
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from airflow_kafka_bq.batch import Delivery
from airflow_kafka_bq.exceptions import AccessDeniedError, ConfigError, KafkaUnavailableError, TerminalError
from airflow_kafka_bq.kafka.clients import built
from airflow_kafka_bq.kafka.dead_letter_topic import KafkaDeadLetterTopic
from airflow_kafka_bq.kafka.settings import producer_settings
from tests.contract.letter_topic_contract import copies
from tests.kafka.test_clients import in_a_child

NOBODY = {"bootstrap.servers": "127.0.0.1:1"}


def test_what_is_acknowledged_is_kept_whatever_the_connection_says() -> None:
    weak = {
        "acks": "0", "request.required.acks": "1", "enable.idempotence": False, "retries": 0, "transactional.id": "x",
        "max.in.flight.requests.per.connection": 50, "delivery.report.only.error": True, "message.timeout.ms": 1,
        "group.id": "g", "auto.offset.reset": "earliest", "compression.type": "zstd",
    }  # fmt: skip
    found = producer_settings(NOBODY | weak, client_id="me", timeout_seconds=7)
    assert (found["acks"], found["enable.idempotence"], found["message.timeout.ms"]) == ("all", "true", "7000")
    assert (found["allow.auto.create.topics"], found["client.id"], found["compression.type"]) == ("false", "me", "zstd")
    gone = set(weak) - {"acks", "enable.idempotence", "message.timeout.ms", "compression.type"}
    assert not gone & set(found)


def test_a_size_that_the_connection_names_stays() -> None:
    given = NOBODY | {"message.max.bytes": "5000"}
    assert producer_settings(given, client_id="me", timeout_seconds=1)["message.max.bytes"] == "5000"


def test_no_broker_is_named_at_once() -> None:
    with pytest.raises(ConfigError, match=r"bootstrap\.servers"):
        KafkaDeadLetterTopic({}, "dead")


def test_a_setting_that_the_client_refuses_is_told_and_nothing_is_raised() -> None:
    done = KafkaDeadLetterTopic(NOBODY | {"compression.type": "no-such"}, "dead").send(copies({"value": b"x"}))
    assert done.outcomes == (Delivery.UNKNOWN,)
    assert isinstance(done.error, ConfigError)
    assert "no-such" in str(done.error)


def test_nobody_answers_within_the_limit() -> None:
    topic, began = KafkaDeadLetterTopic(NOBODY, "dead", 0.5), time.monotonic()
    done = topic.send(copies({"value": b"x"}))
    assert time.monotonic() - began < 5
    assert (done.outcomes, type(done.error)) == ((Delivery.UNKNOWN,), KafkaUnavailableError)
    assert "copying dead letters to topic 'dead'" in str(done.error)
    topic.close()


def test_a_message_that_the_client_itself_finds_too_large() -> None:
    topic = KafkaDeadLetterTopic(NOBODY | {"message.max.bytes": "1000"}, "dead", 0.2)
    done = topic.send(copies({"value": b"x" * 2_000}, {"value": b"y" * 2_000}))
    assert (done.outcomes, done.error) == ((Delivery.TOO_LARGE,) * 2, None)
    topic.close()


def test_a_full_queue_is_waited_for_no_longer_than_the_limit() -> None:
    topic = KafkaDeadLetterTopic(NOBODY | {"queue.buffering.max.messages": "1"}, "dead", 0.3)
    began = time.monotonic()
    done = topic.send(copies(*({"value": b"x"} for _ in range(3))))
    assert time.monotonic() - began < 8
    assert (done.outcomes, type(done.error)) == ((Delivery.UNKNOWN,) * 3, KafkaUnavailableError)
    topic.close()


def test_a_producer_without_a_token_says_why_there_is_none() -> None:
    """The client calls back, waits ten seconds, and then only says that no token came."""

    def no_token(_config: Any) -> Any:
        raise ValueError("canary")

    def client(settings: dict[str, Any]) -> None:
        with contextlib.suppress(ValueError):
            settings["oauth_cb"]("")
        raise KafkaException(KafkaError(KafkaError._FAIL, "OAuth token not set within 10 seconds timeout"))

    with pytest.raises(AccessDeniedError, match="oauth_cb raised ValueError") as error:
        built(client, {}, NOBODY | {"oauth_cb": no_token}, lambda _: None)
    assert "canary" not in str(error.value)


def test_a_child_of_a_fork_does_not_use_its_parents_client() -> None:
    topic = KafkaDeadLetterTopic(NOBODY, "dead", 0.2)
    topic._client()

    def refused() -> bool:
        done = topic.send(copies({"value": b"x"}))
        return type(done.error) is TerminalError and "process" in str(done.error)

    assert in_a_child(refused)
    topic.close()
