"""The process that runs the demo's DAG answers with a report, or with the state of a run that failed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from airflow_kafka_bq.demo.airflow_worker import answer


@dataclass
class Run:
    state: str

    def get_task_instance(self, task_id: str) -> Run:
        assert task_id == "orders"
        return self

    def xcom_pull(self, task_ids: str) -> dict[str, Any]:
        return {"messages": 7, "task": task_ids}


@dataclass
class Dag:
    state: str
    given: Any = None

    def test(self, run_conf: Any) -> Run:
        self.given = run_conf
        return Run(self.state)


def test_a_run_that_went_well_answers_with_its_report() -> None:
    dag = Dag("success")
    assert answer(dag, {"group_id": "g"}) == {"messages": 7, "task": "orders"}
    assert dag.given == {"group_id": "g"}


def test_a_run_that_failed_answers_with_its_state() -> None:
    assert answer(Dag("failed"), {}) == {"error": "the DAG run ended as failed", "message": ""}
