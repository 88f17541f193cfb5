from __future__ import annotations

import socket
import ssl
import threading
from pathlib import Path

import pytest

from airflow_kafka_bq.testing.kafka.certificate import write_self_signed
from airflow_kafka_bq.testing.kafka.loopback import HOST


def handshake(server: Path, trusted: Path) -> None:
    serving, asking = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context(cafile=str(trusted))
    serving.load_cert_chain(server)
    here, there = socket.socketpair()

    def answer() -> None:
        try:
            serving.wrap_socket(there, server_side=True).close()
        except OSError:
            there.close()

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        asking.wrap_socket(here, server_hostname=HOST).close()
    finally:
        here.close()
        thread.join()


def test_a_client_that_trusts_it_connects_by_address(tmp_path: Path) -> None:
    server, authority = write_self_signed(tmp_path)
    handshake(server, authority)
    assert b"PRIVATE KEY" not in authority.read_bytes()
    assert server.stat().st_mode & 0o077 == 0


def test_a_client_that_trusts_another_does_not(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()
    server, _ = write_self_signed(one)
    _, authority = write_self_signed(other)
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(server, authority)
