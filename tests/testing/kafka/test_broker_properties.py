from __future__ import annotations

from pathlib import Path

from airflow_kafka_bq.testing.kafka.broker_properties import ClusterPlan, pick_ports, server_properties


def settings(plan: ClusterPlan, node: int = 1) -> dict[str, str]:
    lines = server_properties(plan, node, Path("data")).splitlines()
    return dict(line.split("=", 1) for line in lines)


def test_a_plain_node_opens_nothing_else() -> None:
    ports = pick_ports(1, None)
    found = settings(ClusterPlan(ports))
    assert found["listeners"] == (
        f"PLAINTEXT://127.0.0.1:{ports[1].plain},CONTROLLER://127.0.0.1:{ports[1].controller}"
    )
    assert "ssl.keystore.location" not in found
    assert "authorizer.class.name" not in found


def test_every_listener_is_on_loopback() -> None:
    plan = ClusterPlan(pick_ports(1, None), {"u": "p"}, Path("server.pem"), True, {1: 9})
    found = settings(plan)
    addresses = found["listeners"].split(",") + found["advertised.listeners"].split(",")
    assert len(addresses) == 9
    assert all("://127.0.0.1:" in address for address in addresses)


def test_a_proxied_listener_sends_its_clients_to_the_proxy() -> None:
    plan = ClusterPlan(pick_ports(1, None), advertised_proxies={1: 4711})
    found = settings(plan)
    assert f"PROXIED://127.0.0.1:{plan.ports[1].proxied}" in found["listeners"]
    assert "PROXIED://127.0.0.1:4711" in found["advertised.listeners"]


def test_three_nodes_replicate_three_times_and_vote() -> None:
    plan = ClusterPlan(pick_ports(3, None))
    found = settings(plan, 2)
    assert found["node.id"] == "2"
    assert found["default.replication.factor"] == found["offsets.topic.replication.factor"] == "3"
    assert len(found["controller.quorum.voters"].split(",")) == 3


def test_overrides_win_and_a_wanted_port_is_taken() -> None:
    plan = ClusterPlan(pick_ports(2, 12345), overrides={"num.partitions": 9})
    assert settings(plan)["num.partitions"] == "9"
    assert plan.addresses("plain").startswith("127.0.0.1:12345,")
