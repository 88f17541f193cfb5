"""A dead letter topic in memory; what it shares with the real one is in ``tests/contract/letter_topic_contract.py``."""

from __future__ import annotations

from airflow_kafka_bq.batch import Delivery
from airflow_kafka_bq.exceptions import KafkaUnavailableError
from airflow_kafka_bq.testing.memory import MemoryCluster
from airflow_kafka_bq.testing.memory.letter_topic import MemoryDeadLetterTopic
from tests.contract.letter_topic_contract import copies


def test_a_lost_answer_leaves_a_message_that_nobody_knows_of() -> None:
    cluster = MemoryCluster()
    cluster.create_topic("dead")
    cluster.lose_answer("send", KafkaUnavailableError("no answer"))
    done = MemoryDeadLetterTopic(cluster, "dead").send(copies({"value": b"x"}))
    assert (done.outcomes, str(done.error)[:9]) == ((Delivery.UNKNOWN,), "no answer")
    assert [record.value for record in cluster.log("dead", 0).records] == [b"x"]
