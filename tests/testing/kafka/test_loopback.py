from __future__ import annotations

import socket
import struct
from contextlib import ExitStack

import pytest

from airflow_kafka_bq.testing.kafka import MockCluster
from airflow_kafka_bq.testing.kafka.loopback import HOST, cluster_view, free_ports


def test_ports_differ_and_are_free() -> None:
    ports = free_ports(50)
    assert len(set(ports)) == 50
    with ExitStack() as held:
        for port in ports:
            held.enter_context(socket.create_server((HOST, port)))


def test_ports_are_not_those_of_outgoing_connections() -> None:
    with open("/proc/sys/net/ipv4/ip_local_port_range") as setting:
        first_outgoing = int(setting.read().split()[0])
    if first_outgoing < 32_000:
        pytest.skip("this machine takes outgoing ports from everywhere")
    assert max(free_ports(20)) < first_outgoing


def test_a_cluster_names_its_brokers() -> None:
    with MockCluster(brokers=3) as mock:
        view = cluster_view(int(mock.bootstrap.split(",")[0].split(":")[1]))
    assert view.broker_ids == {1, 2, 3}
    assert view.controller_id >= 0
    assert view.cluster_id.startswith("mockCluster")


def test_a_port_without_kafka_is_no_cluster() -> None:
    with socket.create_server((HOST, 0)) as silent, pytest.raises(TimeoutError):
        cluster_view(silent.getsockname()[1], timeout_seconds=0.1)
    (free,) = free_ports(1)
    with pytest.raises((OSError, struct.error)):
        cluster_view(free, timeout_seconds=0.1)
