from __future__ import annotations

import struct

import pytest
from confluent_kafka import Consumer, TopicPartition

from airflow_kafka_bq.testing.kafka import ApiKey, MockCluster, RequestDrops, TcpProxy
from airflow_kafka_bq.testing.kafka.loopback import HOST


def request(kind: ApiKey, payload_bytes: int = 20) -> bytes:
    return struct.pack(">ih", 2 + payload_bytes, kind) + b"\x00" * payload_bytes


FETCH, METADATA = request(ApiKey.FETCH), request(ApiKey.METADATA)


def struck(drops: RequestDrops, sent: bytes, chunk_bytes: int) -> list[int]:
    """At which of the chunks the connection breaks."""
    connection = drops.connection()
    chunks = [sent[at : at + chunk_bytes] for at in range(0, len(sent), chunk_bytes)]
    return [number for number, chunk in enumerate(chunks) if connection.breaks_at_request(chunk)]


@pytest.mark.parametrize("chunk_bytes", [1, 3, 26, 1_000])
def test_requests_are_found_however_they_are_cut(chunk_bytes: int) -> None:
    drops = RequestDrops({"Fetch": 2})
    found = struck(drops, (METADATA + FETCH) * 5, chunk_bytes)
    assert (drops.seen, drops.dropped) == ({ApiKey.FETCH: 5}, {ApiKey.FETCH: 2})
    assert len(found) == (1 if chunk_bytes == 1_000 else 2)


def test_requests_are_counted_over_all_connections() -> None:
    drops = RequestDrops({"Fetch": 3, "Metadata": 1})
    first, second = drops.connection(), drops.connection()
    assert [first.breaks_at_request(FETCH), second.breaks_at_request(FETCH)] == [False, False]
    assert first.breaks_at_request(FETCH)
    assert second.breaks_at_request(METADATA)


def test_where_the_answer_is_lost_the_request_is_passed_on() -> None:
    connection = RequestDrops({"Fetch": 1}, lost="answer").connection()
    assert not connection.breaks_at_answer()
    assert not connection.breaks_at_request(FETCH)
    assert connection.breaks_at_answer()


def test_what_is_over_breaks_nothing() -> None:
    drops = RequestDrops({"Fetch": 1})
    drops.active = False
    assert not drops.connection().breaks_at_request(FETCH)


@pytest.mark.parametrize("lost", ["request", "answer"])
def test_a_real_client_is_cut_off_and_comes_again(mock_cluster: MockCluster, lost: str) -> None:
    """The mock names itself as the broker's address, so only what the first connection asks passes the proxy."""
    mock_cluster.create_topic("t")
    port = int(mock_cluster.bootstrap.split(",")[0].rpartition(":")[2])
    with TcpProxy(port) as proxy:
        drops = RequestDrops({"ApiVersions": 1}, lost="answer" if lost == "answer" else "request")
        proxy.drop_requests(drops)
        settings = {"bootstrap.servers": f"{HOST}:{proxy.port}", "group.id": "g", "reconnect.backoff.max.ms": 200}
        consumer = Consumer(settings | {"log_level": 0})
        with pytest.raises(Exception, match=r"TRANSPORT|TIMED_OUT"):
            consumer.list_topics(timeout=1.0)
        assert drops.dropped[ApiKey.API_VERSIONS] >= 1
        proxy.restore()
        assert consumer.committed([TopicPartition("t", 0)], timeout=10)[0].error is None
        consumer.close()
