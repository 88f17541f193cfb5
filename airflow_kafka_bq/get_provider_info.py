"""What Airflow asks an installed provider: the entry point ``apache_airflow_provider``.

Every ``airflow`` command reads it, so it imports nothing. Two keys are missing on purpose: the connection types
``kafka`` and ``google_cloud_platform`` belong to the official providers, and Airflow warns where two packages declare
one; what is declared under ``plugins`` is not loaded while ``[core] lazy_discover_providers`` has its default.
"""

from __future__ import annotations

from typing import Any

from airflow_kafka_bq import __version__

KAFKA = "Apache Kafka"
BIGQUERY = "Google BigQuery"
OPERATORS = (
    "airflow_kafka_bq.operators.kafka_to_bigquery",
    "airflow_kafka_bq.operators.audit",
    "airflow_kafka_bq.operators.migrate",
    "airflow_kafka_bq.operators.plan",
    "airflow_kafka_bq.operators.redrive",
    "airflow_kafka_bq.operators.repair",
    "airflow_kafka_bq.operators.seek",
    "airflow_kafka_bq.operators.slices",
)


def get_provider_info() -> dict[str, Any]:
    """Provider metadata, in the words of Airflow's ``provider_info.schema.json``."""
    return {
        "package-name": "airflow-provider-kafka-bq",
        "name": "Kafka to BigQuery",
        "description": "Moves `Apache Kafka <https://kafka.apache.org/>`__ topics into "
        "`BigQuery <https://cloud.google.com/bigquery/>`__ tables in batches, without loss and without duplicates.",
        "versions": [__version__],
        "integrations": [
            {
                "integration-name": KAFKA,
                "external-doc-url": "https://kafka.apache.org/documentation/",
                "tags": ["apache"],
            },
            {
                "integration-name": BIGQUERY,
                "external-doc-url": "https://cloud.google.com/bigquery/docs",
                "tags": ["gcp"],
            },
        ],
        "operators": [
            {
                "integration-name": BIGQUERY,
                "python-modules": list(OPERATORS),
            },
        ],
        "sensors": [{"integration-name": KAFKA, "python-modules": ["airflow_kafka_bq.sensors.kafka_lag"]}],
        "triggers": [{"integration-name": KAFKA, "python-modules": ["airflow_kafka_bq.triggers.kafka_lag"]}],
        "transfers": [
            {
                "source-integration-name": KAFKA,
                "target-integration-name": BIGQUERY,
                "python-module": "airflow_kafka_bq.operators.kafka_to_bigquery",
            },
        ],
        "hooks": [
            {"integration-name": KAFKA, "python-modules": ["airflow_kafka_bq.hooks.kafka"]},
            {"integration-name": BIGQUERY, "python-modules": ["airflow_kafka_bq.hooks.google_cloud"]},
        ],
        "extra-links": [
            "airflow_kafka_bq.links.bigquery.TargetTableLink",
            "airflow_kafka_bq.links.bigquery.MergeJobLink",
            "airflow_kafka_bq.links.bigquery.LoadJobLink",
        ],
        "cli": ["airflow_kafka_bq.airflow_command.commands"],
    }
