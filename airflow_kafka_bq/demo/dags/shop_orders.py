"""Orders from Kafka into BigQuery.

*Trigger* moves what is new in the topic. Give the consumer group another name, or read a window again: the table stays
as it is.
"""

from __future__ import annotations

from airflow.sdk import DAG, Param

from airflow_kafka_bq import KafkaToBigQueryOperator

TEXT = ["null", "string"]

with DAG(
    dag_id="shop_orders",
    schedule=None,
    catchup=False,
    is_paused_upon_creation=False,
    doc_md=__doc__,
    tags=["kafka", "bigquery", "demo"],
    params={
        "group_id": Param(None, type=TEXT, title="Consumer group", description="Empty: one made for the topic."),
        "replay_from": Param(
            None, type=TEXT, title="Replay from", description='Empty: what is new. A time or {"0": 100}.'
        ),
        "replay_to": Param(None, type=TEXT, title="Replay to", description="The end itself is left out."),
    },
) as dag:
    KafkaToBigQueryOperator(
        task_id="orders",
        topic="shop.orders",
        table="analytics.shop_orders",
        model="airflow_kafka_bq.demo.orders:Order",
        dedup_key=["order_id"],
        on_duplicate="update",
        version=["updated_at"],
        partition_by="ordered_on",
        group_id="{{ params.group_id }}",
        window={"from": "{{ params.replay_from }}", "to": "{{ params.replay_to }}"},
        max_active_tis_per_dag=1,
    )
