"""What only a real broker shows: logins, permissions, re-created topics, big messages."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from airflow_kafka_bq.batch import Bounds, Position
from airflow_kafka_bq.exceptions import (
    AccessDeniedError,
    ConfigError,
    IngestError,
    KafkaUnavailableError,
    NotFoundError,
    TopicChangedError,
)
from airflow_kafka_bq.kafka import KafkaSource
from airflow_kafka_bq.testing.kafka import (
    KafkaBroker,
    NewMessage,
    OpenTransaction,
    TopicFactory,
    allow,
    create_topic,
    delete_records,
    delete_topic,
    produce,
    warm_up,
)

pytestmark = pytest.mark.kafka

TOPIC = "guarded"
USERS = {
    "reader": "reader-canary",
    "looker": "looker-canary",
    "groupless": "groupless-canary",
    "stranger": "stranger-1",
}


@pytest.fixture(scope="module")
def guarded() -> Iterator[KafkaBroker]:
    """With logins, TLS and access control; those who come through its proxy need none."""
    with KafkaBroker(users=USERS, tls=True, acl=True, proxied=True) as broker:
        create_topic(broker.bootstrap, TOPIC, 2)
        warm_up(broker.bootstrap, TOPIC)
        produce(broker.bootstrap, TOPIC, [NewMessage(b"x", partition=0)])
        allow(broker.bootstrap, "reader", "READ", topic=TOPIC, group_id="g")
        allow(broker.bootstrap, "looker", "DESCRIBE", topic=TOPIC)
        allow(broker.bootstrap, "looker", "READ", group_id="g")
        allow(broker.bootstrap, "groupless", "READ", topic=TOPIC)
        yield broker


def outcome(settings: Mapping[str, Any], call: str, seconds: float = 3.0) -> Any:
    """What a call of a fresh source returns or raises; it never hangs and never tells a password."""
    source = KafkaSource(settings, TOPIC, "g", request_timeout_seconds=seconds)
    started = time.monotonic()
    try:
        found = attempt(source, call, seconds)
        source.close()
        return found
    except IngestError as error:
        found = error
    source.close()
    assert time.monotonic() - started < seconds + 2
    assert "canary" not in f"{found} {found.__cause__} {found.__context__}"
    return found


def attempt(source: KafkaSource, call: str, seconds: float) -> Any:
    if call == "commit":
        return source.commit({0: Position(1)}, "")
    if call != "poll":
        return getattr(source, call)()
    source.open({0: Position(0), 1: Position(0)})
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := source.poll(10, 0.1).messages.num_rows:
            return found
    return source.connection_error()


CALLS = ["describe", "committed", "group", "bounds", "poll", "commit"]


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256"])
def test_a_login_with_its_permissions_does_everything(guarded: KafkaBroker, mechanism: str) -> None:
    found = [outcome(guarded.sasl_settings("reader", mechanism=mechanism), call, 10) for call in CALLS]
    assert [each for each in found if isinstance(each, IngestError)] == []
    assert found[4] == 1


@pytest.mark.parametrize("call", CALLS)
def test_a_wrong_password_ends_every_call_at_once(guarded: KafkaBroker, call: str) -> None:
    started = time.monotonic()
    found = outcome(guarded.sasl_settings("reader", password="wrong-canary"), call, 10)
    assert type(found) is AccessDeniedError, found
    assert time.monotonic() - started < 4
    assert "uthentication" in str(found)


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_a_wrong_login_of_another_kind_too(guarded: KafkaBroker, mechanism: str) -> None:
    wrong = guarded.sasl_settings("reader", password="wrong-canary", mechanism=mechanism)
    assert type(outcome(wrong, "describe", 10)) is AccessDeniedError


@pytest.mark.parametrize("call", ["describe", "poll"])
def test_an_unknown_certificate_ends_the_run(guarded: KafkaBroker, call: str) -> None:
    settings = {name: value for name, value in guarded.tls_settings().items() if name != "ssl.ca.location"}
    found = outcome(settings, call, 10)
    assert type(found) is AccessDeniedError
    assert "certificate" in str(found)


def test_the_wrong_port_gets_a_hint(guarded: KafkaBroker) -> None:
    sasl = guarded.sasl_settings("reader")
    plain = [{"bootstrap.servers": each["bootstrap.servers"]} for each in (sasl, guarded.tls_settings())]
    tls_on_plain = guarded.tls_settings() | {"bootstrap.servers": guarded.bootstrap}
    with ThreadPoolExecutor(3) as pool:
        wrong = list(pool.map(lambda each: outcome(each, "describe", 1.5), [*plain, tls_on_plain]))
    for found in wrong:
        assert type(found) is KafkaUnavailableError
        assert "security.protocol" in str(found)
    sasl_on_plain = outcome(sasl | {"bootstrap.servers": guarded.bootstrap}, "describe", 5)
    assert type(sasl_on_plain) is AccessDeniedError


@pytest.mark.parametrize(
    ("user", "calls", "denied"),
    [
        ("looker", CALLS, ["poll", "commit"]),
        # What it polls has a test of its own.
        ("groupless", ["describe", "committed", "group", "bounds", "commit"], ["committed", "group", "commit"]),
        ("stranger", CALLS, CALLS),
    ],
)
def test_a_missing_permission_is_named(guarded: KafkaBroker, user: str, calls: list[str], denied: list[str]) -> None:
    found = {call: outcome(guarded.sasl_settings(user), call, 6) for call in calls}
    assert [call for call, each in found.items() if type(each) is AccessDeniedError] == denied, found
    for call in denied:
        assert (found[call].topic, found[call].group_id) == (TOPIC, "g")


def test_reading_without_permission_for_the_group_is_refused_though_messages_may_come_first(
    guarded: KafkaBroker,
) -> None:
    """Assigned partitions are fetched at once, and beside that the client asks who coordinates the group."""
    source = KafkaSource(guarded.sasl_settings("groupless"), TOPIC, "g")
    source.open({0: Position(0), 1: Position(0)})
    with pytest.raises(AccessDeniedError, match="Group authorization failed") as raised:
        poll_for(source, 10)
    source.close()
    assert (raised.value.topic, raised.value.group_id) == (TOPIC, "g")


def test_a_missing_read_permission_names_the_partition(guarded: KafkaBroker) -> None:
    assert outcome(guarded.sasl_settings("looker"), "poll").partition in {0, 1}
    assert outcome(guarded.sasl_settings("looker"), "commit").partition == 0


def test_a_topic_that_is_not_there(guarded: KafkaBroker) -> None:
    source = KafkaSource({"bootstrap.servers": guarded.bootstrap}, "no-such", "g")
    with pytest.raises(NotFoundError, match="may not describe it") as raised:
        source.describe()
    source.close()
    assert guarded.bootstrap in str(raised.value)


def test_a_deleted_topic_refuses_commits_and_a_new_one_has_other_offsets(
    kafka: KafkaBroker, kafka_topic: TopicFactory
) -> None:
    topic = kafka_topic()
    produce(kafka.bootstrap, topic, [b"x"] * 10)
    source = KafkaSource({"bootstrap.servers": kafka.bootstrap, "topic.metadata.refresh.interval.ms": 500}, topic, "g")
    source.open({0: Position(0)})
    assert until_end(source)[0] == 10
    delete_topic(kafka.bootstrap, topic)
    with pytest.raises(TopicChangedError) as raised:
        source.commit({0: Position(10)}, "")
    assert raised.value.partition == 0
    create_topic(kafka.bootstrap, topic)
    assert until_end(source)[2] == {0: 10}
    source.close()


def test_a_message_beyond_the_receive_limit_names_the_setting(kafka: KafkaBroker, kafka_topic: TopicFactory) -> None:
    topic = kafka_topic()
    produce(kafka.bootstrap, topic, [b"x" * 900_000])
    small = {"receive.message.max.bytes": 100_000, "fetch.max.bytes": 60_000, "message.max.bytes": 50_000}
    source = KafkaSource({"bootstrap.servers": kafka.bootstrap} | small, topic, "g")
    source.open({0: Position(0)})
    with pytest.raises(ConfigError, match=r"receive\.message\.max\.bytes"):
        until_end(source)
    source.close()


def test_the_fetch_position_moves_where_no_message_comes(guarded: KafkaBroker) -> None:
    """Over a long stretch of aborted data: a reader that looks at messages alone would call it a stall."""
    create_topic(guarded.bootstrap, "aborted")
    with OpenTransaction(guarded.bootstrap, settings={"batch.num.messages": 50}) as transaction:
        transaction.produce("aborted", [b"x" * 1000] * 2_000)
        transaction.abort()
    # An answer holds one of the 40 batches, and comes 25 ms late: the whole takes ten looks at the position at least.
    narrow = {"fetch.message.max.bytes": 50_000, "fetch.max.bytes": 60_000, "message.max.bytes": 60_000}
    settings = {"bootstrap.servers": guarded.proxied_bootstrap} | narrow
    source = KafkaSource(settings, "aborted", "g", stall_timeout_seconds=0.6)
    guarded.proxies[1].delay(0.025)
    source.open({0: Position(0)})
    seen: list[int] = []
    messages = 0
    ends: Mapping[int, int] = {}
    while not ends:
        polled = source.poll(1000, 0.05)
        messages, ends = messages + polled.messages.num_rows, polled.ends
        seen += source.fetch_positions().values()
    source.close()
    guarded.proxies[1].restore()
    assert (messages, ends) == (0, {0: 2_001})
    assert seen == sorted(seen)
    assert len(set(seen) - {0, 2_001}) >= 3, seen


def test_retention_overtakes_while_reading(kafka: KafkaBroker, kafka_topic: TopicFactory) -> None:
    topic = kafka_topic(2)
    produce(kafka.bootstrap, topic, [NewMessage(b"x", partition=number % 2) for number in range(200)])
    source = KafkaSource({"bootstrap.servers": kafka.bootstrap}, topic, "g")
    assert source.bounds() == {0: Bounds(0, 100, 100), 1: Bounds(0, 100, 100)}
    delete_records(kafka.bootstrap, topic, {0: 60})
    source.open({0: Position(50), 1: Position(0)})
    messages, ends, out_of_range = until_end(source, seconds=2.0)
    assert (messages, ends, out_of_range) == (100, {1: 100}, {0: 50})
    assert source.bounds()[0] == Bounds(60, 100, 100)
    source.close()


def poll_for(source: KafkaSource, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        source.poll(10, 0.1)


def until_end(source: KafkaSource, seconds: float = 8.0) -> tuple[int, dict[int, int], dict[int, int]]:
    """Messages, ends and lost offsets, until all that is open has one of the two, or for that long."""
    messages = 0
    ends: dict[int, int] = {}
    out_of_range: dict[int, int] = {}
    deadline = time.monotonic() + seconds
    while len(ends) + len(out_of_range) < len(source._open) and time.monotonic() < deadline:
        polled = source.poll(1000, 0.1)
        messages += polled.messages.num_rows
        ends |= polled.ends
        out_of_range |= polled.out_of_range
    return messages, ends, out_of_range
