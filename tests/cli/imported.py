"""What a run need not import."""

from __future__ import annotations

# pyarrow.compute is in place without being loaded; this is what it loads.
FOR_MESSAGES = {"pyarrow._compute", "pyarrow.parquet"}
NOT_FOR_RUNS = {
    *("rich.progress", "pandas", "numpy", "fastavro", "httpx", "aiohttp", "IPython", "google.cloud.bigquery_storage"),
    *("airflow_kafka_bq.formats.structured", "airflow_kafka_bq.inspection", "airflow_kafka_bq.operations"),
}
