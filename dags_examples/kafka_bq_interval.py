"""Each run reads the messages of its own data interval again, for ``airflow backfill create``.

``CronDataIntervalTimetable`` gives runs a real interval; with Airflow's default for ``schedule="@daily"`` it would be
empty. A run without one, such as a run that is triggered without a date, fails at once and says so. Name the days:

``airflow backfill create --dag-id kafka_bq_interval --from-date 2026-01-01 --to-date 2026-01-03``
"""

from __future__ import annotations

from datetime import UTC, datetime

from airflow.sdk import DAG, CronDataIntervalTimetable

from airflow_kafka_bq import KafkaToBigQueryOperator

with DAG(
    "kafka_bq_interval",
    schedule=CronDataIntervalTimetable("@daily", timezone="UTC"),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    tags=["kafka", "bigquery", "backfill"],
    doc_md=__doc__,
) as dag:
    KafkaToBigQueryOperator(
        task_id="orders",
        topic="shop.orders",
        table="analytics.orders_raw",
        window={"from": "{{ data_interval_start }}", "to": "{{ data_interval_end }}"},
        max_active_tis_per_dag=1,
    )
