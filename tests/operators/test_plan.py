from __future__ import annotations

from airflow_kafka_bq import PlanKafkaToBigQueryOperator
from tests.operators.conftest import Wings


def test_a_plan_tells_and_changes_nothing(wings: Wings) -> None:
    wings.fill(10)
    found = wings.run(lambda: PlanKafkaToBigQueryOperator(task_id="plan", topic=wings.topic, table=wings.table))
    assert found.state == "success"
    assert (found.report["lag"], found.report["kind"]) == (10, "live")
    assert f"demo.{wings.table}" in found.report["would_create"]
    assert found.report["merge"].startswith("MERGE")
    assert f"{wings.topic} → demo.{wings.table}: 10 messages at most" in wings.told()
    assert list(wings.client.list_tables(wings.dataset)) == []
