"""The operator in Airflow: parameters at parse and when the task runs, errors, retries, links, logs, the report."""

from __future__ import annotations

import inspect
from datetime import timedelta
from typing import Any

import pytest
from airflow.sdk import DAG, Param
from pydantic import BaseModel

from airflow_kafka_bq import KafkaToBigQueryOperator
from airflow_kafka_bq.config import JobConfig
from airflow_kafka_bq.exceptions import ConfigError, GroupInUseError
from tests import airflow_home
from tests.operators.conftest import Wings


class Order(BaseModel):
    """What the messages hold."""

    id: str
    n: int


def task(**parameters: Any) -> KafkaToBigQueryOperator:
    return KafkaToBigQueryOperator(**{"task_id": "load", "topic": "t", "table": "d.t", **parameters})


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
        "location", "impersonation_chain", "labels", "kafka_conn_id", "gcp_conn_id",
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
        ({"merge_per": "run"}, "not supported in this version"),
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


def test_a_run_returns_the_report_and_tells_its_links(wings: Wings) -> None:
    wings.fill(10)
    found = wings.run(lambda: task(topic=wings.topic, table=wings.table, batch_messages=4))
    assert found.state == "success"
    assert (found.report["outcome"], found.report["messages"], found.report["batches"]) == ("end", 10, 3)
    assert found.report["rows"]["inserted"] == wings.rows() == 10
    assert set(found.links) == {"kafka_bq_target_table", "kafka_bq_merge_job", "kafka_bq_load_job"}
    assert found.report["jobs"][-1] in str(found.links["kafka_bq_merge_job"])
    assert found.report["jobs"][-2] in str(found.links["kafka_bq_load_job"])
    assert f"d={wings.dataset}&t=target" in str(found.links["kafka_bq_target_table"])


def test_the_log_has_a_group_for_each_batch_and_one_summary(wings: Wings) -> None:
    wings.fill(10)
    wings.run(lambda: task(topic=wings.topic, table=wings.table, batch_messages=4))
    lines = [record.getMessage() for record in wings.log.records]
    groups = [line for line in lines if line.startswith("::group::Batch")]
    assert groups == [f"::group::Batch {n + 1}: {count} inserted" for n, count in enumerate((4, 4, 2))]
    assert lines.count("::endgroup::") == 4
    (summary,) = (line for line in lines if "messages in 3 batches" in line)
    assert summary.startswith(f"{wings.topic} → demo.{wings.table}: 10 messages in 3 batches (10 inserted)")


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


def test_a_terminal_error_is_not_retried(wings: Wings) -> None:
    found = wings.run(lambda: task(topic="no-such-topic", table=wings.table, retries=3, retry_delay=timedelta(0)))
    assert (found.state, found.tries) == ("failed", 1)
    assert "NotFoundError" in wings.told()


def test_a_transient_error_is_retried_with_the_report_so_far_in_the_log(
    wings: Wings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow_kafka_bq.exceptions import WarehouseUnavailableError
    from airflow_kafka_bq.operators.told import Linked

    wings.fill(8)
    merge, calls = Linked.merge, []

    def unlucky(self: Linked, *arguments: Any) -> Any:
        calls.append(arguments)
        if len(calls) == 2:
            raise WarehouseUnavailableError("BigQuery is away")
        return merge(self, *arguments)

    monkeypatch.setattr(Linked, "merge", unlucky)
    found = wings.run(
        lambda: task(topic=wings.topic, table=wings.table, batch_messages=4, retries=2, retry_delay=timedelta(0))
    )
    assert (found.state, found.tries) == ("success", 2)
    assert found.report["messages"] == 4  # what the first try applied is in the table
    assert wings.rows() == 8
    told = wings.told()
    assert "WarehouseUnavailableError: BigQuery is away" in told
    assert "the run failed; so far" in told
    assert "'messages': 4" in told


def test_a_time_out_ends_the_run_and_the_retry_goes_on(wings: Wings, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow_kafka_bq.operators.told import Linked

    wings.fill(8)
    merge, calls = Linked.merge, []

    def slow(self: Linked, *arguments: Any) -> Any:
        calls.append(arguments)
        if len(calls) == 2:
            self._warehouse._jobs.pause(60)
        return merge(self, *arguments)

    monkeypatch.setattr(Linked, "merge", slow)
    found = wings.run(
        lambda: task(
            topic=wings.topic,
            table=wings.table,
            batch_messages=4,
            retries=1,
            retry_delay=timedelta(0),
            execution_timeout=timedelta(seconds=4),
        )
    )
    assert (found.state, found.tries) == ("success", 2)
    assert "AirflowTaskTimeout" in wings.told()
    assert wings.rows() == 8


def test_a_killed_task_stops_at_the_next_safe_point_and_is_not_green(
    wings: Wings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``on_kill`` comes from Airflow's signal handler, in the middle of whatever runs."""
    from airflow_kafka_bq.operators.told import BatchLog

    wings.fill(8)
    running: list[KafkaToBigQueryOperator] = []
    prepare = KafkaToBigQueryOperator._with_job
    show = BatchLog.__call__

    def remembered(self: Any, *arguments: Any) -> Any:
        running.append(self)
        return prepare(self, *arguments)

    def killing(self: Any, report: Any, plan: Any) -> None:
        show(self, report, plan)
        if report.batches == 1:
            running[-1].on_kill()

    monkeypatch.setattr(KafkaToBigQueryOperator, "_with_job", remembered)
    monkeypatch.setattr(BatchLog, "__call__", killing)
    found = wings.run(lambda: task(topic=wings.topic, table=wings.table, batch_messages=4))
    assert found.state == "failed"
    assert "stopped before the end" in wings.told()
    assert wings.rows() == 4


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
