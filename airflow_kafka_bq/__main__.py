"""``python -m airflow_kafka_bq``."""

from airflow_kafka_bq.cli import main

if __name__ == "__main__":
    main()
