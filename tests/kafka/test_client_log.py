from __future__ import annotations

import logging

import pytest
from confluent_kafka import Consumer

from airflow_kafka_bq.kafka import client_log
from airflow_kafka_bq.kafka.client_log import ClientLog

NAME = "airflow_kafka_bq.kafka.librdkafka"


def test_secrets_are_cut_out(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        ClientLog({"sasl.password": "canary-1"}).log(logging.ERROR, "%s [%s]", "FAIL", "canary-1")
    assert [record.getMessage() for record in caplog.records] == ["FAIL [***]"]


def test_a_line_is_not_repeated_until_some_time_later(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = ClientLog({})
    with caplog.at_level(logging.DEBUG):
        for milliseconds in range(5):
            log.log(logging.ERROR, "Connection refused (after %dms in state CONNECT)", milliseconds)
        log.log(logging.ERROR, "Disconnected (after 1ms in state UP)")
        monkeypatch.setattr(client_log, "REPEAT_SECONDS", 0.0)
        log.log(logging.ERROR, "Connection refused (after 9ms in state CONNECT)")
    assert [record.getMessage().split(" (", maxsplit=1)[0] for record in caplog.records] == [
        "Connection refused",
        "Disconnected",
        "Connection refused",
    ]


def test_the_client_writes_into_it_and_tells_no_secret(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """librdkafka masks passwords in its debug output, but not these two."""
    secrets = {
        "sasl.oauthbearer.token.endpoint.url": "https://127.0.0.1:1/?code=canary-1",
        "sasl.oauthbearer.extensions": "cluster=canary-2",
    }
    settings = {"bootstrap.servers": "127.0.0.1:1", "group.id": "g", "debug": "all", **secrets}
    with caplog.at_level(logging.DEBUG):
        consumer = Consumer(settings | {"logger": ClientLog(settings)})
        consumer.poll(0.2)
        consumer.close()
    ours = "\n".join(record.getMessage() for record in caplog.records if record.name == NAME)
    assert "***" in ours
    assert "canary" not in ours + capfd.readouterr().err
