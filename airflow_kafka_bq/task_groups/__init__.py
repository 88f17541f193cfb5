"""Task groups: a run that several workers share."""

from airflow_kafka_bq.task_groups.kafka_to_bigquery import KafkaToBigQueryTaskGroup

__all__ = ["KafkaToBigQueryTaskGroup"]
