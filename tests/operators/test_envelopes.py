"""A task that takes rows out of their envelope."""

from __future__ import annotations

from airflow_kafka_bq.testing.kafka import NewMessage, produce
from tests.formats.structured.debezium_events import ROW, SOURCE, event
from tests.operators.conftest import Wings, task


def test_a_task_unwraps_change_events(wings: Wings) -> None:
    produce(wings.cluster.bootstrap, wings.topic, [
        NewMessage(event("c", ROW), partition=0), NewMessage(event("m"), partition=0), NewMessage(None, partition=0),
    ])  # fmt: skip
    chosen = ["source.lsn", "op"]
    found = wings.run(lambda: task(topic=wings.topic, table=wings.table, envelope="debezium", envelope_fields=chosen))
    assert found.state == "success", wings.told()
    assert (found.report["rows"]["inserted"], found.report["rows"]["ignored"]) == (2, 1)
    rows = wings.client.query_and_wait(f"SELECT __source_lsn, __op FROM `demo.{wings.table}` ORDER BY _kafka_offset")
    assert [tuple(row.values()) for row in rows] == [(SOURCE["lsn"], "c"), (None, None)]
