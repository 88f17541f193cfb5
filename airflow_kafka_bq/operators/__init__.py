"""Operators: the engine as a task."""

from airflow_kafka_bq.operators.audit import AuditDuplicatesOperator
from airflow_kafka_bq.operators.kafka_to_bigquery import KafkaToBigQueryOperator
from airflow_kafka_bq.operators.migrate import MigrateConsumerGroupOperator
from airflow_kafka_bq.operators.plan import PlanKafkaToBigQueryOperator
from airflow_kafka_bq.operators.redrive import RedriveDeadLettersOperator
from airflow_kafka_bq.operators.repair import RepairDuplicatesOperator
from airflow_kafka_bq.operators.seek import SeekConsumerGroupOperator

__all__ = [
    "AuditDuplicatesOperator",
    "KafkaToBigQueryOperator",
    "MigrateConsumerGroupOperator",
    "PlanKafkaToBigQueryOperator",
    "RedriveDeadLettersOperator",
    "RepairDuplicatesOperator",
    "SeekConsumerGroupOperator",
]
