"""A topic into a table, every hour: two names, everything else has a default.

The payload is kept whole, each message is one row, and a rerun, a crash or a second writer changes nothing. One run at
a time: two would only fence each other.
"""

from __future__ import annotations

from datetime import datetime

from airflow.sdk import DAG

from airflow_kafka_bq import KafkaToBigQueryOperator

with DAG(
    "kafka_bq_minimal",
    schedule="@hourly",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=1,
    tags=["kafka", "bigquery"],
    doc_md=__doc__,
) as dag:
    KafkaToBigQueryOperator(
        task_id="orders",
        topic="shop.orders",
        table="analytics.orders_raw",
        max_active_tis_per_dag=1,
    )
