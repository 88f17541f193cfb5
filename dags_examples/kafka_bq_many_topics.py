"""Many topics: a task each, with a consumer group each.

Nothing joins a group, so a task that starts or ends rebalances nobody, and a topic that is behind holds up no other. A
pool bounds how many read at once from one cluster: ``airflow pools set kafka 4 "tasks that read from Kafka"``.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.sdk import DAG

from airflow_kafka_bq import KafkaToBigQueryOperator

TOPICS = {
    "shop.orders": "analytics.orders_raw",
    "shop.payments": "analytics.payments_raw",
    "shop.returns": "analytics.returns_raw",
}

with DAG(
    "kafka_bq_many_topics",
    schedule=timedelta(minutes=30),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 3, "retry_delay": timedelta(minutes=1), "max_active_tis_per_dag": 1},
    tags=["kafka", "bigquery"],
    doc_md=__doc__,
) as dag:
    for topic, table in TOPICS.items():
        KafkaToBigQueryOperator(task_id=topic.replace(".", "_"), topic=topic, table=table, labels={"source": "kafka"})
