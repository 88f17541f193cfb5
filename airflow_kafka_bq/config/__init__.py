"""What a job is: frozen settings, refused when wrong, never repaired."""

from airflow_kafka_bq.config.job import JobConfig
from airflow_kafka_bq.config.partitioning import IntegerRange, Layout, Partitioning
from airflow_kafka_bq.config.values import TableId, Window

__all__ = ["IntegerRange", "JobConfig", "Layout", "Partitioning", "TableId", "Window"]
