"""Who has which partitions."""

from __future__ import annotations

from airflow_kafka_bq.testing.memory import MemoryCluster, VirtualClock


def test_partitions_go_round_and_come_back() -> None:
    cluster = MemoryCluster(VirtualClock())
    cluster.create_topic("t", 3)
    members = cluster.members
    members.join("g", "a", "t")
    members.join("g", "b", "t")
    assert members.share("g", "a") == {0, 2}
    assert members.share("g", "b") == {1}
    assert [one.topics for one in cluster.groups.members("g")] == [("t",), ("t",)]
    members.leave("g", "a")
    members.leave("g", "a")
    assert members.share("g", "a") is None
    assert members.share("g", "b") == {0, 1, 2}
    assert members.of("g") == ["b"]
    assert members.of("nobody") == []
