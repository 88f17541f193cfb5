"""Three brokers: leaders that move and come back, logs cut off under a newer epoch, partitions without leader."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
from confluent_kafka import ElectionType, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from airflow_kafka_bq.testing.kafka import (
    KafkaBroker,
    MockCluster,
    NewMessage,
    create_topic,
    offset_bounds,
    wait_until,
    warm_up,
)
from tests.end_to_end.elsewhere import oracle_on
from tests.end_to_end.frozen import NARROW, frozen, wide
from tests.end_to_end.oracle import Oracle
from tests.end_to_end.pipe import Pipe

PipeFactory = Callable[..., Pipe]


@pytest.fixture(scope="module")
def module_cluster() -> Iterator[KafkaBroker]:
    with KafkaBroker(brokers=3) as own:
        create_topic(own.bootstrap, "warm-up", replication_factor=3)
        warm_up(own.bootstrap, "warm-up")
        yield own


@pytest.fixture
def cluster(module_cluster: KafkaBroker) -> Iterator[KafkaBroker]:
    """With all its brokers."""
    yield module_cluster
    for node in set(module_cluster.node_ids) - set(module_cluster.process_ids):
        module_cluster.restart(node)


def _leaders(cluster: KafkaBroker, topic: str) -> dict[int, int]:
    found = AdminClient({"bootstrap.servers": cluster.bootstrap}).list_topics(topic, timeout=10).topics[topic]
    return {number: each.leader for number, each in found.partitions.items()}


def _in_sync(cluster: KafkaBroker, topic: str) -> int:
    found = AdminClient({"bootstrap.servers": cluster.bootstrap}).list_topics(topic, timeout=10).topics[topic]
    return min(len(each.isrs) for each in found.partitions.values())


def _coordinator(cluster: KafkaBroker, group_id: str) -> int:
    admin = AdminClient({"bootstrap.servers": cluster.bootstrap})
    described = admin.describe_consumer_groups([group_id], request_timeout=20)[group_id].result(30)
    return int(described.coordinator.id)


@pytest.mark.fault("B5")
@pytest.mark.kill
@pytest.mark.slow
@pytest.mark.parametrize("victim", ["leader", "coordinator"])
def test_a_leader_that_dies_while_it_is_read_costs_no_message(
    pipe: PipeFactory, cluster: KafkaBroker, victim: str
) -> None:
    """B5: others take over, in the middle of reading; then the broker is back and leads again, under another run."""
    oracle = oracle_on(cluster, pipe, 3, replicas=3, kafka=NARROW, batch_messages=100, stall_timeout_seconds=60)
    made = oracle.pipe
    oracle.produce([NewMessage(value, partition=at % 3) for at, value in enumerate(wide(600))])
    made.commit({0: 0, 1: 0, 2: 0})
    with frozen(made, "source.poll", "after", patience=60) as child:
        node = _leaders(cluster, made.topic)[0] if victim == "leader" else _coordinator(cluster, made.group_id)
        cluster.kill(node)
    report = child.finish(120)
    assert (report.get("outcome"), report.get("messages")) == ("end", 600), report
    oracle.check_rows()
    oracle.produce([NewMessage(value, partition=at % 3) for at, value in enumerate(wide(600, second=True))])
    with frozen(made, "source.poll", "after", patience=60) as child:
        cluster.restart(node)
        wait_until(lambda: _in_sync(cluster, made.topic) == 3, "all replicas", 60)
        _prefer(cluster, made.topic)
    report = child.finish(120)
    assert (report.get("outcome"), report.get("messages")) == ("end", 600), report
    oracle.settle()


def _prefer(cluster: KafkaBroker, topic: str) -> None:
    """Leadership goes back to the first replica of each partition."""
    parts = [TopicPartition(topic, number) for number in _leaders(cluster, topic)]
    admin = AdminClient({"bootstrap.servers": cluster.bootstrap})
    admin.elect_leaders(ElectionType.PREFERRED, parts).result(30)


UNCLEAN = {"unclean.leader.election.enable": "true", "min.insync.replicas": "1"}


def _replicas(cluster: KafkaBroker, topic: str) -> tuple[int, int]:
    """Leader and follower of the only partition."""
    found = AdminClient({"bootstrap.servers": cluster.bootstrap}).list_topics(topic, timeout=10).topics[topic]
    leader = found.partitions[0].leader
    return leader, next(each for each in found.partitions[0].replicas if each != leader)


def _lag_behind(cluster: KafkaBroker, oracle: Oracle, messages: int) -> tuple[int, int]:
    """The follower dies, and messages are acknowledged without it. Leader and follower."""
    leader, follower = _replicas(cluster, oracle.pipe.topic)
    cluster.kill(follower)
    wait_until(lambda: _in_sync(cluster, oracle.pipe.topic) == 1, "the follower out of sync", 60)
    oracle.produce(wide(messages, unclean=True))
    return leader, follower


def _cut_off(cluster: KafkaBroker, topic: str, leader: int, follower: int) -> int:
    """The follower leads now, with what it has; the old leader throws the rest away. The new end."""
    cluster.kill(leader)
    cluster.restart(follower, wait=False)
    wait_until(lambda: _leader(cluster, topic) == follower, "an unclean election", 60)
    end = _end(cluster, topic)
    cluster.restart(leader)
    wait_until(lambda: _in_sync(cluster, topic) == 2, "both replicas", 60)
    return end


def _leader(cluster: KafkaBroker, topic: str) -> int:
    try:
        return _leaders(cluster, topic)[0]
    except KafkaException:
        return -1


def _end(cluster: KafkaBroker, topic: str) -> int:
    return offset_bounds(cluster.bootstrap, topic, [0], timeout_seconds=20)[0][1]


@pytest.mark.fault("B5", "R2")
@pytest.mark.kill
@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("again", [0, 300], ids=["shorter", "longer"])
def test_a_log_that_was_cut_off_between_two_runs_is_named(pipe: PipeFactory, cluster: KafkaBroker, again: int) -> None:
    """B5, R2: Kafka lost what it had acknowledged. By the end where the log is shorter than the position; where it has
    grown over it, only the leader's epoch tells."""
    oracle = oracle_on(cluster, pipe, 1, replicas=2, config=UNCLEAN)
    made = oracle.pipe
    oracle.produce(wide(50))
    assert made.run()["outcome"] == "end"
    leader, follower = _lag_behind(cluster, oracle, 50)
    assert made.run()["messages"] == 50
    end = _cut_off(cluster, made.topic, leader, follower)
    assert end == 50
    made.produce(wide(again, third=True))
    failure = made.run()
    assert failure.get("error") == "TopicChangedError", failure
    assert (failure["topic"], failure["partition"], failure["offset"]) == (made.topic, 0, 100)
    oracle.prefix()
    assert made.ledger() == {0: 100}


@pytest.mark.fault("B5")
@pytest.mark.kill
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_log_that_is_cut_off_while_it_is_read_is_named(pipe: PipeFactory, cluster: KafkaBroker) -> None:
    """B5: the run has read over the place already, and goes on under the new leader."""
    oracle = oracle_on(
        cluster, pipe, 1, replicas=2, config=UNCLEAN, kafka=NARROW, batch_messages=10, stall_timeout_seconds=60
    )
    made = oracle.pipe
    oracle.produce(wide(50))
    leader, follower = _lag_behind(cluster, oracle, 250)
    with frozen(made, "warehouse.merge", "before", 12, patience=60) as child:  # behind offset 110
        assert _cut_off(cluster, made.topic, leader, follower) == 50
        made.produce(wide(400, third=True))
    failure = child.finish(120)
    assert failure.get("error") == "TopicChangedError", failure
    assert (failure["topic"], failure["partition"]) == (made.topic, 0)
    oracle.prefix()
    again = made.run()
    assert again.get("error") == "TopicChangedError", again


@pytest.mark.fault("R6")
@pytest.mark.kill
@pytest.mark.slow
def test_a_partition_without_a_leader_is_named(pipe: PipeFactory, cluster: KafkaBroker) -> None:
    """R6: its only replica is down, before a run and in the middle of one; the other partitions do not hide it."""
    oracle = oracle_on(cluster, pipe, 3, kafka=NARROW, batch_messages=50, stall_timeout_seconds=4)
    made = oracle.pipe
    oracle.produce([NewMessage(value, partition=at % 3) for at, value in enumerate(wide(600))])
    with frozen(made, "source.poll", "after", patience=4) as child:
        node = _leaders(cluster, made.topic)[1]
        cluster.kill(node)
        wait_until(lambda: _leaders(cluster, made.topic)[1] == -1, "no leader", 60)
    reading = child.finish(120)
    before = made.start(patience=3).finish()
    cluster.restart(node)
    for told in (reading, before):
        assert told.get("error") in {"KafkaUnavailableError", "StalledError"}, told
    assert "partitions [1] have no leader" in before["message"]
    oracle.prefix()
    made.settings["stall_timeout_seconds"] = 60
    made.write()
    oracle.settle()


@pytest.mark.fault("B5")
def test_a_leader_that_moves_while_it_is_read_is_followed(pipe: PipeFactory) -> None:
    """B5 on the mock cluster, in the middle of reading. Unlike a broker it then refuses commits of older epochs."""
    with MockCluster(brokers=3) as mock:
        mock.create_topic("moving", 2, replication_factor=3)
        made = pipe(topic="moving", batch_messages=60)
        made.bootstrap = mock.bootstrap
        made.write(kafka=NARROW)
        oracle = Oracle(made)
        at = int(time.time() * 1_000)
        oracle.produce(
            [NewMessage(value, partition=number % 2, timestamp_ms=at) for number, value in enumerate(wide(300))]
        )
        with frozen(made, "source.poll", "after", patience=1) as child:
            _move(mock, made, 2)
        child.wait_for("warehouse.merge", 2)
        _move(mock, made, 3)
        report = child.finish()
        assert (report.get("outcome"), report.get("messages")) == ("end", 300), report
        oracle.check_rows()
        made.check_history()


def _move(mock: MockCluster, made: Pipe, leader: int) -> None:
    for partition in (0, 1):
        mock.set_leader(made.topic, partition, leader)
    mock.set_coordinator(made.group_id, leader)


@pytest.mark.fault("R6")
def test_a_partition_that_loses_its_leader_is_named_on_the_mock_cluster(
    pipe: PipeFactory, mock_cluster: MockCluster
) -> None:
    mock_cluster.create_topic("leaderless", 2)
    made = pipe(topic="leaderless", stall_timeout_seconds=2)
    made.bootstrap = mock_cluster.bootstrap
    made.write()
    made.produce_ten()
    mock_cluster.set_leader("leaderless", 1, -1)
    failure = made.start(patience=1.5).finish()
    assert failure["error"] == "KafkaUnavailableError"
    assert "partitions [1] have no leader" in failure["message"]
    assert made.tables() == set()
