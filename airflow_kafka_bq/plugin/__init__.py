"""What Airflow loads into its own services."""

from __future__ import annotations

from airflow.plugins_manager import AirflowPlugin  # noqa: TID253 - Airflow's services alone load it

from airflow_kafka_bq.plugin import watermarks


class KafkaBigQueryPlugin(AirflowPlugin):
    """Keeps what ``KafkaLagTrigger`` has told of, in the transaction that stores its event."""

    name = "kafka_bq"
    listeners = [watermarks]  # noqa: RUF012 - Airflow's own type
