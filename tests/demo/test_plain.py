"""The consumer by hand is no straw man: each group gets every order once, and it commits behind its inserts."""

from __future__ import annotations

from confluent_kafka import Consumer, TopicPartition
from google.cloud.bigquery import Client

from airflow_kafka_bq.demo import plain
from airflow_kafka_bq.demo.orders import PARTITIONS, wave
from airflow_kafka_bq.testing.kafka import MockCluster, produce


def committed(bootstrap: str, group: str) -> int:
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": group})
    try:
        wanted = [TopicPartition("plain.orders", number) for number in range(PARTITIONS)]
        return sum(at.offset for at in consumer.committed(wanted, timeout=10))
    finally:
        consumer.close()


def test_a_group_loads_each_order_once_and_another_group_loads_all_again(
    mock_cluster: MockCluster, bigquery_client: Client, dataset: str
) -> None:
    made, table = wave(1_000), f"{bigquery_client.project}.{dataset}.by_hand"
    mock_cluster.set_initial_rebalance_delay(0)
    mock_cluster.create_topic("plain.orders", PARTITIONS)
    produce(mock_cluster.bootstrap, "plain.orders", made.messages)

    def loaded(group: str) -> tuple[int, int]:
        read = plain.load(mock_cluster.bootstrap, group, "plain.orders", bigquery_client, table)
        return read, next(iter(bigquery_client.query_and_wait(f"SELECT COUNT(*) FROM `{table}`")))[0]

    valid = made.orders + made.duplicates
    assert loaded("plain.a") == (1_000, valid)
    assert committed(mock_cluster.bootstrap, "plain.a") == 1_000
    assert loaded("plain.b") == (1_000, 2 * valid)
