from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from confluent_kafka import KafkaException, Producer
from confluent_kafka.admin import AdminClient

from airflow_kafka_bq.testing.kafka import (
    KafkaBroker,
    KafkaStartError,
    NewMessage,
    create_topic,
    offset_bounds,
    produce,
)
from airflow_kafka_bq.testing.kafka import broker as module
from airflow_kafka_bq.testing.kafka.broker_node import BrokerNode
from airflow_kafka_bq.testing.kafka.broker_properties import NodePorts
from airflow_kafka_bq.testing.kafka.loopback import cluster_view, free_ports

pytestmark = pytest.mark.kafka


def port_of(bootstrap: str) -> int:
    return int(bootstrap.split(",")[0].split(":")[1])


def test_a_running_broker_is_real_and_on_loopback(kafka: KafkaBroker) -> None:
    view = cluster_view(port_of(kafka.bootstrap))
    assert view.broker_ids == {1}
    assert view.controller_id == 1
    (process_id,) = kafka.process_ids.values()
    # A dual-stack socket shows an IPv4 loopback address in its mapped form.
    listening = [c.laddr.ip for c in psutil.Process(process_id).net_connections() if c.status == psutil.CONN_LISTEN]
    assert listening
    assert {address.removeprefix("::ffff:") for address in listening} == {"127.0.0.1"}


def test_topics_are_not_created_by_use(kafka: KafkaBroker) -> None:
    with pytest.raises(KafkaException, match="UNKNOWN_TOPIC"):
        produce(kafka.bootstrap, "nobody-made-me", [b"x"], settings={"topic.metadata.propagation.max.ms": 0})


@pytest.mark.slow
def test_kill_restart_pause_and_resume_on_the_same_data() -> None:
    with KafkaBroker() as kafka:
        bootstrap = kafka.bootstrap
        create_topic(bootstrap, "t")
        produce(bootstrap, "t", [b"kept"])
        client = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
        client.list_topics(timeout=5)

        kafka.pause()
        with pytest.raises(KafkaException):
            client.list_topics(timeout=0.5)
        kafka.resume()
        assert "t" in client.list_topics(timeout=10).topics

        kafka.kill()
        assert kafka.process_ids == {}
        with pytest.raises(ConnectionRefusedError):
            cluster_view(port_of(bootstrap))
        with pytest.raises(ProcessLookupError):
            kafka.pause()
        kafka.restart()
        assert kafka.bootstrap == bootstrap
        assert offset_bounds(bootstrap, "t", [0]) == {0: (0, 1)}
        assert produce(bootstrap, "t", [b"more"])[0].offset == 1
        with pytest.raises(RuntimeError, match="running already"):
            kafka.start()
        (process_id,) = kafka.process_ids.values()
        directory = Path(psutil.Process(process_id).cwd())
    assert not psutil.pid_exists(process_id)
    assert not directory.exists()


def test_a_broker_that_cannot_start_shows_its_log_and_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    stopped: list[BrokerNode] = []
    kill = BrokerNode.kill

    def kill_and_tell(node: BrokerNode) -> None:
        stopped.append(node)
        kill(node)

    monkeypatch.setattr(BrokerNode, "kill", kill_and_tell)
    with pytest.raises(KafkaStartError, match="NOWHERE"):
        KafkaBroker(overrides={"advertised.listeners": "NOWHERE://127.0.0.1:1"}).start()
    (node,) = stopped
    assert not node.running
    assert not node.directory.exists()


@pytest.mark.slow
def test_a_port_that_was_lost_is_replaced_by_another(kafka: KafkaBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = port_of(kafka.bootstrap)
    picks = iter([{1: NodePorts(taken, *free_ports(4))}, {1: NodePorts(*free_ports(5))}])
    monkeypatch.setattr(module, "pick_ports", lambda *_: next(picks))
    with KafkaBroker() as second:
        assert port_of(second.bootstrap) != taken
    assert next(picks, None) is None


@pytest.mark.kill
@pytest.mark.slow
def test_a_killed_test_run_leaves_no_broker(tmp_path: Path) -> None:
    program = (
        "import signal\n"
        "from airflow_kafka_bq.testing.kafka import KafkaBroker\n"
        "kafka = KafkaBroker().start()\n"
        "print(*kafka.process_ids.values(), flush=True)\n"
        "signal.pause()\n"
    )
    # Nobody is left to remove its directory, so it gets one of ours.
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as run:
        assert run.stdout is not None
        broker = psutil.Process(int(run.stdout.readline()))
        os.kill(run.pid, signal.SIGKILL)
        run.wait()
        broker.wait(5)
    assert not broker.is_running()


@pytest.mark.slow
def test_three_brokers_survive_the_loss_of_a_leader() -> None:
    with KafkaBroker(brokers=3) as kafka:
        assert kafka.node_ids == [1, 2, 3]
        create_topic(kafka.bootstrap, "t", 3, replication_factor=3)
        produce(kafka.bootstrap, "t", [NewMessage(b"x", partition=i) for i in range(3)])
        partition = (
            Producer({"bootstrap.servers": kafka.bootstrap}).list_topics("t", timeout=5).topics["t"].partitions[0]
        )
        assert sorted(partition.replicas) == [1, 2, 3]
        kafka.kill(partition.leader)
        rest = [i for i in kafka.node_ids if i != partition.leader]
        quiet = {"log_level": 0}
        assert produce(kafka.bootstrap, "t", [NewMessage(b"y", partition=0)], settings=quiet)[0].offset == 1
        kafka.pause(rest[0])
        kafka.resume(rest[0])
        kafka.restart(partition.leader)
        assert cluster_view(port_of(kafka.bootstrap)).broker_ids == {1, 2, 3}
