from __future__ import annotations

import os
import signal
import time

import psutil
import pytest
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from airflow_kafka_bq.testing.kafka import (
    MockCluster,
    MockClusterError,
    MockClusterUnavailableError,
    NewMessage,
    TopicFactory,
    produce,
)
from airflow_kafka_bq.testing.kafka import mock_cluster as module


def consumer(mock: MockCluster, group_id: str = "g") -> Consumer:
    settings = {"bootstrap.servers": mock.bootstrap, "group.id": group_id, "log_level": 0}
    return Consumer(settings | {"enable.auto.commit": False, "auto.offset.reset": "error"})


def read(mock: MockCluster, topic: str, offset: int, *, timeout_seconds: float = 5.0) -> bytes | None:
    """Value of the first message at or after ``offset`` in partition 0; None if there is none in time."""
    reader = consumer(mock)
    try:
        reader.assign([TopicPartition(topic, 0, offset)])
        for message in reader.consume(1, timeout_seconds):
            error = message.error()
            if error is not None:
                raise KafkaException(error)
            return message.value()
        return None
    finally:
        reader.close()


def commit(mock: MockCluster, topic: str, offset: int) -> None:
    reader = consumer(mock)
    try:
        reader.commit(offsets=[TopicPartition(topic, 0, offset)], asynchronous=False)
    finally:
        reader.close()


def test_a_topic_has_the_partitions_asked_for(mock_cluster: MockCluster, mock_topic: TopicFactory) -> None:
    topic = mock_topic(7)
    found = Producer({"bootstrap.servers": mock_cluster.bootstrap}).list_topics(topic, timeout=5)
    assert len(found.topics[topic].partitions) == 7


def test_acknowledged_coordinates_are_true(mock_cluster: MockCluster, mock_topic: TopicFactory) -> None:
    topic = mock_topic()
    sent = produce(mock_cluster.bootstrap, topic, [NewMessage(b"a", partition=0), NewMessage(b"b", partition=0)])
    assert [each.offset for each in sent] == [0, 1]
    assert read(mock_cluster, topic, sent[1].offset) == b"b"


def test_pushed_errors_are_met_once_each_and_in_order(mock_cluster: MockCluster, mock_topic: TopicFactory) -> None:
    topic = mock_topic()
    mock_cluster.push_errors("OffsetCommit", ["GROUP_AUTHORIZATION_FAILED", "OFFSET_METADATA_TOO_LARGE"])
    for expected in ("GROUP_AUTHORIZATION_FAILED", "OFFSET_METADATA_TOO_LARGE"):
        with pytest.raises(KafkaException, match=expected):
            commit(mock_cluster, topic, 1)
    commit(mock_cluster, topic, 1)


def test_cleared_errors_are_forgotten(mock_cluster: MockCluster, mock_topic: TopicFactory) -> None:
    topic = mock_topic()
    mock_cluster.push_errors("OffsetCommit", ["GROUP_AUTHORIZATION_FAILED"])
    mock_cluster.clear_errors("OffsetCommit")
    commit(mock_cluster, topic, 1)


def test_deleted_records_move_the_log_start(mock_cluster: MockCluster, mock_topic: TopicFactory) -> None:
    topic = mock_topic()
    produce(mock_cluster.bootstrap, topic, [b"0", b"1", b"2"])
    mock_cluster.delete_records(topic, 0, 2)
    reader = consumer(mock_cluster)
    assert reader.get_watermark_offsets(TopicPartition(topic, 0), timeout=5) == (2, 3)
    reader.close()
    with pytest.raises(KafkaException, match="_AUTO_OFFSET_RESET"):
        read(mock_cluster, topic, 0)


def test_a_broker_that_is_down_refuses_and_keeps_its_data(mock_cluster: MockCluster, mock_topic: TopicFactory) -> None:
    topic = mock_topic()
    produce(mock_cluster.bootstrap, topic, [b"kept"])
    mock_cluster.broker_down()
    with pytest.raises(KafkaException, match="_TRANSPORT"):
        Producer({"bootstrap.servers": mock_cluster.bootstrap, "log_level": 0}).list_topics(timeout=0.5)
    mock_cluster.broker_up()
    assert read(mock_cluster, topic, 0) == b"kept"


def test_round_trip_time_delays_every_answer(mock_cluster: MockCluster) -> None:
    client = Producer({"bootstrap.servers": mock_cluster.bootstrap})
    client.list_topics(timeout=5)
    mock_cluster.set_round_trip_time(300)
    started = time.monotonic()
    client.list_topics(timeout=5)
    assert time.monotonic() - started >= 0.3


def test_delayed_answers_are_for_the_next_requests_only(mock_cluster: MockCluster, mock_topic: TopicFactory) -> None:
    topic = mock_topic()
    commit(mock_cluster, topic, 1)
    mock_cluster.delay_answers("OffsetCommit", [1500])  # a new client may wait a second for the coordinator
    seconds = []
    for offset in (2, 3):
        started = time.monotonic()
        commit(mock_cluster, topic, offset)
        seconds.append(time.monotonic() - started)
    assert seconds[0] >= 1.5 > seconds[1]


def test_dropped_connections_are_ridden_out(mock_cluster: MockCluster, mock_topic: TopicFactory) -> None:
    topic = mock_topic()
    produce(mock_cluster.bootstrap, topic, [b"x"])
    mock_cluster.track_requests()
    mock_cluster.drop_connections("Fetch")
    assert read(mock_cluster, topic, 0) == b"x"
    assert mock_cluster.requests().count("FETCH") >= 2


def test_requests_are_recorded_by_name(mock_cluster: MockCluster, mock_topic: TopicFactory) -> None:
    topic = mock_topic()
    mock_cluster.track_requests()
    commit(mock_cluster, topic, 1)
    assert "OFFSET_COMMIT" in mock_cluster.requests()
    assert "JOIN_GROUP" not in mock_cluster.requests()
    mock_cluster.track_requests()
    assert "OFFSET_COMMIT" not in mock_cluster.requests()


def test_a_deleted_topic_is_gone_with_its_offsets(mock_cluster: MockCluster) -> None:
    mock_cluster.create_topic("short-lived", 1)
    commit(mock_cluster, "short-lived", 5)
    mock_cluster.delete_topic("short-lived")
    with pytest.raises(MockClusterError, match="UNKNOWN_TOPIC_OR_PART"):
        mock_cluster.delete_topic("short-lived")
    mock_cluster.create_topic("short-lived", 1)
    reader = consumer(mock_cluster)
    assert reader.committed([TopicPartition("short-lived", 0)], timeout=5)[0].offset < 0
    reader.close()


def test_the_leader_moves_and_readers_follow() -> None:
    with MockCluster(brokers=2) as mock:
        mock.create_topic("t", 1)
        for leader in (1, 2):
            mock.set_leader("t", 0, leader)
            produce(mock.bootstrap, "t", [b"x"])
            found = Producer({"bootstrap.servers": mock.bootstrap}).list_topics("t", timeout=5)
            assert found.topics["t"].partitions[0].leader == leader
        assert read(mock, "t", 1) == b"x"


def test_a_topic_error_stays_until_it_is_taken_back(mock_cluster: MockCluster, mock_topic: TopicFactory) -> None:
    topic = mock_topic()

    def error_of_topic() -> str:
        found = Producer({"bootstrap.servers": mock_cluster.bootstrap}).list_topics(topic, timeout=5)
        error = found.topics[topic].error
        return "" if error is None else str(error.name())

    mock_cluster.set_topic_error(topic, "TOPIC_AUTHORIZATION_FAILED")
    assert error_of_topic() == "TOPIC_AUTHORIZATION_FAILED"
    mock_cluster.set_topic_error(topic, "NO_ERROR")
    assert error_of_topic() == ""


def test_the_join_delay_can_be_set(mock_cluster: MockCluster, mock_topic: TopicFactory) -> None:
    topic = mock_topic()

    def seconds_to_join(group_id: str) -> float:
        reader = consumer(mock_cluster, group_id)
        assigned: list[float] = []
        started = time.monotonic()
        reader.subscribe([topic], on_assign=lambda *_: assigned.append(time.monotonic() - started))
        while not assigned and time.monotonic() - started < 10:
            reader.poll(0.05)
        reader.close()
        return assigned[0]

    quick = seconds_to_join("quick")
    mock_cluster.set_initial_rebalance_delay(1500)
    assert seconds_to_join("slow") >= 1.5 > quick


def test_a_paused_cluster_answers_nothing_until_it_is_resumed(mock_cluster: MockCluster) -> None:
    client = Producer({"bootstrap.servers": mock_cluster.bootstrap, "log_level": 0})
    client.list_topics(timeout=5)
    mock_cluster.pause()
    with pytest.raises(MockClusterError, match="paused"):
        mock_cluster.create_topic("t")
    with pytest.raises(KafkaException):
        client.list_topics(timeout=0.3)
    mock_cluster.resume()
    mock_cluster.create_topic("t")
    assert "t" in client.list_topics(timeout=5).topics


def test_refusals_are_errors_by_name(mock_cluster: MockCluster) -> None:
    mock_cluster.create_topic("twice")
    with pytest.raises(MockClusterError, match="TOPIC_ALREADY_EXISTS"):
        mock_cluster.create_topic("twice")
    with pytest.raises(ValueError, match="no Kafka error"):
        mock_cluster.push_errors("Fetch", ["NOT_AN_ERROR"])
    with pytest.raises(ValueError, match="no Kafka request type"):
        mock_cluster.push_errors("Fetsch", ["NOT_COORDINATOR"])


def test_a_dead_process_is_an_error_and_not_a_hang(mock_cluster: MockCluster) -> None:
    os.kill(mock_cluster.process_id, signal.SIGKILL)
    with pytest.raises(MockClusterError, match="no answer"):
        mock_cluster.create_topic("t")


def test_no_process_stays_even_if_it_is_paused() -> None:
    with MockCluster() as mock:
        process_id = mock.process_id
        mock.pause()
    assert not psutil.pid_exists(process_id)
    with pytest.raises(MockClusterError, match="not running"):
        mock.create_topic("t")


def test_a_missing_library_or_symbol_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    # The C library itself loads, and has no mock cluster.
    for library, word in (("libc.so.6", "rd_kafka"), ("no-such-library.so", "no-such-library")):
        monkeypatch.setattr(module, "librdkafka_path", lambda library=library: library)
        with pytest.raises(MockClusterUnavailableError, match=word):
            MockCluster().start()
