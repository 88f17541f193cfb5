"""``dead_letter_topic`` of a task."""

from __future__ import annotations

import pytest

from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.testing.kafka import NewMessage, offset_bounds, produce
from tests.operators.conftest import Wings, task


def test_a_task_copies_its_dead_letters(wings: Wings) -> None:
    dead = f"{wings.topic}-dead"
    wings.cluster.create_topic(dead)
    produce(wings.cluster.bootstrap, wings.topic, [NewMessage(b"{", partition=0), NewMessage(b"{", partition=1)])
    found = wings.run(lambda: task(topic=wings.topic, table=wings.table, dead_letter_topic=dead, max_bad_ratio=None))
    assert found.state == "success"
    assert found.report["dead_letter_copies"] == {"topic": dead, "copied": 2, "waiting": 0, "error": None}
    assert offset_bounds(wings.cluster.bootstrap, dead, [0]) == {0: (0, 2)}


def test_a_topic_that_is_not_there_fails_the_task_and_the_rows_are_safe(wings: Wings) -> None:
    produce(wings.cluster.bootstrap, wings.topic, [NewMessage(b"{", partition=0), NewMessage(b"{}", partition=1)])
    found = wings.run(
        lambda: task(topic=wings.topic, table=wings.table, dead_letter_topic="nobody-made-it", max_bad_ratio=None)
    )
    assert (found.state, found.tries, wings.rows()) == ("failed", 1, 1)
    assert "rows and position are safe, 1 dead letters wait" in wings.told()


def test_a_literal_is_looked_at_when_the_dag_is_parsed() -> None:
    with pytest.raises(ConfigError, match="dead_letter_topic='t' is the topic that is read"):
        task(topic="t", dead_letter_topic="t")
