"""The ``server.properties`` of one node of a test cluster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from airflow_kafka_bq.testing.kafka.loopback import HOST, free_ports


@dataclass(frozen=True, slots=True)
class NodePorts:
    """Ports of one node, each free when it was picked; not every listener is open in every cluster."""

    plain: int
    controller: int
    sasl: int
    tls: int
    proxied: int


@dataclass(frozen=True, slots=True)
class ClusterPlan:
    """What a cluster is made of, fixed before its first node starts.

    :param ports: by node id, from 1.
    :param users: name to password; any user opens the SASL listener.
    :param key_store: PEM file with key and certificate; opens the TLS listener.
    :param acl: switch the authorizer on; the plain listener's user (ANONYMOUS) stays super user.
    :param advertised_proxies: port that the proxied listener of a node tells its clients to use, by node id.
    :param overrides: broker settings that win over ours.
    """

    ports: Mapping[int, NodePorts]
    users: Mapping[str, str] = field(default_factory=dict)
    key_store: Path | None = None
    acl: bool = False
    advertised_proxies: Mapping[int, int] = field(default_factory=dict)
    overrides: Mapping[str, object] = field(default_factory=dict)

    def addresses(self, listener: str) -> str:
        """Bootstrap string of one listener, a field of :class:`NodePorts`."""
        return ",".join(f"{HOST}:{getattr(ports, listener)}" for ports in self.ports.values())


def pick_ports(brokers: int, first_port: int | None) -> dict[int, NodePorts]:
    """Ports for nodes 1 to ``brokers``; ``first_port``, if given, is the plain port of node 1."""
    found = iter(free_ports(5 * brokers))
    ports = {node: NodePorts(*(next(found) for _ in range(5))) for node in range(1, brokers + 1)}
    if first_port is not None:
        one = ports[1]
        ports[1] = NodePorts(first_port, one.controller, one.sasl, one.tls, one.proxied)
    return ports


def server_properties(plan: ClusterPlan, node: int, data: Path) -> str:
    """The text of node's ``server.properties``; its log lives in ``data``."""
    settings: dict[str, object] = {
        "node.id": node,
        "log.dirs": data,
        "controller.quorum.voters": ",".join(f"{i}@{HOST}:{each.controller}" for i, each in plan.ports.items()),
        **_FIXED,
        **_replication(min(3, len(plan.ports))),
        **_listeners(plan, node),
        **_security(plan),
        **plan.overrides,
    }
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def _listeners(plan: ClusterPlan, node: int) -> dict[str, object]:
    ports = plan.ports[node]
    open_here = {"PLAINTEXT": ("PLAINTEXT", ports.plain, ports.plain)}
    if plan.users:
        open_here["SASL"] = ("SASL_PLAINTEXT", ports.sasl, ports.sasl)
    if plan.key_store is not None:
        open_here["TLS"] = ("SSL", ports.tls, ports.tls)
    if node in plan.advertised_proxies:
        open_here["PROXIED"] = ("PLAINTEXT", ports.proxied, plan.advertised_proxies[node])
    binds = [f"{name}://{HOST}:{port}" for name, (_, port, _) in open_here.items()]
    protocols = [f"{name}:{protocol}" for name, (protocol, _, _) in open_here.items()]
    return {
        "listeners": ",".join([*binds, f"CONTROLLER://{HOST}:{ports.controller}"]),
        "advertised.listeners": ",".join(f"{name}://{HOST}:{port}" for name, (_, _, port) in open_here.items()),
        "listener.security.protocol.map": ",".join([*protocols, "CONTROLLER:PLAINTEXT"]),
    }


def _security(plan: ClusterPlan) -> dict[str, object]:
    settings: dict[str, object] = {}
    if plan.users:
        logins = "".join(f' user_{name}="{password}"' for name, password in plan.users.items())
        modules = "org.apache.kafka.common.security"
        settings |= {
            "listener.name.sasl.sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256",
            "listener.name.sasl.plain.sasl.jaas.config": f"{modules}.plain.PlainLoginModule required{logins};",
            "listener.name.sasl.scram-sha-256.sasl.jaas.config": f"{modules}.scram.ScramLoginModule required;",
        }
    if plan.key_store is not None:
        settings |= {"ssl.keystore.type": "PEM", "ssl.keystore.location": plan.key_store}
    if plan.acl:
        settings["authorizer.class.name"] = "org.apache.kafka.metadata.authorizer.StandardAuthorizer"
        settings["super.users"] = "User:ANONYMOUS"
    return settings


def _replication(factor: int) -> dict[str, object]:
    return {
        "default.replication.factor": factor,
        "offsets.topic.replication.factor": factor,
        "transaction.state.log.replication.factor": factor,
        "transaction.state.log.min.isr": 1,
        "share.coordinator.state.topic.replication.factor": factor,
        "share.coordinator.state.topic.min.isr": 1,
    }


# Small and quick: few partitions of internal topics, short sessions and elections, a small cleaner buffer.
_FIXED: Mapping[str, object] = {
    "process.roles": "broker,controller",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    "auto.create.topics.enable": "false",
    "num.partitions": 1,
    "offsets.topic.num.partitions": 3,
    "transaction.state.log.num.partitions": 3,
    "share.coordinator.state.topic.num.partitions": 1,
    "group.initial.rebalance.delay.ms": 0,
    "group.min.session.timeout.ms": 1000,
    "group.consumer.min.session.timeout.ms": 1000,
    "group.consumer.min.heartbeat.interval.ms": 200,
    "log.segment.delete.delay.ms": 1000,
    "log.retention.check.interval.ms": 1000,
    "log.initial.task.delay.ms": 500,
    "log.cleaner.backoff.ms": 500,
    "log.cleaner.dedupe.buffer.size": 8 << 20,
    "log.index.size.max.bytes": 1 << 20,
    "num.io.threads": 4,
    "num.network.threads": 2,
    "background.threads": 2,
    "broker.session.timeout.ms": 3000,
    "broker.heartbeat.interval.ms": 500,
    "controller.quorum.election.timeout.ms": 500,
    "controller.quorum.fetch.timeout.ms": 1500,
    "replica.lag.time.max.ms": 3000,
}
