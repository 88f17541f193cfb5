"""Links from a task to what it works on, in Google's console."""

from airflow_kafka_bq.links.bigquery import LINKS, LoadJobLink, MergeJobLink, TargetTableLink, job_url, table_url

__all__ = ["LINKS", "LoadJobLink", "MergeJobLink", "TargetTableLink", "job_url", "table_url"]
