"""Move a job's position, from a form: topic, table, to, partitions, dry run.

Backwards, messages are read again, which changes nothing in the table; forwards, they are skipped. A dry run shows how
many. A run of the job that merges in between makes the task try again, and nothing was moved. The XCom of ``seek`` has
``undo``, which takes it back: ``SeekConsumerGroupOperator(undo=…)``. To move once more, trigger another run: a task
that is cleared moves nothing again.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import DAG, Param, task

from airflow_kafka_bq import SeekConsumerGroupOperator

TO = {"type": ["string", "object"], "examples": ["earliest", "latest", "2026-01-31T06:00:00+00:00", "0:123,1:456"]}

with DAG(
    "kafka_bq_seek",
    schedule=None,
    tags=["kafka", "bigquery"],
    doc_md=__doc__,
    max_active_runs=1,
    params={
        "topic": Param("shop.orders", type="string", minLength=1, title="Topic"),
        "table": Param("analytics.orders_raw", type="string", title="Table", description="dataset.table"),
        "to": Param(**TO, title="To", description="An end of the log, an ISO time, or an offset for each partition"),
        "partitions": Param(None, type=["null", "array"], items={"type": "integer"}, title="Only these partitions"),
        "dry_run": Param(True, type="boolean", title="Dry run", description="Show what would be read again or skipped"),
    },
) as dag:
    job: dict[str, Any] = {
        "topic": "{{ params.topic }}",
        "table": "{{ params.table }}",
        "to": "{{ params.to }}",
        "partitions": "{{ params.partitions }}",
        "retries": 2,
    }

    @task.branch
    def dry_run_or_not(params: dict[str, Any]) -> str:
        """Which of the two runs."""
        return "preview" if params["dry_run"] else "seek"

    dry_run_or_not() >> [
        SeekConsumerGroupOperator(task_id="preview", dry_run=True, **job),
        SeekConsumerGroupOperator(task_id="seek", **job),
    ]
