"""A real Apache Kafka cluster on this machine, started from Python, thrown away at the end."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from airflow_kafka_bq.testing.kafka.broker_node import QUICK_START, THROUGHPUT, BrokerNode, PortTakenError, new_id
from airflow_kafka_bq.testing.kafka.broker_properties import ClusterPlan, pick_ports, server_properties
from airflow_kafka_bq.testing.kafka.certificate import write_self_signed
from airflow_kafka_bq.testing.kafka.loopback import HOST
from airflow_kafka_bq.testing.kafka.tcp_proxy import TcpProxy

_START_ATTEMPTS = 3


class KafkaBroker:
    """Apache Kafka in KRaft mode, one or several nodes, each broker and controller, on random loopback ports.

    ::

        with KafkaBroker() as kafka:
            consumer = Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": "g"})

    Topics are not created by use; see :mod:`airflow_kafka_bq.testing.kafka.topics`. The data live in a temporary
    directory. No process outlives this one, also if it is killed (Linux).

    :param brokers: number of nodes; 3 replicate everything three times.
    :param port: plain port of node 1, instead of a random one.
    :param users: name to password: opens a listener for SASL PLAIN and SCRAM-SHA-256.
    :param tls: opens a TLS listener with a certificate made for this cluster.
    :param acl: what SASL users may do must be allowed first (:func:`.access.allow`); the plain listener may do all.
    :param proxied: opens a listener behind a :class:`.TcpProxy` for each node, see :attr:`proxies`.
    :param throughput: settings of the Java machine for benchmarks instead of a quick start.
    :param overrides: broker settings that win over ours.
    :param start_timeout_seconds: for a start or restart.
    """

    def __init__(
        self,
        brokers: int = 1,
        *,
        port: int | None = None,
        users: Mapping[str, str] | None = None,
        tls: bool = False,
        acl: bool = False,
        proxied: bool = False,
        throughput: bool = False,
        overrides: Mapping[str, object] | None = None,
        start_timeout_seconds: float = 60.0,
    ) -> None:
        self._brokers, self._port, self._users = brokers, port, dict(users or {})
        self._tls, self._acl, self._proxied = tls, acl, proxied
        self._jvm = THROUGHPUT if throughput else QUICK_START
        self._overrides = dict(overrides or {})
        self._start_timeout_seconds = start_timeout_seconds
        self._resources = ExitStack()
        self._nodes: dict[int, BrokerNode] = {}
        self._plan = ClusterPlan({})
        self._directory: Path | None = None
        self.proxies: dict[int, TcpProxy] = {}
        """By node id: the proxy before the node's proxied listener."""

    def start(self) -> Self:
        """Start all nodes and wait until each sees all others; ``with`` does it.

        :raises KafkaProgramsError: no Java, or Kafka's jars cannot be downloaded.
        :raises KafkaStartError: a node ended or was not ready in time.
        """
        if self._nodes:
            raise RuntimeError("the cluster is running already")
        for attempt in range(1, _START_ATTEMPTS + 1):
            try:
                self._start_once()
            except PortTakenError:  # the race between picking a port and binding it, lost: pick others
                self.stop()
                if attempt == _START_ATTEMPTS or self._port is not None:
                    raise
            except BaseException:
                self.stop()
                raise
            else:
                break
        return self

    def stop(self) -> None:
        """Kill all nodes and throw their data away."""
        self._resources.close()
        self._nodes, self.proxies = {}, {}

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def bootstrap(self) -> str:
        """``bootstrap.servers`` of the plain listeners."""
        return self._plan.addresses("plain")

    @property
    def proxied_bootstrap(self) -> str:
        """``bootstrap.servers`` of the listeners behind the proxies."""
        return ",".join(f"{HOST}:{proxy.port}" for proxy in self.proxies.values())

    @property
    def users(self) -> list[str]:
        """Names that the SASL listener knows."""
        return list(self._users)

    @property
    def tls(self) -> bool:
        """True if there is a TLS listener."""
        return self._tls

    @property
    def node_ids(self) -> list[int]:
        """Ids of all nodes, running or not."""
        return list(self._nodes)

    @property
    def process_ids(self) -> dict[int, int]:
        """By node id, of those that run."""
        return {i: node.process.pid for i, node in self._nodes.items() if node.process is not None and node.running}

    def sasl_settings(self, user: str, *, password: str | None = None, mechanism: str = "PLAIN") -> dict[str, str]:
        """Client settings for the SASL listener; ``password`` replaces the right one."""
        return {
            "bootstrap.servers": self._plan.addresses("sasl"),
            "security.protocol": "SASL_PLAINTEXT",
            "sasl.mechanism": mechanism,
            "sasl.username": user,
            "sasl.password": self._users[user] if password is None else password,
        }

    def tls_settings(self) -> dict[str, str]:
        """Client settings for the TLS listener, with the certificate to trust."""
        if self._plan.key_store is None:
            raise ValueError("this cluster has no TLS listener: KafkaBroker(tls=True)")
        authority = self._plan.key_store.with_name("ca.pem")
        return {
            "bootstrap.servers": self._plan.addresses("tls"),
            "security.protocol": "SSL",
            "ssl.ca.location": str(authority),
        }

    def log(self, node: int = 1) -> str:
        """What the node has logged, warnings and above."""
        return self._nodes[node].log.read_text(errors="replace")

    def segment(self, topic: str, partition: int = 0, node: int = 1) -> Path:
        """The file of the partition's first records, to look into or to damage."""
        return min((self._nodes[node].data / f"{topic}-{partition}").glob("*.log"))

    def kill(self, node: int = 1) -> None:
        """SIGKILL; :meth:`restart` brings the node back with its data and ports."""
        self._nodes[node].kill()

    def pause(self, node: int = 1) -> None:
        """SIGSTOP: connections stay open, no answer comes."""
        self._nodes[node].pause()

    def resume(self, node: int = 1) -> None:
        """SIGCONT after :meth:`pause`."""
        self._nodes[node].resume()

    def restart(self, node: int = 1, *, wait: bool = True) -> None:
        """Kill the node if it runs, start it on the same data and ports, and wait until it is ready."""
        self._nodes[node].kill()
        self._nodes[node].start()
        if wait:
            self.wait_until_ready([node])

    def wait_until_ready(self, nodes: Iterable[int] | None = None) -> None:
        """Until each of ``nodes`` (all that run) sees a controller and every node that runs and is not paused."""
        deadline = time.monotonic() + self._start_timeout_seconds
        answering = [i for i, node in self._nodes.items() if node.process is not None and not node.paused]
        for each in answering if nodes is None else nodes:
            self._nodes[each].wait_until_ready(answering, deadline)

    def _start_once(self) -> None:
        self._directory = Path(tempfile.mkdtemp(prefix="kafka-broker-"))
        self._resources.callback(shutil.rmtree, self._directory, ignore_errors=True)
        ports = pick_ports(self._brokers, self._port)
        if self._proxied:
            for i, each in ports.items():
                self.proxies[i] = self._resources.enter_context(TcpProxy(each.proxied))
        self._plan = ClusterPlan(
            ports,
            self._users,
            write_self_signed(self._directory)[0] if self._tls else None,
            self._acl,
            {i: proxy.port for i, proxy in self.proxies.items()},
            self._overrides,
        )
        cluster_id = new_id()
        for i, each in ports.items():
            self._nodes[i] = BrokerNode(i, each.plain, cluster_id, self._directory / f"node-{i}", self._jvm)
            self._resources.callback(self._nodes[i].kill)
        self._format()
        for node in self._nodes.values():
            node.start()
        self.wait_until_ready()

    def _format(self) -> None:
        """Node 1 is formatted by Kafka's tool, the others take over what it wrote."""
        first, *others = self._nodes.values()
        first.format(server_properties(self._plan, first.node_id, first.data), self._users)
        for node in others:
            node.format_like(first, server_properties(self._plan, node.node_id, node.data))
