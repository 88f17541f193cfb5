from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

import pytest

from airflow_kafka_bq.exceptions import (
    AccessDeniedError,
    ConfigError,
    IngestError,
    KafkaUnavailableError,
    TerminalError,
)
from airflow_kafka_bq.kafka import clients as clients_module
from airflow_kafka_bq.kafka.clients import Clients

NOBODY = {"bootstrap.servers": "127.0.0.1:1"}


def clients(**more: Any) -> Clients:
    return Clients(
        NOBODY | more,
        topic="t",
        group_id="g",
        isolation_level="read_committed",
        client_id="kafka-bq",
        stall_timeout_seconds=30,
    )


def in_a_child(body: Callable[[], bool]) -> bool:
    """What ``body`` says in a forked process, which ends without running anything of this one's."""
    child = os.fork()
    if child == 0:
        said = False
        try:
            said = body()
        finally:
            os._exit(0 if said else 1)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status == 0
        time.sleep(0.01)
    os.kill(child, 9)
    os.waitpid(child, 0)
    return False


def refused(call: Callable[[], object]) -> bool:
    try:
        call()
    except TerminalError as error:
        return "process" in str(error)
    return False


@pytest.mark.fault("A5")
def test_a_child_process_is_refused_and_its_close_does_not_hang() -> None:
    ours = clients()
    assert ours.consumer is ours.consumer
    assert ours.admin is ours.admin

    def child() -> bool:
        told = refused(lambda: ours.consumer) and refused(lambda: ours.admin)
        ours.close()
        return told

    assert in_a_child(child)
    ours.close()


def test_clients_that_were_not_used_yet_move_to_the_process_that_uses_them() -> None:
    ours = clients()

    def child() -> bool:
        ours.consumer.close()
        return True

    assert in_a_child(child)


def test_an_unknown_setting_is_named_and_no_secret_is_told() -> None:
    ours = clients(**{"fetch.wibble": "1", "sasl.password": "canary-1"})
    with pytest.raises(ConfigError, match=r"fetch\.wibble") as raised:
        _ = ours.consumer
    assert "canary" not in str(raised.value)
    assert raised.value.__cause__ is None


def test_a_bad_value_is_named() -> None:
    with pytest.raises(ConfigError, match=r"security\.protocol"):
        _ = clients(**{"security.protocol": "wibble"}).consumer


def test_closed_is_closed() -> None:
    ours = clients()
    ours.close()
    ours.close()
    with pytest.raises(TerminalError, match="closed"):
        _ = ours.consumer


def test_a_retired_admin_client_is_replaced() -> None:
    ours = clients()
    first = ours.admin
    ours.retire(first)
    second = ours.admin
    assert second is not first
    ours.retire(first)  # late: the newer one stays
    assert ours.admin is second
    ours.close()


def test_a_consumer_that_does_not_close_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    class Hanging:
        def close(self) -> None:
            time.sleep(1.0)

    monkeypatch.setattr(clients_module, "CLOSE_SECONDS", 0.05)
    ours = clients()
    ours._consumer = Hanging()  # type: ignore[assignment]
    started = time.monotonic()
    ours.close()
    assert time.monotonic() - started < 0.8


def test_the_error_callback_of_the_user_is_called_too() -> None:
    heard: list[object] = []
    ours = clients(error_cb=heard.append)
    deadline = time.monotonic() + 5
    while not heard and time.monotonic() < deadline:
        ours.consumer.poll(0.1)
    assert heard
    assert ours.troubles.latest() is not None
    ours.close()


@pytest.mark.slow  # the client waits ten seconds for a token
@pytest.mark.parametrize(
    ("failure", "kind"),
    [(RuntimeError("no token from canary-1"), AccessDeniedError), (KafkaUnavailableError("x"), KafkaUnavailableError)],
)
def test_a_token_callback_that_fails_is_told_without_its_text(failure: Exception, kind: type[IngestError]) -> None:
    asked: list[str] = []

    def token(config: str) -> tuple[str, float]:
        asked.append(config)
        raise failure

    login = {"security.protocol": "SASL_PLAINTEXT", "sasl.mechanisms": "OAUTHBEARER", "oauth_cb": token}
    with pytest.raises(kind) as raised:
        _ = clients(**login, **{"sasl.oauthbearer.config": "canary-1"}).consumer
    assert asked
    assert "canary" not in f"{raised.value} {raised.value.__cause__}"


def test_a_token_callback_is_asked() -> None:
    asked: list[str] = []

    def token(config: str) -> tuple[str, float]:
        asked.append(config)
        return "e30.e30.e30", time.time() + 3600

    ours = clients(**{"security.protocol": "SASL_PLAINTEXT", "sasl.mechanisms": "OAUTHBEARER", "oauth_cb": token})
    deadline = time.monotonic() + 5
    while not asked and time.monotonic() < deadline:
        ours.consumer.poll(0.1)
    assert asked
    ours.close()


def test_the_consumer_is_closed_once() -> None:
    """Left open, it goes on fetching in threads of its own for as long as the worker lives."""

    class Consumer:
        closed = 0

        def close(self) -> None:
            self.closed += 1

    ours, consumer = clients(), Consumer()
    ours._consumer = consumer  # type: ignore[assignment]  # it is only closed
    ours.close()
    ours.close()
    assert consumer.closed == 1
