"""A look at the table, as a task."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_kafka_bq import AuditDuplicatesOperator, KafkaToBigQueryOperator
from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.testing.kafka import NewMessage, produce
from tests.operators.conftest import Wings


def audit(**parameters: Any) -> AuditDuplicatesOperator:
    """An operator with everything that it must have."""
    return AuditDuplicatesOperator(**{"task_id": "audit", "topic": "t", "table": "d.t", **parameters})


def test_findings_fail_the_task_unless_they_are_only_wanted(wings: Wings) -> None:
    produce(wings.cluster.bootstrap, wings.topic, [NewMessage({"n": at}, partition=0) for at in range(3)])
    of: dict[str, Any] = {"topic": wings.topic, "table": wings.table}
    assert wings.run(lambda: KafkaToBigQueryOperator(task_id="load", **of)).state == "success"
    clean = wings.run(lambda: audit(**of))
    assert (clean.state, clean.report["clean"], clean.report["rows"]) == ("success", True, 3)
    wings.client.query_and_wait(f"INSERT INTO `{wings.table}` SELECT * FROM `{wings.table}` WHERE _kafka_offset = 1")
    told = wings.run(lambda: audit(**of, fail_on_findings=False))
    assert (told.state, told.report["duplicates"]["copies"]) == ("success", {"groups": 1, "rows": 1})
    assert wings.run(lambda: audit(**of)).state == "failed"
    assert "rows too many by coordinates: 1, of 1 messages" in wings.told()
    old = wings.run(lambda: audit(**of, until="{{ params.until }}"), params={"until": "2020-01-01"})
    assert (old.state, old.report["rows"]) == ("success", 0)


def test_a_literal_that_is_wrong_is_refused_at_parse() -> None:
    with pytest.raises(ConfigError, match="since: must be an ISO time"):
        audit(since="yesterday")
    assert audit(since="{{ ds }}").since == "{{ ds }}"
