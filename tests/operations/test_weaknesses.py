"""Settings that weaken the promise."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_kafka_bq.config import JobConfig
from airflow_kafka_bq.operations import weaknesses


def config(**settings: Any) -> JobConfig:
    return JobConfig.of(topic="shop.orders", table="demo.analytics.orders", **settings)


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        ({"isolation_level": "read_uncommitted"}, "isolation_level is read_uncommitted"),
        ({"fence": "none"}, "fence is none"),
        ({"on_gap": "record"}, "on_gap is record"),
        ({"max_bytes_billed": None}, "max_bytes_billed has no limit"),
        ({"max_bad_ratio": None}, "bad messages have no limit"),
        ({"stall_timeout_seconds": 5}, "stall_timeout_seconds is 5"),
        ({"staging_expiration_hours": 2}, "staging_expiration_hours is 2"),
    ],
)
def test_of_a_job(settings: dict[str, Any], what: str) -> None:
    assert list(weaknesses.of_job(config())) == []
    ((found, why, remedy),) = weaknesses.of_job(config(**settings))
    assert (found, bool(why), bool(remedy)) == (what, True, True)


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        ({"socket.timeout.ms": "500"}, "socket.timeout.ms is 500"),
        ({"fetch.wait.max.ms": "30000"}, "fetch.wait.max.ms is 30000, and stall_timeout_seconds 30"),
        ({"check.crcs": "False"}, "check.crcs is false"),
        ({"group.id": "old-shared"}, "group.id 'old-shared' of the Kafka settings is not used"),
    ],
)
def test_of_the_client(settings: dict[str, str], what: str) -> None:
    ((found, why, remedy),) = weaknesses.of_client(settings, config())
    assert (found, bool(why), bool(remedy)) == (what, True, True)


def test_usual_settings_of_the_client_are_none() -> None:
    usual = {
        "bootstrap.servers": "kafka:9092", "socket.timeout.ms": "60000", "fetch.wait.max.ms": "500",
        "check.crcs": "true", "group.id": "mine",
    }  # fmt: skip
    assert list(weaknesses.of_client(usual, config(group_id="mine"))) == []
    assert list(weaknesses.of_client({"socket.timeout.ms": "many"}, config())) == []
