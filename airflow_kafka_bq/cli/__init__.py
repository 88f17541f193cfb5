"""The command line: ``kafka-bq``. Logs go to stderr, results to stdout."""

from airflow_kafka_bq.cli.commands import main

__all__ = ["main"]
