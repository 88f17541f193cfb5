"""Read a window again, from a form: topic, table, from, to, partitions, dry run.

Trigger it with times, or with offsets such as ``{"0": 100}`` at both ends. It goes through the same MERGE as the live
task and moves no position, so it may run beside it. A dry run shows the ranges, the MERGE and its bytes, and reads
nothing. ``airflow dags trigger kafka_bq_backfill --conf '{"from": "2026-01-01", "to": "2026-01-02"}'`` does the same.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import DAG, Param, task

from airflow_kafka_bq import KafkaToBigQueryOperator, PlanKafkaToBigQueryOperator

END = {"type": ["string", "object"], "examples": ["2026-01-31T06:00:00+00:00"]}

with DAG(
    "kafka_bq_backfill",
    schedule=None,
    tags=["kafka", "bigquery", "backfill"],
    doc_md=__doc__,
    params={
        "topic": Param("shop.orders", type="string", minLength=1, title="Topic"),
        "table": Param("analytics.orders_raw", type="string", title="Table", description="dataset.table"),
        "from": Param(**END, title="From", description="ISO time (without zone: UTC), or {partition: offset}"),
        "to": Param(**END, title="To", description="The end itself is left out"),
        "partitions": Param(None, type=["null", "array"], items={"type": "integer"}, title="Only these partitions"),
        "dry_run": Param(False, type="boolean", title="Dry run", description="Show what would be read and merged"),
    },
) as dag:
    job: dict[str, Any] = {
        "topic": "{{ params.topic }}",
        "table": "{{ params.table }}",
        "window": {"from": "{{ params['from'] }}", "to": "{{ params['to'] }}"},
        "partitions": "{{ params.partitions }}",
    }

    @task.branch
    def dry_run_or_not(params: dict[str, Any]) -> str:
        """Which of the two runs."""
        return "preview" if params["dry_run"] else "replay"

    dry_run_or_not() >> [
        PlanKafkaToBigQueryOperator(task_id="preview", **job),
        KafkaToBigQueryOperator(task_id="replay", **job),
    ]
