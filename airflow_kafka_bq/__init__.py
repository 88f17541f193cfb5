"""Kafka topics into BigQuery tables, in batches, without loss and without duplicates."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from airflow_kafka_bq.dags import dags_from_yaml
    from airflow_kafka_bq.operators import (
        AuditDuplicatesOperator,
        KafkaToBigQueryOperator,
        MigrateConsumerGroupOperator,
        PlanKafkaToBigQueryOperator,
        RedriveDeadLettersOperator,
        RepairDuplicatesOperator,
        SeekConsumerGroupOperator,
    )
    from airflow_kafka_bq.schema.marks import Column, Drop, Hashed, per_record
    from airflow_kafka_bq.sensors.kafka_lag import KafkaLagSensor
    from airflow_kafka_bq.task_groups import KafkaToBigQueryTaskGroup
    from airflow_kafka_bq.triggers.kafka_lag import KafkaLagTrigger

_HOMES = {
    **dict.fromkeys(("Column", "Drop", "Hashed", "per_record"), "schema.marks"),
    "KafkaLagSensor": "sensors.kafka_lag",
    "KafkaLagTrigger": "triggers.kafka_lag",
    "KafkaToBigQueryTaskGroup": "task_groups",
    "dags_from_yaml": "dags",
    **dict.fromkeys(
        (
            "AuditDuplicatesOperator",
            "KafkaToBigQueryOperator",
            "MigrateConsumerGroupOperator",
            "PlanKafkaToBigQueryOperator",
            "RedriveDeadLettersOperator",
            "RepairDuplicatesOperator",
            "SeekConsumerGroupOperator",
        ),
        "operators",
    ),
}
__all__ = [
    "AuditDuplicatesOperator",
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
    "RepairDuplicatesOperator",
    "SeekConsumerGroupOperator",
    "__version__",
    "dags_from_yaml",
    "per_record",
]


def __getattr__(name: str) -> Any:
    """What users import is loaded when it is asked for: the command line runs without Airflow."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
