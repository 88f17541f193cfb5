"""The demo: what a consumer written by hand leaves in a table, and what we leave; both servers are its own."""

from airflow_kafka_bq.demo.play import Options, play

__all__ = ["Options", "play"]
