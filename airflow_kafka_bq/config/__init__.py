"""What a job is: frozen settings, refused when wrong, never repaired."""

from airflow_kafka_bq.config.job import JobConfig
from airflow_kafka_bq.config.values import Partitioning, TableId, Window

__all__ = ["JobConfig", "Partitioning", "TableId", "Window"]
