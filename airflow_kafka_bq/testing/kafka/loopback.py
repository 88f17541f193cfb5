"""Free ports on 127.0.0.1, and the question whether a Kafka broker there is ready."""

from __future__ import annotations

import random
import socket
import struct
from dataclasses import dataclass

HOST = "127.0.0.1"
_PORT_RANGE = range(15_000, 32_000)
_METADATA_REQUEST = struct.pack(">hhih", 3, 2, 7, -1) + struct.pack(">i", 0)


def free_ports(count: int) -> list[int]:
    """``count`` different ports that are free now.

    They lie below the range from which the system takes ports of outgoing connections: a server that binds its port
    a second later, or again after a restart, does not find it taken by some client.

    :raises OSError: no free port was found.
    """
    sockets: list[socket.socket] = []
    try:
        for port in random.SystemRandom().sample(_PORT_RANGE, min(len(_PORT_RANGE), 20 * count + 100)):
            if len(sockets) == count:
                break
            candidate = socket.socket()
            try:
                candidate.bind((HOST, port))
            except OSError:
                candidate.close()
                continue
            sockets.append(candidate)
        if len(sockets) < count:
            raise OSError(f"no {count} free ports on {HOST} in {_PORT_RANGE.start}..{_PORT_RANGE.stop}")
        return [taken.getsockname()[1] for taken in sockets]
    finally:
        for taken in sockets:
            taken.close()


@dataclass(frozen=True, slots=True)
class ClusterView:
    """What one broker says of its cluster: its id, ids of the brokers it knows, and the controller (-1: none)."""

    cluster_id: str
    broker_ids: frozenset[int]
    controller_id: int


def cluster_view(port: int, *, timeout_seconds: float = 1.0) -> ClusterView:
    """Ask the broker on ``port`` with a raw Metadata request, version 2, for no topics.

    An accepted TCP connection says nothing: a broker accepts long before it has joined its cluster.

    :raises OSError: no connection, or no answer in time.
    :raises struct.error: the answer is not a Metadata response, or was cut off.
    """
    with socket.create_connection((HOST, port), timeout_seconds) as connection:
        connection.sendall(struct.pack(">i", len(_METADATA_REQUEST)) + _METADATA_REQUEST)
        with connection.makefile("rb") as stream:
            (size_bytes,) = struct.unpack(">i", stream.read(4))
            return _parse_metadata(stream.read(size_bytes))


def _parse_metadata(response: bytes) -> ClusterView:
    """Correlation id, array of (node id, host, port, nullable rack), nullable cluster id, the controller's id."""
    (count,) = struct.unpack_from(">i", response, 4)
    at, ids = 8, set()
    for _ in range(count):
        node_id, host_bytes = struct.unpack_from(">ih", response, at)
        at += 4 + 2 + host_bytes + 4
        (rack_bytes,) = struct.unpack_from(">h", response, at)
        at += 2 + max(rack_bytes, 0)
        ids.add(node_id)
    (id_bytes,) = struct.unpack_from(">h", response, at)
    at += 2
    cluster_id = response[at : at + max(id_bytes, 0)].decode()
    (controller_id,) = struct.unpack_from(">i", response, at + len(cluster_id))
    return ClusterView(cluster_id, frozenset(ids), controller_id)
