"""The only room that imports the Kafka client."""

from airflow_kafka_bq.kafka.dead_letter_topic import KafkaDeadLetterTopic
from airflow_kafka_bq.kafka.member_source import KafkaMemberSource
from airflow_kafka_bq.kafka.settings import IsolationLevel, masked
from airflow_kafka_bq.kafka.source import KafkaSource

__all__ = ["IsolationLevel", "KafkaDeadLetterTopic", "KafkaMemberSource", "KafkaSource", "masked"]
