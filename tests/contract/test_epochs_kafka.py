"""The contract of leader epochs, held by librdkafka and a broker that is killed and started again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from airflow_kafka_bq.batch import Position
from airflow_kafka_bq.kafka.source import KafkaSource
from airflow_kafka_bq.ports import Source
from airflow_kafka_bq.testing.kafka import KafkaBroker, NewMessage, create_topic, produce
from tests.contract import epochs_contract
from tests.contract.reading import read_to_end

pytestmark = [pytest.mark.kafka, pytest.mark.slow]
TOPIC = "epochs"


class BrokerElected:
    """A broker of its own."""

    def __init__(self, broker: KafkaBroker) -> None:
        self._bootstrap = broker.bootstrap
        self._opened: list[KafkaSource] = []
        create_topic(self._bootstrap, TOPIC, 1)
        produce(self._bootstrap, TOPIC, [NewMessage(str(number).encode(), partition=0) for number in range(3)])
        broker.kill()
        broker.restart()
        produce(self._bootstrap, TOPIC, [NewMessage(b"3", partition=0)])

    def source(self) -> Source:
        source = KafkaSource({"bootstrap.servers": self._bootstrap}, TOPIC, "group")
        self._opened.append(source)
        source.describe()
        return source

    def latest_epoch(self) -> int:
        source = self.source()
        source.open({0: Position(0)})
        return read_to_end(source).epochs[0]

    def close(self) -> None:
        for source in self._opened:
            source.close()


@pytest.fixture(scope="module")
def elected() -> Iterator[epochs_contract.ElectedWorld]:
    with KafkaBroker() as broker:
        world = BrokerElected(broker)
        yield world
        world.close()


class TestEpochs(epochs_contract.Epochs):
    """On a real broker."""
