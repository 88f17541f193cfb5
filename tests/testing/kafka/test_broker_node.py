from __future__ import annotations

import time
from pathlib import Path

import pytest

from airflow_kafka_bq.testing.kafka import KafkaBroker
from airflow_kafka_bq.testing.kafka.broker_node import BrokerNode, KafkaStartError, new_id
from airflow_kafka_bq.testing.kafka.child_process import spawn


def test_ids_are_fresh_and_never_look_like_an_option() -> None:
    ids = [new_id() for _ in range(2000)]
    assert len(set(ids)) == 2000
    assert {len(each) for each in ids} == {22}
    assert [each for each in ids if each.startswith("-")] == []


def test_another_cluster_on_the_port_is_not_ready(kafka: KafkaBroker, tmp_path: Path) -> None:
    port = int(kafka.bootstrap.split(":")[1])
    node = BrokerNode(1, port, "another-cluster", tmp_path)
    node.process = spawn(["sleep", "60"], log=node.log)
    with pytest.raises(KafkaStartError, match="not ready in time"):
        node.wait_until_ready([1], time.monotonic() + 0.3)
    node.kill()


def test_a_node_that_ends_is_an_error_with_its_last_words(tmp_path: Path) -> None:
    node = BrokerNode(1, 1, "cluster", tmp_path)
    node.process = spawn(["sh", "-c", "echo no memory"], log=node.log)
    with pytest.raises(KafkaStartError, match="no memory"):
        node.wait_until_ready([1], time.monotonic() + 5)
    node.kill()
