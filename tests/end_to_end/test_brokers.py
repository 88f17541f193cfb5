"""Brokers that refuse a login, are down, or stop answering; and the embedded one, which tells less."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from airflow_kafka_bq.testing.bigquery import LocalBigQuery
from airflow_kafka_bq.testing.kafka import (
    KafkaBroker,
    MockCluster,
    TcpProxy,
    create_topic,
)
from tests.end_to_end.child import Blow
from tests.end_to_end.pipe import Pipe

PipeFactory = Callable[..., Pipe]


@pytest.fixture(scope="module")
def guarded_kafka() -> Any:
    """A broker that asks for a password."""
    with KafkaBroker(users={"alice": "right-horse"}) as broker:
        yield broker


def test_a_wrong_password_is_named_and_never_shown(pipe: PipeFactory, guarded_kafka: KafkaBroker) -> None:
    """R6, I7: access denied within seconds; the password is in no output."""
    made = pipe(topic="any")
    settings = guarded_kafka.sasl_settings("alice", password="wr0ng-secret")
    made.write(kafka=dict(settings))
    began = time.monotonic()
    done = made.command("run", str(made.path), "--json", "--verbose")
    assert time.monotonic() - began < 30
    assert done.returncode == 3
    assert "AccessDeniedError" in done.stdout
    assert "wr0ng-secret" not in done.stdout + done.stderr


def test_a_broker_that_is_down_is_named(pipe: PipeFactory) -> None:
    """B1: unreachable is transient, never green with zero rows."""
    made = pipe()
    made.write(kafka={"bootstrap.servers": "127.0.0.1:1"})
    failure = made.start(patience=2.5).finish()
    assert failure["error"] == "KafkaUnavailableError"
    assert "within 2.5 s from Kafka at 127.0.0.1:1" in failure["message"]
    assert made.tables() == set()


@pytest.fixture(scope="module")
def proxied_kafka() -> Any:
    """A broker behind a proxy that can withhold its answers."""
    with KafkaBroker(proxied=True) as broker:
        yield broker


@pytest.mark.parametrize("trouble", ["freeze", pytest.param("black_hole", marks=pytest.mark.slow), "cut"])
def test_a_broker_that_stops_answering_ends_the_run_in_time(
    pipe: PipeFactory, proxied_kafka: KafkaBroker, trouble: str
) -> None:
    """B2: frozen, silent or cut off in the middle of reading: an error within the stall time; the next run ends."""
    topic = f"silent-{trouble}"
    create_topic(proxied_kafka.bootstrap, topic, 1)
    made = pipe(partitions=1, topic=topic, stall_timeout_seconds=2, batch_messages=500)
    made.bootstrap = proxied_kafka.bootstrap
    made.produce([{"n": number, "text": "x" * 5_000} for number in range(2_000)])
    slow = {"queued.max.messages.kbytes": 64, "fetch.message.max.bytes": 20_000}
    made.write(kafka={"bootstrap.servers": proxied_kafka.proxied_bootstrap, **slow})
    proxy: TcpProxy = proxied_kafka.proxies[1]
    child = made.start(Blow("source.poll", "after", action="freeze"))
    child.freezes()
    getattr(proxy, trouble)()
    began = time.monotonic()
    try:
        child.thaw()
        failure = child.finish()
    finally:
        proxy.restore()
    assert time.monotonic() - began < 45
    assert failure.get("error") in {"KafkaUnavailableError", "StalledError"}, failure
    assert made.run("stall_timeout_seconds=30")["outcome"] == "end"
    assert sum(made.coordinates().values()) == 2_000


def test_a_frozen_coordinator_at_the_commit_leaves_the_rows_safe(pipe: PipeFactory, proxied_kafka: KafkaBroker) -> None:
    """K9, B2: a time-out after a durable MERGE is a warning; the next run repairs the group."""
    create_topic(proxied_kafka.bootstrap, "frozen-commit", 1)
    made = pipe(partitions=1, topic="frozen-commit")
    made.bootstrap = proxied_kafka.bootstrap
    made.produce_ten()
    made.write(kafka={"bootstrap.servers": proxied_kafka.proxied_bootstrap})
    proxy: TcpProxy = proxied_kafka.proxies[1]
    child = made.start(Blow("source.commit", "before", action="freeze"), patience=3)
    child.freezes()
    proxy.freeze()
    try:
        child.thaw()
        report = child.finish()
    finally:
        proxy.restore()
    assert (report["outcome"], report["committed"], report["messages"]) == ("end", False, 10)
    assert made.run()["committed"] is True
    assert made.committed() == made.ledger() == {0: 10}


def test_the_engine_runs_on_the_mock_cluster(
    pipe: PipeFactory, mock_cluster: MockCluster, bigquery: LocalBigQuery
) -> None:
    """The embedded Kafka has no topic ids and no group description; the report says what was not checked."""
    mock_cluster.create_topic("mocked", 2)
    made = pipe(topic="mocked")
    made.bootstrap = mock_cluster.bootstrap
    made.write(kafka={"bootstrap.servers": mock_cluster.bootstrap})
    wanted = made.produce_ten()
    report = made.run()
    assert report["outcome"] == "end", report
    assert "topic_id" in report["unchecked"]
    assert made.run()["messages"] == 0
    assert made.coordinates() == wanted
    assert bigquery.url
