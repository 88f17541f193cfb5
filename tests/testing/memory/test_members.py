"""Who has which partitions."""

from __future__ import annotations

from airflow_kafka_bq.testing.memory import MemoryCluster, VirtualClock
from airflow_kafka_bq.testing.memory.members import Members


def share(members: Members, member_id: str) -> list[int] | None:
    found = members.share("g", member_id)
    return None if found is None else sorted(found)


def test_partitions_go_round_and_come_back() -> None:
    cluster = MemoryCluster(VirtualClock())
    cluster.create_topic("t", 3)
    members = cluster.members
    members.join("g", "a", "t")
    members.join("g", "b", "t")
    assert share(members, "a") == [0, 2]
    assert share(members, "b") == [1]
    assert [one.topics for one in cluster.groups.members("g")] == [("t",), ("t",)]
    members.leave("g", "a")
    members.leave("g", "a")
    assert share(members, "a") is None
    assert share(members, "b") == [0, 1, 2]
    assert members.of("g") == ["b"]
    assert members.of("nobody") == []
