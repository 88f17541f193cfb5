"""Kafka and BigQuery in memory, with the semantics of the real ones where it hurts, and a clock that a test moves."""

from airflow_kafka_bq.testing.memory.bigquery import MemoryBigQuery
from airflow_kafka_bq.testing.memory.clock import Clock, VirtualClock
from airflow_kafka_bq.testing.memory.faults import Killed
from airflow_kafka_bq.testing.memory.groups import CommitFate
from airflow_kafka_bq.testing.memory.jobs import Fate
from airflow_kafka_bq.testing.memory.kafka import NOW, MemoryCluster, Transaction
from airflow_kafka_bq.testing.memory.letter_topic import MemoryDeadLetterTopic
from airflow_kafka_bq.testing.memory.member_source import MemoryMemberSource
from airflow_kafka_bq.testing.memory.source import MemorySource
from airflow_kafka_bq.testing.memory.warehouse import MemoryWarehouse

__all__ = [
    "NOW",
    "Clock",
    "CommitFate",
    "Fate",
    "Killed",
    "MemoryBigQuery",
    "MemoryCluster",
    "MemoryDeadLetterTopic",
    "MemoryMemberSource",
    "MemorySource",
    "MemoryWarehouse",
    "Transaction",
    "VirtualClock",
]
