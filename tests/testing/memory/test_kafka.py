"""Topics that change, and a cluster that tells no identities."""

from __future__ import annotations

import pytest

from airflow_kafka_bq.batch import GroupMember, Position
from airflow_kafka_bq.exceptions import (
    NotFoundError,
)
from airflow_kafka_bq.testing.memory import MemoryCluster, MemorySource, VirtualClock
from tests.contract.reading import poll_idle, read_to_end

TOPIC, GROUP = "orders", "group"


def test_a_topic_created_again_is_read_without_a_word(cluster: MemoryCluster, source: MemorySource) -> None:
    cluster.produce_all(TOPIC, [b"1", b"2"])
    source.open({0: Position(1)})
    cluster.delete_topic(TOPIC)
    assert poll_idle(source).rows == []
    with pytest.raises(NotFoundError):
        source.describe()
    cluster.create_topic(TOPIC)
    cluster.produce_all(TOPIC, [b"x", b"y", b"z"])
    assert read_to_end(source).offsets == {0: [1, 2]}  # only the topic id tells


def test_a_cluster_that_tells_no_identities(clock: VirtualClock) -> None:
    cluster = MemoryCluster(clock, cluster_id=None, topic_ids=False)
    cluster.create_topic(TOPIC)
    source = MemorySource(cluster, TOPIC, GROUP)
    cluster.groups.join(GROUP, GroupMember("m", "c", "h"))
    facts = source.describe()
    assert (facts.topic_id, facts.cluster_id, facts.unchecked) == (None, None, ("topic_id",))
    assert (source.group().members, source.group().unchecked) == ((), ("group_members",))
    assert source.retention_ms() is None
