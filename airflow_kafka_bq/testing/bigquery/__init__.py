"""A local BigQuery for tests: an emulator, and a strict front that plays BigQuery's documented rules."""

from airflow_kafka_bq.testing.bigquery.front.faults import Fault
from airflow_kafka_bq.testing.bigquery.local import FaultDoor, LocalBigQuery

__all__ = ["Fault", "FaultDoor", "LocalBigQuery"]
