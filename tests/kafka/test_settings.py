from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from confluent_kafka import Consumer
from confluent_kafka.admin import AdminClient

from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.kafka.settings import MASK, admin_settings, consumer_settings, masked, read_ahead, redacted

MINIMAL = {"bootstrap.servers": "127.0.0.1:1"}


def for_consumer(**more: Any) -> dict[str, Any]:
    return consumer_settings(MINIMAL | more, group_id="g", isolation_level="read_committed", client_id="kafka-bq")


def test_what_exactly_once_needs_is_forced() -> None:
    found = for_consumer(**{"enable.auto.commit": "FALSE", "auto.offset.reset": "error", "group.id": "another"})
    assert {name: found[name] for name in found if name.startswith(("enable.auto", "auto.", "enable.partition"))} == {
        "enable.auto.commit": "false",
        "enable.auto.offset.store": "false",
        "auto.offset.reset": "error",
        "enable.partition.eof": "true",
    }
    assert (found["isolation.level"], found["group.id"]) == ("read_committed", "g")
    assert found["allow.auto.create.topics"] == "false"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("enable.auto.commit", True),
        ("enable.auto.commit", "true"),
        ("enable.auto.offset.store", "1"),
        ("auto.offset.reset", "earliest"),
        ("auto.offset.reset", "beginning"),
        ("enable.partition.eof", False),
        ("isolation.level", "read_uncommitted"),
        ("auto.commit.enable", "true"),
        ("statistics.interval.ms", 5),
        ("stats_cb", print),
        ("default.topic.config", {"auto.offset.reset": "earliest"}),
    ],
)
def test_what_contradicts_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=name.replace(".", r"\.")):
        for_consumer(**{name: value})


@pytest.mark.parametrize("value", [False, "false", " False ", "0"])
def test_what_agrees_is_taken(value: Any) -> None:
    assert for_consumer(**{"enable.auto.commit": value})["enable.auto.commit"] == "false"


def test_the_user_wins_over_defaults() -> None:
    found = for_consumer(**{"fetch.wait.max.ms": 7, "client.id": "mine", "enable.metrics.push": True})
    assert (found["fetch.wait.max.ms"], found["client.id"], found["enable.metrics.push"]) == (7, "mine", True)
    assert found["fetch.queue.backoff.ms"] == "10"
    assert for_consumer()["enable.metrics.push"] == "false"


def test_without_brokers_there_is_no_client() -> None:
    with pytest.raises(ConfigError, match=r"bootstrap\.servers"):
        consumer_settings({}, group_id="g", isolation_level="read_committed", client_id="c")


def test_another_group_in_the_connection_is_told(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        for_consumer(**{"group.id": "shared"})
    assert "'shared'" in caplog.text


def test_the_client_knows_every_setting_of_ours(capfd: pytest.CaptureFixture[str]) -> None:
    """Also with ``group.protocol=consumer``, beside which a session time-out is refused."""
    for more in ({}, {"group.protocol": "consumer"}):
        Consumer(for_consumer(**more)).close()
    AdminClient(admin_settings(for_consumer(), client_id="kafka-bq")).poll(0)
    assert "CONFWARN" not in capfd.readouterr().err  # what consumers alone know, an admin client complains about


SECRETS = {
    "sasl.password": "pass-canary",
    "ssl.key.password": "key-pass-canary",
    "ssl.key.pem": "pem-canary",
    "ssl.keystore.password": "store-canary",
    "sasl.oauthbearer.client.secret": "secret-canary",
    "sasl.oauthbearer.token.endpoint.url": "https://login.example/?code=url-canary",
    "sasl.oauthbearer.extensions": "logicalCluster=ext-canary",
    "sasl.oauthbearer.config": "config-canary",
    "sasl.oauthbearer.assertion.private.key.passphrase": "phrase-canary",
    "sasl.oauthbearer.assertion.private.key.pem": "assertion-canary",
    "sasl.jaas.config": "jaas-canary",
}
OPEN = {"bootstrap.servers": "b:9092", "sasl.username": "alice", "ssl.key.location": "/etc/key.pem", "client.id": "c"}


def test_secrets_are_masked_and_nothing_else() -> None:
    assert masked(SECRETS | OPEN) == dict.fromkeys(SECRETS, MASK) | OPEN


def test_secrets_are_cut_out_of_texts() -> None:
    text = redacted(f"the client said: {list(SECRETS.values())} and abc", SECRETS | {"sasl.password": "abc"})
    assert "canary" not in text.replace("pass-canary", "", 1)
    assert text.endswith(" and abc")  # too short to be cut out: it would blot out half of what is said


@pytest.mark.parametrize("secret", ["line one\nline two", "quo\"te'd", "back\\slash", "p\u00e4ssw\u00f6rd"])
def test_secrets_are_cut_out_however_they_are_written(secret: str) -> None:
    """A traceback shows the repr of a mapping, a log line its JSON: a PEM key has lines in none of them."""
    texts = [secret, repr(secret), json.dumps({"a": secret}), str({"a": secret}), repr(f"'both' \"{secret}\"")]
    for text in texts:
        cut = redacted(text, {"sasl.password": secret})
        assert MASK in cut
        assert [word for word in ("one", "two", "quo", "slash", "ssw") if word in cut] == []


@pytest.mark.parametrize(
    ("mebibytes", "kilobytes"), [(2, "1024"), (8, "1024"), (16, "2048"), (32, "4096"), (64, "16384"), (512, "16384")]
)
def test_what_is_fetched_ahead_suits_the_batch(mebibytes: int, kilobytes: str) -> None:
    found = for_consumer(**read_ahead({}, mebibytes * 1024 * 1024))
    assert found["queued.max.messages.kbytes"] == kilobytes
    Consumer(found).close()


def test_a_queue_of_the_users_stays_and_the_rest_of_the_settings_too() -> None:
    given = {"queued.max.messages.kbytes": 7, "client.id": "mine"}
    assert read_ahead(given, 1) == given
