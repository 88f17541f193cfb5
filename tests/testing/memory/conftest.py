"""A cluster and a project in memory, on a virtual clock."""

from __future__ import annotations

import pytest

from airflow_kafka_bq.testing.memory import MemoryCluster, MemorySource, VirtualClock
from tests.contract.warehouse_world import MemoryWorld
from tests.contract.workbench import Workbench, keep_target


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def cluster(clock: VirtualClock) -> MemoryCluster:
    made = MemoryCluster(clock)
    made.create_topic("orders", 2)
    return made


@pytest.fixture
def source(cluster: MemoryCluster) -> MemorySource:
    return MemorySource(cluster, "orders", "group")


@pytest.fixture
def world() -> MemoryWorld:
    return MemoryWorld()


@pytest.fixture
def bench(world: MemoryWorld) -> Workbench:
    return Workbench(world, keep_target(world))
