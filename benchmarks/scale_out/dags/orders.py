"""One topic into the table that the run names: by one task, and by as many slices as the name of the DAG says."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

from airflow.sdk import DAG

from airflow_kafka_bq import KafkaToBigQueryOperator, KafkaToBigQueryTaskGroup

COMMON: dict[str, Any] = {
    "topic": "{{ params.topic }}",
    "table": "{{ params.table }}",
    "model": "benchmarks.orders:Order",
    "batch_messages": int(os.environ.get("KAFKA_BQ_BATCH_MESSAGES", "500000")),
    "retries": 2,
    "retry_delay": timedelta(seconds=1),
}
PARAMS = {"topic": "", "table": ""}

with DAG("one_task", schedule=None, params=PARAMS):
    KafkaToBigQueryOperator(task_id="orders", **COMMON)

with DAG("two_slices", schedule=None, params=PARAMS):
    KafkaToBigQueryTaskGroup(task_id="orders", slices=2, **COMMON)
