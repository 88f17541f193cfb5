"""Errors, retries, time-outs and kills of a task."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from airflow_kafka_bq import KafkaToBigQueryOperator
from tests.operators.conftest import Wings, task


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
