"""The lag sensor under Airflow: waiting in the worker, and in the triggerer."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_kafka_bq import KafkaToBigQueryOperator
from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.sensors.kafka_lag import KafkaLagSensor
from tests.operators.conftest import Wings, wings

__all__ = ["wings"]


def sensor(wings: Wings, **parameters: Any) -> KafkaLagSensor:
    given = {"topic": wings.topic, "table": f"demo.{wings.table}", "min_lag": 4, "poke_interval": 0.2, "timeout": 3}
    return KafkaLagSensor(task_id="wait", **{**given, **parameters})


@pytest.mark.parametrize("deferrable", [False, True])
def test_it_waits_for_as_many_messages_as_are_unread(wings: Wings, deferrable: bool) -> None:
    wings.fill(6)
    found = wings.run(lambda: sensor(wings, deferrable=deferrable))
    assert (found.state, found.report["lag"], found.report["ends"]) == ("success", 6, {"0": 3, "1": 3})
    of: dict[str, Any] = {"topic": wings.topic, "table": wings.table}
    assert wings.run(lambda: KafkaToBigQueryOperator(task_id="load", **of)).report["messages"] == 6
    assert wings.run(lambda: sensor(wings, deferrable=False, timeout=0.3)).state == "failed", "all of it was read"


def test_deferred_it_is_woken_by_the_trigger(wings: Wings, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = list[str]()

    def poke(self: KafkaLagSensor, _context: Any) -> Any:
        from airflow.sdk import PokeReturnValue

        looks.append(self.task_id)
        wings.fill(6)
        return PokeReturnValue(False)

    monkeypatch.setattr(KafkaLagSensor, "poke", poke)
    found = wings.run(lambda: sensor(wings, deferrable=True, timeout=30))
    assert (found.state, found.report["lag"], len(looks)) == ("success", 6, 1)


def test_a_topic_that_is_not_there_fails_without_retry(wings: Wings) -> None:
    found = wings.run(lambda: sensor(wings, topic="not-there", retries=2, deferrable=False))
    assert (found.state, found.tries) == ("failed", 1)
    assert "NotFoundError" in wings.told()


@pytest.mark.parametrize("wrong", [{}, {"min_lag": 0}])
def test_a_threshold_is_asked_for_at_parse(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="min_lag"):
        KafkaLagSensor(task_id="wait", topic="t", group_id="g", **wrong)


def test_the_group_is_that_of_the_job() -> None:
    def group(**given: Any) -> str:
        return KafkaLagSensor(task_id="wait", topic="t", min_lag=1, **given)._group()

    assert group(table="p-1.d.t") == "kafka-bq.t.p-1.d.t"
    assert group(group_id="mine") == "mine"
    with pytest.raises(ConfigError, match=r"names \['project'\]"):
        group(table="d.t")
    with pytest.raises(ConfigError, match="not a table name"):
        group(table="t")
