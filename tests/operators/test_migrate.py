"""An old group's position, taken over by a task; on the mock cluster, which cannot tell members."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, TopicPartition

from airflow_kafka_bq import KafkaToBigQueryOperator, MigrateConsumerGroupOperator
from airflow_kafka_bq.exceptions import ConfigError
from tests.operators.conftest import Wings


def test_the_position_is_taken_over_and_the_live_task_reads_on(wings: Wings, tmp_path: Path) -> None:
    wings.fill(10)
    consumer = Consumer({"bootstrap.servers": wings.cluster.bootstrap, "group.id": "old"})
    consumer.commit(offsets=[TopicPartition(wings.topic, part, 3) for part in (0, 1)], asynchronous=False)
    consumer.close()
    of: dict[str, Any] = {"topic": wings.topic, "table": wings.table}
    undo_file = str(tmp_path / "undo.json")

    def migrate(dry_run: bool = False) -> MigrateConsumerGroupOperator:
        group = "{{ params.old }}"
        return MigrateConsumerGroupOperator(
            task_id="migrate", from_group=group, undo_file=undo_file, dry_run=dry_run, **of
        )

    told = wings.run(lambda: migrate(dry_run=True), params={"old": "old"})
    assert (told.state, told.report["jobs"][0]["state"], Path(undo_file).exists()) == ("success", "to move", False)
    done = wings.run(migrate, params={"old": "old"})
    assert (done.state, done.report["old_group"], done.report["undo_file"]) == ("success", "kept", undo_file)
    live = wings.run(lambda: KafkaToBigQueryOperator(task_id="live", start="fail", **of))
    assert (live.state, live.report["messages"], wings.rows()) == ("success", 4, 4)
    assert wings.run(migrate, params={"old": "old"}).report["jobs"][0]["state"] == "read on"
    failed = wings.run(migrate, params={"old": "another"})
    assert failed.state == "failed"
    assert "consumer group another has no offset of topic" in wings.told()


def test_a_group_without_a_name_is_refused_at_parse() -> None:
    with pytest.raises(ConfigError, match="from_group"):
        MigrateConsumerGroupOperator(task_id="migrate", topic="t", table="d.t", from_group=" ")
