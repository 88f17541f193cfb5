"""Kafka on this machine, for tests: a real broker, librdkafka's mock cluster, a TCP proxy, quick producing.

::

    from airflow_kafka_bq.testing.kafka import KafkaBroker, create_topic, produce

    with KafkaBroker() as kafka:
        create_topic(kafka.bootstrap, "orders", partitions=3)
        produce(kafka.bootstrap, "orders", [{"id": 1}, {"id": 2}])
"""

from airflow_kafka_bq.testing.kafka.access import allow, forbid
from airflow_kafka_bq.testing.kafka.api_keys import ApiKey
from airflow_kafka_bq.testing.kafka.broker import KafkaBroker
from airflow_kafka_bq.testing.kafka.broker_node import KafkaStartError
from airflow_kafka_bq.testing.kafka.bulk import BulkReport, bulk_values, produce_bulk
from airflow_kafka_bq.testing.kafka.jars import KafkaProgramsError
from airflow_kafka_bq.testing.kafka.mock_cluster import MockCluster, MockClusterError, MockClusterUnavailableError
from airflow_kafka_bq.testing.kafka.producing import Acknowledged, NewMessage, new_producer, produce, send
from airflow_kafka_bq.testing.kafka.request_drops import RequestDrops
from airflow_kafka_bq.testing.kafka.tcp_proxy import TcpProxy
from airflow_kafka_bq.testing.kafka.topics import (
    TopicFactory,
    add_partitions,
    create_topic,
    delete_records,
    delete_topic,
    offset_bounds,
    wait_until_stable,
    wait_until_visible,
)
from airflow_kafka_bq.testing.kafka.transactions import OpenTransaction, produce_in_transaction, warm_up
from airflow_kafka_bq.testing.kafka.waiting import NotVisibleError, wait_until

__all__ = [
    "Acknowledged",
    "ApiKey",
    "BulkReport",
    "KafkaBroker",
    "KafkaProgramsError",
    "KafkaStartError",
    "MockCluster",
    "MockClusterError",
    "MockClusterUnavailableError",
    "NewMessage",
    "NotVisibleError",
    "OpenTransaction",
    "RequestDrops",
    "TcpProxy",
    "TopicFactory",
    "add_partitions",
    "allow",
    "bulk_values",
    "create_topic",
    "delete_records",
    "delete_topic",
    "forbid",
    "new_producer",
    "offset_bounds",
    "produce",
    "produce_bulk",
    "produce_in_transaction",
    "send",
    "wait_until",
    "wait_until_stable",
    "wait_until_visible",
    "warm_up",
]
