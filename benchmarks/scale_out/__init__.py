"""One topic, slices of it on several workers: a real Airflow with its executors, a real Kafka, the local BigQuery."""
