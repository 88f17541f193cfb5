"""Why a position behind markers carries no leader epoch: what the client makes of one after an election."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]  # documented, but not in __all__

from airflow_kafka_bq.batch import Polled, Position
from airflow_kafka_bq.kafka.source import KafkaSource
from airflow_kafka_bq.testing.kafka import KafkaBroker

pytestmark = [pytest.mark.kafka, pytest.mark.slow]
TOPIC, END = "epochs", 4  # three messages of epoch 0, and their marker of a later one


@pytest.fixture
def broker() -> Iterator[KafkaBroker]:
    with KafkaBroker() as own:
        admin = AdminClient({"bootstrap.servers": own.bootstrap})
        next(iter(admin.create_topics([NewTopic(TOPIC, 1, 1)]).values())).result(20)
        producer = Producer({"bootstrap.servers": own.bootstrap, "transactional.id": "orders"})
        producer.init_transactions(20)
        producer.begin_transaction()
        for number in range(3):
            producer.produce(TOPIC, str(number).encode(), partition=0)
        producer.flush(20)
        _elect(own)
        producer.commit_transaction(60)
        yield own


def _elect(broker: KafkaBroker) -> None:
    broker.kill()
    broker.restart()


def _after_an_election(broker: KafkaBroker, epoch: int | None) -> Polled:
    """What the client says first, opened at the end, when a leader is elected before it has fetched anything."""
    source = KafkaSource({"bootstrap.servers": broker.bootstrap}, TOPIC, "g")
    try:
        source.describe()
        assert source.bounds()[0].last_stable == END
        source.open({0: Position(END, epoch)})
        for _ in range(5):
            if (polled := source.poll(10, 0.2)).out_of_range:
                return polled  # it is compared with the log at once; otherwise this is the end of the partition
        _elect(broker)
        producer = Producer({"bootstrap.servers": broker.bootstrap})
        producer.produce(TOPIC, b"more", partition=0)
        producer.flush(20)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            polled = source.poll(10, 0.2)
            if polled.messages.num_rows or polled.out_of_range:
                return polled
        pytest.fail("neither a message nor an error")
    finally:
        source.close()


def test_the_epoch_of_the_last_message_reads_as_a_truncated_log(broker: KafkaBroker) -> None:
    assert _after_an_election(broker, 0).out_of_range == {0: END}


def test_no_epoch_reads_on(broker: KafkaBroker) -> None:
    assert _after_an_election(broker, None).messages.column("offset").to_pylist() == [END]
