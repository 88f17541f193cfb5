"""Many topics mapped in one DAG, run one after the other in one process: nothing is left of those before."""

from __future__ import annotations

import os
from typing import Any

import pytest
from airflow.sdk import DAG

from airflow_kafka_bq import KafkaToBigQueryOperator
from airflow_kafka_bq.testing.kafka import produce
from tests import airflow_home
from tests.operators.conftest import Wings


def held() -> tuple[int, int]:
    """Threads and descriptors. Airflow's own supervisor leaves a descriptor behind each task, outside of ours."""
    return len(os.listdir("/proc/self/task")), len(os.listdir("/proc/self/fd"))


@pytest.mark.fault("A10")
@pytest.mark.timeout(600)
@pytest.mark.parametrize("count", [5, pytest.param(40, marks=pytest.mark.slow)])
def test_threads_and_descriptors_do_not_grow(wings: Wings, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """Each has its own group and table, and commits for no other's topic."""
    topics = [f"{wings.topic}-{number}" for number in range(count)]
    for number, topic in enumerate(topics):
        wings.cluster.create_topic(topic, 1)
        produce(wings.cluster.bootstrap, topic, [{"n": number}] * (number + 1))
    left: list[tuple[int, int]] = []
    reports: list[dict[str, Any]] = []
    execute = KafkaToBigQueryOperator.execute

    def watched(self: KafkaToBigQueryOperator, context: Any) -> dict[str, Any]:
        before = held()
        reports.append(execute(self, context))
        left.append((held()[0] - before[0], held()[1] - before[1]))
        return reports[-1]

    monkeypatch.setattr(KafkaToBigQueryOperator, "execute", watched)
    with DAG(f"wings_many_{count}", schedule=None) as dag:
        KafkaToBigQueryOperator.partial(task_id="load").expand_kwargs(
            [{"topic": topic, "table": f"{wings.dataset}.t{number}"} for number, topic in enumerate(topics)]
        )
    airflow_home.register(dag)
    assert str(dag.test().state) == "success"
    assert sorted(report["messages"] for report in reports) == list(range(1, count + 1))
    assert {report["group_id"] for report in reports} == {
        f"kafka-bq.{topic}.demo.{wings.dataset}.t{number}" for number, topic in enumerate(topics)
    }
    threads, descriptors = (sum(found) for found in zip(*left[2:], strict=True))  # the first ones import and connect
    assert threads <= 4, left
    assert descriptors <= 8, left
