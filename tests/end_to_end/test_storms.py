"""Connections that break at every n-th request, and coordinators that move all the time: the run gets through."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Literal

import pytest

from airflow_kafka_bq.testing.kafka import (
    ApiKey,
    KafkaBroker,
    MockCluster,
    NewMessage,
    RequestDrops,
    create_topic,
    warm_up,
)
from tests.end_to_end.elsewhere import oracle_on
from tests.end_to_end.frozen import NARROW, frozen, wide
from tests.end_to_end.oracle import Oracle
from tests.end_to_end.pipe import Pipe

PipeFactory = Callable[..., Pipe]
Lost = Literal["request", "answer"]
KINDS = (ApiKey.FETCH, ApiKey.OFFSET_FETCH, ApiKey.OFFSET_COMMIT)
MOVING = ["NOT_COORDINATOR", "COORDINATOR_LOAD_IN_PROGRESS", "COORDINATOR_NOT_AVAILABLE"]


@pytest.fixture(scope="module")
def broker() -> Iterator[KafkaBroker]:
    with KafkaBroker(proxied=True) as own:
        create_topic(own.bootstrap, "warm-up")
        warm_up(own.bootstrap, "warm-up")
        yield own


@pytest.mark.fault("B3")
@pytest.mark.parametrize("lost", [pytest.param("request", marks=pytest.mark.slow), "answer"])
@pytest.mark.parametrize("nth", [2, pytest.param(5, marks=pytest.mark.slow)])
def test_connections_that_break_at_every_nth_request_cost_no_message(
    pipe: PipeFactory, broker: KafkaBroker, lost: Lost, nth: int
) -> None:
    """B3: of each kind of request, before the broker sees it or after it has acted."""
    oracle = oracle_on(broker, pipe, 2, proxied=True, kafka=NARROW, batch_messages=60, stall_timeout_seconds=90)
    oracle.produce([NewMessage(value, partition=at % 2) for at, value in enumerate(wide(200))])
    oracle.pipe.commit({0: 0, 1: 0})  # so that there is a position to fetch
    drops = RequestDrops({"Fetch": nth, "OffsetFetch": 2, "OffsetCommit": 2}, lost)
    broker.proxies[1].drop_requests(drops)
    try:
        report = oracle.pipe.start(patience=60).finish(110)
    finally:
        broker.proxies[1].restore()
    assert (report.get("outcome"), report.get("messages")) == ("end", 200), report
    assert report["committed"] is True
    assert min(drops.dropped[kind] for kind in (ApiKey.FETCH, ApiKey.OFFSET_FETCH, ApiKey.OFFSET_COMMIT)) > 0, (
        drops.seen
    )
    oracle.check()
    assert oracle.settle()["messages"] == 0


@pytest.mark.fault("B3")
@pytest.mark.parametrize("lost", ["request", pytest.param("answer", marks=pytest.mark.slow)])
def test_where_no_commit_gets_through_the_rows_are_safe(pipe: PipeFactory, broker: KafkaBroker, lost: Lost) -> None:
    oracle = oracle_on(broker, pipe, proxied=True)
    oracle.produce(wide(20))
    broker.proxies[1].drop_requests(RequestDrops({"OffsetCommit": 1}, lost))
    try:
        report = oracle.pipe.start(patience=2).finish()
    finally:
        broker.proxies[1].restore()
    assert (report["outcome"], report["committed"], report["messages"]) == ("end", False, 20)
    oracle.prefix()
    assert oracle.settle()["messages"] == 0


def _on_mock(pipe: PipeFactory, mock: MockCluster) -> Oracle:
    mock.create_topic("stormy", 2)
    made = pipe(topic="stormy", batch_messages=4)
    made.bootstrap = mock.bootstrap
    made.write()
    oracle = Oracle(made)
    at = int(time.time() * 1_000)
    oracle.produce([NewMessage({"n": number}, partition=number % 2, timestamp_ms=at) for number in range(10)])
    return oracle


@pytest.mark.fault("B4")
def test_a_storm_that_passes_is_ridden_out(pipe: PipeFactory, mock_cluster: MockCluster) -> None:
    """B4: at every question that a run asks a coordinator."""
    oracle = _on_mock(pipe, mock_cluster)
    oracle.pipe.commit({0: 0, 1: 0})
    for request, times in (("FindCoordinator", 1), ("OffsetFetch", 2), ("OffsetCommit", 2)):
        mock_cluster.push_errors(request, MOVING * times)
    report = oracle.pipe.run()
    assert (report.get("outcome"), report.get("messages"), report.get("committed")) == ("end", 10, True), report
    oracle.check()


@pytest.mark.fault("B4")
@pytest.mark.parametrize("request_type", [pytest.param("OffsetFetch", marks=pytest.mark.slow), "OffsetCommit"])
def test_a_storm_that_stays_ends_in_time(pipe: PipeFactory, mock_cluster: MockCluster, request_type: str) -> None:
    """B4: by name where a position is needed, with rows that are safe where it is only the commit."""
    oracle = _on_mock(pipe, mock_cluster)
    with frozen(oracle.pipe, "source.describe", patience=2.5) as child:
        mock_cluster.push_errors(request_type, MOVING * 300)
    told = child.finish(60)
    mock_cluster.clear_errors(request_type)
    if request_type == "OffsetFetch":
        assert told.get("error") == "KafkaUnavailableError", told
        assert "reading positions" in told["message"]
    else:
        assert (told.get("outcome"), told.get("committed")) == ("end", False), told
    oracle.prefix()
    oracle.settle()
