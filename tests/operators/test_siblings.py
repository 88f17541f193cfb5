"""Tasks of one DAG that would share a consumer group."""

from __future__ import annotations

import pytest
from airflow.sdk import DAG

from airflow_kafka_bq.exceptions import GroupInUseError
from tests.operators.conftest import task


def test_two_live_tasks_of_one_group_are_refused_when_the_dag_is_parsed() -> None:
    with DAG("shared", schedule=None):
        task(task_id="one")
        task(task_id="other_table", table="d.other")
        task(task_id="window", window={"from": "2026-01-01", "to": "2026-01-02"})
        with pytest.raises(GroupInUseError, match="'one' and 'two' share a consumer group, and both are live"):
            task(task_id="two")
        task(task_id="named", topic="a", group_id="g")
        with pytest.raises(GroupInUseError, match="topics 'a' and 'b'"):
            task(task_id="b", topic="b", group_id="g")
        task(task_id="template", topic="{{ params.topic }}", group_id="g")


def test_members_of_one_group_may_be_tasks_of_one_dag_and_nobody_beside_them() -> None:
    with DAG("members", schedule=None):
        task(task_id="one", assignment="subscribe")
        task(task_id="two", assignment="subscribe")
        with pytest.raises(GroupInUseError, match="both are live"):
            task(task_id="alone")
        task(task_id="elsewhere", assignment="subscribe", table="d.other", group_id="shared")
        with pytest.raises(GroupInUseError, match="both are live"):
            task(task_id="again", assignment="subscribe", table="d.more", group_id="shared")


def test_a_group_on_two_topics_in_two_dags_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    for dag, topic in (("first", "a"), ("first", "a"), ("second", "a"), ("third", "b")):
        with DAG(dag, schedule=None):
            task(task_id="load", topic=topic, group_id="spans-dags")
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    message = record.getMessage()
    assert "'spans-dags' is used for topic 'a' by task 'load' of DAG 'second'" in message
    assert "for topic 'b' by task 'load' of DAG 'third'" in message
