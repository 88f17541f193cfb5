"""Parameters of the operator, when a DAG is parsed and when Airflow has rendered them."""

from __future__ import annotations

import inspect
from datetime import timedelta
from typing import Any

import pytest
from airflow.sdk import DAG, Param
from pydantic import BaseModel

from airflow_kafka_bq import KafkaToBigQueryOperator
from airflow_kafka_bq.config import JobConfig
from airflow_kafka_bq.exceptions import ConfigError
from tests import airflow_home
from tests.operators.conftest import Wings, task


class Order(BaseModel):
    """What the messages hold."""

    id: str
    n: int


def test_the_signature_is_the_parameter_table() -> None:
    """Each parameter once, with the same default, so that a DAG and a job file mean the same."""
    signature = inspect.signature(inspect.unwrap(KafkaToBigQueryOperator.__init__))
    found = {
        name: one.default for name, one in signature.parameters.items() if one.kind is inspect.Parameter.KEYWORD_ONLY
    }
    fields = JobConfig.model_fields
    wanted = {
        name: inspect.Parameter.empty if field.is_required() else field.get_default(call_default_factory=True)
        for name, field in fields.items()
    }
    assert set(found) == set(wanted)
    assert {name: value or None for name, value in found.items()} == {
        name: value or None for name, value in wanted.items()
    }


def test_defaults_mean_the_same_as_in_a_job_file() -> None:
    assert task().config() == JobConfig.of(topic="t", table="d.t")


def test_the_templated_parameters_are_those_of_the_contract() -> None:
    assert set(KafkaToBigQueryOperator.template_fields) == {
        "topic", "table", "group_id", "model", "dedup_key", "version", "window", "partitions", "start", "project_id",
        "location", "impersonation_chain", "labels", "kafka_conn_id", "gcp_conn_id", "schema_registry_conn_id",
    }  # fmt: skip
    assert set(KafkaToBigQueryOperator.template_fields_renderers) <= set(KafkaToBigQueryOperator.template_fields)


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"batch_messages": 0}, "batch_messages"),
        ({"table": "orders"}, "table"),
        ({"on_duplicate": "update"}, "needs a dedup_key"),
        ({"window": {"from": "yesterday", "to": "2026-01-01"}}, "window: 'from': 'yesterday' is not an ISO time"),
        ({"table": "{{ params.table }}", "on_gap": "ignore"}, "on_gap"),
        ({"batch_messages": "{{ params.size }}"}, "batch_messages"),
        ({"assignment": "subscribe", "fence": "none"}, "needs fence='ledger'"),
    ],
)
def test_a_literal_is_refused_when_the_dag_is_parsed(parameters: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        task(**parameters)


def test_an_unknown_parameter_fails() -> None:
    with pytest.raises(TypeError, match="batch_mesages"):
        task(batch_mesages=5)


def test_a_template_is_left_to_the_run() -> None:
    task(on_duplicate="update", dedup_key="{{ params.key }}", window={"from": "{{ params.a }}", "to": "{{ params.b }}"})


def test_rendered_values_are_used_and_recorded(wings: Wings) -> None:
    wings.fill(10)
    built = lambda: task(  # noqa: E731
        topic="{{ params.topic }}",
        table="{{ params.table }}",
        model=f"{__name__}:Order",
        dedup_key="{{ params.key }}",
        window={"from": "{{ params.start }}", "to": "{{ params.end }}"},
        partitions="{{ params.partitions }}",
    )
    params = {
        "topic": Param(wings.topic),
        "table": Param(wings.table),
        "key": Param(["id"], type="array"),
        "start": Param({"0": 1, "1": 0}, type="object"),
        "end": Param({"0": 3, "1": 5}, type="object"),
        "partitions": Param([0], type="array"),
    }
    found = wings.run(built, params=params)
    assert (found.state, found.report["outcome"], found.report["messages"]) == ("success", "window", 2)
    assert set(found.report["partitions"]) == {"0"}


def test_a_model_class_is_not_called_by_airflow(wings: Wings) -> None:
    """Airflow calls what is callable in a templated parameter; a class would become an object, or fail."""
    wings.fill(4)
    found = wings.run(lambda: task(topic=wings.topic, table=wings.table, model=Order, dedup_key=["id"]))
    assert (found.state, found.report["rows"]["inserted"]) == ("success", 4)
    assert task(model=Order).model == Order
    assert repr(task(model=Order).model) == f"{__name__}:Order"


def test_a_model_class_of_a_mapped_task_too(wings: Wings) -> None:
    wings.fill(4)
    with DAG("mapped_model", schedule=None) as dag:
        KafkaToBigQueryOperator.partial(task_id="load", topic=wings.topic, model=Order, dedup_key=["id"]).expand(
            table=[wings.table]
        )
    airflow_home.register(dag)
    assert str(dag.test().state) == "success"
    assert wings.rows() == 4


def test_a_window_that_renders_to_nothing_is_no_window(wings: Wings) -> None:
    """A form that was left empty, and a run without a data interval: the task reads on from its position."""
    wings.fill(4)
    ends = {"from": "{{ params.a or '' }}", "to": "{{ params.a }}"}
    found = wings.run(lambda: task(topic=wings.topic, table=wings.table, window=ends), params={"a": None})
    assert (found.state, found.report["outcome"], found.report["messages"]) == ("success", "end", 4)


@pytest.mark.parametrize(
    ("start", "said"), [("2026-13-01", "window: 'from': '2026-13-01' is not an ISO time"), ("", "window: 'from'")]
)
def test_a_rendered_value_is_refused_by_name_without_retry(wings: Wings, start: str, said: str) -> None:
    ends = {"from": "{{ params.a }}", "to": "2026-02-01"}
    found = wings.run(
        lambda: task(topic=wings.topic, table=wings.table, window=ends, retries=2, retry_delay=timedelta(0)),
        params={"a": Param(start)},
    )
    assert (found.state, found.tries) == ("failed", 1)
    assert said in wings.told()


def test_mapped_tasks_are_validated_when_they_run(wings: Wings) -> None:
    wings.fill(4)
    with DAG("mapped", schedule=None) as dag:
        KafkaToBigQueryOperator.partial(task_id="load", topic=wings.topic).expand(
            table=[wings.table, f"{wings.dataset}.second"]
        )
    airflow_home.register(dag)
    run = dag.test()
    assert str(run.state) == "success"
    names = {table.table_id for table in wings.client.list_tables(wings.dataset)}
    assert {"target", "second"} <= names
