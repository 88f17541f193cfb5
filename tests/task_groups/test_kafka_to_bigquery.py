"""The task group: parsed, and run by Airflow."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk import DAG
from pydantic import BaseModel

from airflow_kafka_bq import KafkaToBigQueryOperator, KafkaToBigQueryTaskGroup
from airflow_kafka_bq.exceptions import ConfigError, GroupInUseError
from airflow_kafka_bq.operators.slices import MergeSlicesOperator, PlanSlicesOperator, StageSliceOperator
from tests import airflow_home
from tests.operators.conftest import Wings
from tests.operators.conftest import wings as wings  # the same topic, table and connections


class Order(BaseModel):
    """What the messages hold."""

    id: str
    n: int


def group(**parameters: Any) -> KafkaToBigQueryTaskGroup:
    return KafkaToBigQueryTaskGroup(**{"task_id": "orders", "topic": "t", "table": "d.t", **parameters})


def test_three_tasks_one_behind_the_other() -> None:
    with DAG("group", schedule=None) as dag:
        made = group(slices=4, retries=5, pool="kafka")
    assert set(dag.task_ids) == {"orders.plan", "orders.stage", "orders.merge"}
    assert dag.get_task("orders.stage").upstream_task_ids == {"orders.plan"}
    assert dag.get_task("orders.merge").upstream_task_ids == {"orders.stage"}
    assert (made.plan.slices, made.plan.retries, made.merge.retries, made.merge.pool) == (4, 5, 5, "kafka")
    assert isinstance(made.plan, PlanSlicesOperator)
    assert isinstance(made.merge, MergeSlicesOperator)
    assert made.stage.operator_class is StageSliceOperator


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"fence": "none"}, "fence='none'"),
        ({"max_messages": 5}, "max_messages=5"),
        ({"max_bytes": "1MiB"}, "max_bytes"),
        ({"max_seconds": 1}, "max_seconds"),
        ({"slices": 0}, "slices=0"),
        ({"slices": "many"}, "slices='many'"),
        ({"slices": True}, "slices=True"),
        ({"table": "orders"}, "table"),
        ({"batch_messages": 0}, "batch_messages"),
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused_when_the_dag_is_parsed(parameters: dict[str, Any], said: str) -> None:
    with DAG("group", schedule=None), pytest.raises(ConfigError, match=said):
        group(**parameters)


def test_a_live_task_beside_it_would_share_its_consumer_group() -> None:
    with DAG("group", schedule=None):
        group()
        with pytest.raises(GroupInUseError, match=r"orders\.merge"):
            KafkaToBigQueryOperator(task_id="again", topic="t", table="d.t")
        KafkaToBigQueryOperator(task_id="window", topic="t", table="d.t", window={"from": {0: 0}, "to": {0: 5}})


@pytest.mark.airflow
@pytest.mark.mock
@pytest.mark.bigquery
@pytest.mark.timeout(180)
def test_slices_are_staged_and_merged_at_once(wings: Wings) -> None:
    wings.fill(9)
    with DAG("wings_sliced", schedule=None) as dag:
        made = group(topic=wings.topic, table=wings.table, model=Order, slices=2, batch_messages=3)
        assert made.output.operator is made.merge
    first = wings.run_dag(dag, "orders.merge")
    assert first.state == "success", wings.told()
    assert (first.report["messages"], first.report["rows"]["inserted"], first.report["committed"]) == (9, 9, True)
    assert len([job for job in first.report["jobs"] if "merge" in job]) == 1
    assert wings.rows() == 9
    assert {"kafka_bq_target_table", "kafka_bq_merge_job"} <= set(first.links) or len(first.links) >= 2
    again = wings.run_dag(dag, "orders.merge")
    assert (again.report["messages"], wings.rows()) == (0, 9)


@pytest.mark.airflow
@pytest.mark.mock
@pytest.mark.bigquery
@pytest.mark.timeout(180)
def test_templates_are_rendered_and_bad_ones_are_named(wings: Wings) -> None:
    wings.fill(3)
    with DAG("wings_sliced_templates", schedule=None, params={"table": wings.table, "fence": "x"}) as dag:
        group(topic=wings.topic, table="{{ params.table }}", window={"from": {0: 0}, "to": {0: 1}})
    done = wings.run_dag(dag, "orders.merge")
    assert done.state == "success", wings.told()
    assert (done.report["outcome"], done.report["messages"]) == ("window", 1)
    airflow_home.register(dag)
