"""What is missing for the demo is said in a line, with what else can be done."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_kafka_bq.demo import site
from airflow_kafka_bq.demo.interruption import Signals
from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.testing.kafka import KafkaProgramsError, MockClusterUnavailableError


@pytest.mark.parametrize(
    ("kind", "server", "error", "other"),
    [
        ("real", "KafkaBroker", KafkaProgramsError("Traceback\n  File\nno certificate"), "embedded"),
        ("embedded", "MockCluster", MockClusterUnavailableError("no certificate"), "real"),
    ],
)
def test_a_kafka_that_is_not_to_be_had(
    kind: str, server: str, error: Exception, other: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refused() -> None:
        raise error

    monkeypatch.setattr(site, server, refused)
    with pytest.raises(ConfigError) as caught, site.opened(kind, tmp_path, Signals(), lambda _: None):
        pytest.fail("it was opened")
    assert caught.value.message == "no Kafka for the demo: no certificate"
    assert caught.value.remedy == f"kafka-bq demo --kafka {other}"
