"""Kafka topics into BigQuery tables, in batches, without loss and without duplicates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from airflow_kafka_bq.dags import dags_from_yaml
    from airflow_kafka_bq.operators import (
        KafkaToBigQueryOperator,
        MigrateConsumerGroupOperator,
        PlanKafkaToBigQueryOperator,
        RedriveDeadLettersOperator,
    )
    from airflow_kafka_bq.schema.marks import Column, Drop, Hashed, per_record
    from airflow_kafka_bq.sensors.kafka_lag import KafkaLagSensor
    from airflow_kafka_bq.task_groups import KafkaToBigQueryTaskGroup
    from airflow_kafka_bq.triggers.kafka_lag import KafkaLagTrigger

_OPERATORS = (
    "KafkaToBigQueryOperator",
    "MigrateConsumerGroupOperator",
    "PlanKafkaToBigQueryOperator",
    "RedriveDeadLettersOperator",
)
_MARKS = ("Column", "Drop", "Hashed", "per_record")
__all__ = [
    "Column",
    "Drop",
    "Hashed",
    "KafkaLagSensor",
    "KafkaLagTrigger",
    "KafkaToBigQueryOperator",
    "KafkaToBigQueryTaskGroup",
    "MigrateConsumerGroupOperator",
    "PlanKafkaToBigQueryOperator",
    "RedriveDeadLettersOperator",
    "__version__",
    "dags_from_yaml",
    "per_record",
]


def __getattr__(name: str) -> Any:
    """Operators are imported when they are asked for: the command line runs without Airflow."""
    if name in _MARKS:
        from airflow_kafka_bq.schema import marks

        return getattr(marks, name)
    if name == "KafkaLagSensor":
        from airflow_kafka_bq.sensors.kafka_lag import KafkaLagSensor

        return KafkaLagSensor
    if name == "KafkaLagTrigger":
        from airflow_kafka_bq.triggers.kafka_lag import KafkaLagTrigger

        return KafkaLagTrigger
    if name == "KafkaToBigQueryTaskGroup":
        from airflow_kafka_bq import task_groups

        return task_groups.KafkaToBigQueryTaskGroup
    if name == "dags_from_yaml":
        from airflow_kafka_bq import dags

        return dags.dags_from_yaml
    if name not in _OPERATORS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from airflow_kafka_bq import operators

    return getattr(operators, name)
