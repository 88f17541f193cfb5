from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from airflow_kafka_bq.testing.kafka import MockCluster, TcpProxy, produce
from airflow_kafka_bq.testing.kafka.loopback import HOST, free_ports


class EchoServer:
    """Sends back what it gets, and remembers it: what arrived is known although no answer came."""

    def __init__(self) -> None:
        self.received = b""
        self.open_connections = 0
        self.listener = socket.create_server((HOST, 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._echo, args=(connection,), daemon=True).start()

    def _echo(self, connection: socket.socket) -> None:
        self.open_connections += 1
        with connection:
            try:
                while chunk := connection.recv(1 << 16):
                    self.received += chunk
                    connection.sendall(chunk)
            except OSError:
                return
            finally:
                self.open_connections -= 1

    def close(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


@pytest.fixture
def echo() -> Iterator[EchoServer]:
    with closing(EchoServer()) as server:
        yield server


@pytest.fixture
def proxy(echo: EchoServer) -> Iterator[TcpProxy]:
    with TcpProxy(echo.port) as running:
        yield running


def connect(proxy: TcpProxy, timeout_seconds: float = 5.0) -> socket.socket:
    return socket.create_connection((HOST, proxy.port), timeout_seconds)


def ask(connection: socket.socket, request: bytes) -> bytes:
    connection.sendall(request)
    return connection.recv(1 << 16)


def send_whole(connection: socket.socket, request: bytes) -> None:
    connection.sendall(request)
    connection.shutdown(socket.SHUT_WR)


def is_reset(proxy: TcpProxy) -> bool:
    """True if a new connection is broken, at once or with the first request."""
    try:
        with connect(proxy) as client:
            return not ask(client, b"?")
    except ConnectionError:
        return True


def wait_for_bytes(echo: EchoServer, count: int) -> None:
    deadline = time.monotonic() + 5
    while len(echo.received) < count and time.monotonic() < deadline:
        time.sleep(0.01)


def test_forwards_both_ways_and_counts(proxy: TcpProxy) -> None:
    with connect(proxy) as client:
        assert ask(client, b"hello") == b"hello"
    assert (proxy.request_bytes, proxy.answer_bytes) == (5, 5)


def test_large_amounts_arrive_whole_and_in_order_at_a_slow_reader(proxy: TcpProxy) -> None:
    sent = bytes(range(256)) * 8_000
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)  # so that much waits on the way at the end
        client.connect((HOST, proxy.port))
        sender = threading.Thread(target=send_whole, args=(client, sent))
        sender.start()
        time.sleep(0.3)
        got = b""
        while chunk := client.recv(1 << 16):
            got += chunk
        sender.join()
    assert got == sent


def test_a_broken_client_is_a_broken_connection_for_the_server_too(proxy: TcpProxy, echo: EchoServer) -> None:
    with connect(proxy) as client:
        ask(client, b"1")
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    deadline = time.monotonic() + 5
    while echo.open_connections and time.monotonic() < deadline:
        time.sleep(0.01)
    assert echo.open_connections == 0
    with connect(proxy) as client:
        assert ask(client, b"2") == b"2"


def test_cut_resets_old_and_new_connections_until_restored(proxy: TcpProxy) -> None:
    with connect(proxy) as client:
        assert ask(client, b"1") == b"1"
        proxy.cut()
        with pytest.raises(ConnectionError):
            client.recv(1)
    assert is_reset(proxy)
    proxy.restore()
    with connect(proxy) as client:
        assert ask(client, b"3") == b"3"


def test_dropped_connections_are_old_ones_only(proxy: TcpProxy) -> None:
    with connect(proxy) as client:
        ask(client, b"1")
        proxy.drop_connections()
        with pytest.raises(ConnectionError):
            client.recv(1)
    with connect(proxy) as client:
        assert ask(client, b"2") == b"2"


def test_a_black_hole_lets_requests_through_and_keeps_the_answers(proxy: TcpProxy, echo: EchoServer) -> None:
    proxy.black_hole()
    with connect(proxy, 0.3) as client:
        with pytest.raises(TimeoutError):
            ask(client, b"paid")
        assert echo.received == b"paid"
        proxy.restore()
        assert client.recv(10) == b"paid"


def test_lost_answers_stay_lost_when_the_connection_is_cut(proxy: TcpProxy, echo: EchoServer) -> None:
    proxy.black_hole()
    with connect(proxy) as client:
        client.sendall(b"paid")
        wait_for_bytes(echo, 4)
        proxy.cut()
        with pytest.raises(ConnectionError):
            client.recv(10)
    assert echo.received == b"paid"


def test_frozen_requests_do_not_arrive(proxy: TcpProxy, echo: EchoServer) -> None:
    proxy.freeze()
    with connect(proxy, 0.3) as client:
        with pytest.raises(TimeoutError):
            ask(client, b"paid")
        assert echo.received == b""
        proxy.restore()
        assert client.recv(10) == b"paid"


def test_a_delay_is_latency_and_not_a_narrow_pipe(proxy: TcpProxy) -> None:
    proxy.delay(0.2)
    chunks = 10
    with connect(proxy) as client:
        started = time.monotonic()
        assert ask(client, b"x") == b"x"
        assert time.monotonic() - started >= 0.2
        started = time.monotonic()
        for _ in range(chunks):
            client.sendall(b"y")
            time.sleep(0.01)
        got = b""
        while len(got) < chunks:
            got += client.recv(100)
        assert 0.2 <= time.monotonic() - started < 0.2 * chunks


def test_a_dead_target_is_a_reset() -> None:
    (nobody,) = free_ports(1)
    with TcpProxy(nobody) as proxy:
        assert is_reset(proxy)


def test_a_taken_port_is_an_error(echo: EchoServer) -> None:
    with pytest.raises(OSError, match="in use"):
        TcpProxy(echo.port, port=echo.port).start()


def test_stopping_leaves_no_thread_and_no_listener(echo: EchoServer) -> None:
    before = threading.active_count()
    with TcpProxy(echo.port) as proxy, connect(proxy) as client:
        ask(client, b"1")
        proxy.stop()
        with pytest.raises(ConnectionRefusedError):
            connect(proxy)
    assert [thread.name for thread in threading.enumerate() if thread.name == "tcp-proxy"] == []
    assert threading.active_count() <= before + 2  # the echo server's own


def test_kafka_clients_ride_out_a_cut() -> None:
    with MockCluster() as mock, TcpProxy(int(mock.bootstrap.split(":")[1])) as proxy:
        mock.create_topic("t")
        proxy.cut()
        threading.Timer(0.3, proxy.restore).start()
        assert produce(proxy.address, "t", [b"x"])[0].offset == 0
