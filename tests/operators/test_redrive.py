"""Dead letters through the pipeline again, as a task."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from airflow.sdk import DAG

from airflow_kafka_bq import KafkaToBigQueryOperator, RedriveDeadLettersOperator
from airflow_kafka_bq.exceptions import ConfigError, GroupInUseError
from airflow_kafka_bq.testing.kafka import NewMessage, produce
from tests.operators.conftest import Wings, task


def redrive(**parameters: Any) -> RedriveDeadLettersOperator:
    """An operator with everything that it must have."""
    return RedriveDeadLettersOperator(**{"task_id": "redrive", "topic": "t", "table": "d.t", **parameters})


def _load(wings: Wings) -> None:
    """Tombstones that the task of before took for dead letters, and what is no JSON."""
    values = [NewMessage(value, key="k", partition=0) for value in (None, b"{", None)]
    produce(wings.cluster.bootstrap, wings.topic, values)
    policy = {"on_tombstone": "dead_letter", "max_bad_ratio": None}
    job: dict[str, Any] = {"topic": wings.topic, "table": wings.table, **policy}
    assert wings.run(lambda: KafkaToBigQueryOperator(task_id="load", **job)).state == "success"


def test_letters_become_rows_and_the_report_is_an_xcom(wings: Wings) -> None:
    _load(wings)
    of = {"topic": wings.topic, "table": wings.table, "stage": "{{ params.stages }}", "limit": "{{ params.limit }}"}
    params = {"stages": ["tombstone", "decode"], "limit": None}
    told = wings.run(lambda: redrive(**of, dry_run=True), params=params)
    assert (told.state, told.report["messages"], told.report["rows"]["rows"]) == ("success", 3, 2)
    assert wings.rows() == 0
    found = wings.run(lambda: redrive(**of), params=params)
    assert found.state == "success"
    assert (found.report["rows"]["inserted"], found.report["rows"]["dead_lettered"]) == (2, 1)
    assert (found.report["outcome"], found.report["committed"], wings.rows()) == ("end", None, 2)
    assert set(found.links) == {"kafka_bq_target_table", "kafka_bq_merge_job", "kafka_bq_load_job"}
    assert "3 messages in 1 batches (2 inserted, 1 dead lettered)" in wings.told()


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"stage": "decoding"}, "must be one of decode"),
        ({"stage": ["lost"]}, "no message to redrive"),
        ({"since": "yesterday"}, "since: must be an ISO time"),
        ({"limit": 0}, "limit: must be greater"),
        ({"fence": "none"}, "fence='none'"),
        ({"window": {"from": "2026-01-01", "to": "2026-01-02"}}, "the job reads a window"),
        ({"batch_messages": 0}, "batch_messages"),
    ],
)
def test_a_literal_that_is_wrong_is_refused_at_parse(parameters: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        redrive(**parameters)


def test_a_template_that_is_wrong_is_refused_when_the_task_runs(wings: Wings) -> None:
    of = {"topic": wings.topic, "table": wings.table}
    found = wings.run(lambda: redrive(**of, since="{{ params.since }}"), params={"since": "yesterday"})
    assert found.state == "failed"
    assert "since: must be an ISO time" in wings.told()


def test_it_stands_beside_the_live_task_in_one_dag() -> None:
    with DAG("beside", schedule=None):
        task(task_id="live")
        found = redrive(since=datetime(2026, 1, 1, tzinfo=UTC), reason="{{ params.reasons }}")
        assert found.selection(literals=True).reason == ()
        with pytest.raises(GroupInUseError, match="both are live"):
            task(task_id="second")
