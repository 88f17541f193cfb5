"""The contract of leader epochs, held in memory."""

from __future__ import annotations

import pytest

from airflow_kafka_bq.ports import Source
from airflow_kafka_bq.testing.memory import MemoryCluster, MemorySource, VirtualClock
from tests.contract import epochs_contract


class MemoryElected:
    """Two elections: an epoch in between writes nothing, as where a broker starts again."""

    def __init__(self) -> None:
        self.cluster = MemoryCluster(VirtualClock())
        self.cluster.create_topic("epochs")
        self.cluster.produce_all("epochs", [b"0", b"1", b"2"])
        for _ in range(2):
            self.cluster.elect("epochs", 0)
        self.cluster.produce("epochs", b"3")

    def source(self) -> Source:
        return MemorySource(self.cluster, "epochs", "group")

    def latest_epoch(self) -> int:
        return self.cluster.log("epochs", 0).leader_epoch


@pytest.fixture
def elected() -> epochs_contract.ElectedWorld:
    return MemoryElected()


class TestEpochs(epochs_contract.Epochs):
    """In memory."""
