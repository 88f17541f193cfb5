"""Commits that are late, lost or refused; offsets that expire."""

from __future__ import annotations

from datetime import timedelta

import pytest

from airflow_kafka_bq.batch import GroupMember, Position
from airflow_kafka_bq.exceptions import (
    AccessDeniedError,
    GroupInUseError,
    KafkaUnavailableError,
)
from airflow_kafka_bq.testing.memory import CommitFate, MemoryCluster, MemorySource, VirtualClock

TOPIC, GROUP = "orders", "group"


def committed(source: MemorySource) -> dict[int, int]:
    return {partition: found.position.next_offset for partition, found in source.committed().items()}


def test_a_late_commit_lands_over_a_newer_one(cluster: MemoryCluster, source: MemorySource) -> None:
    cluster.groups.fate_of_next(CommitFate.LATE)
    with pytest.raises(KafkaUnavailableError) as raised:
        source.commit({0: Position(5)}, "zombie")
    assert (raised.value.topic, raised.value.group_id) == (TOPIC, GROUP)
    assert committed(source) == {}
    source.commit({0: Position(9)}, "newer")
    assert cluster.groups.apply_late() == 1
    assert committed(source) == {0: 5}
    assert cluster.groups.apply_late() == 0


def test_a_lost_commit_never_lands(cluster: MemoryCluster, source: MemorySource) -> None:
    cluster.groups.fate_of_next(CommitFate.LOST)
    with pytest.raises(KafkaUnavailableError):
        source.commit({0: Position(5)}, "")
    assert cluster.groups.apply_late() == 0
    assert committed(source) == {}


def test_a_late_commit_into_a_busy_group_is_refused_silently(cluster: MemoryCluster, source: MemorySource) -> None:
    cluster.groups.fate_of_next(CommitFate.LATE)
    with pytest.raises(KafkaUnavailableError):
        source.commit({0: Position(5)}, "")
    cluster.groups.join(GROUP, GroupMember("m", "c", "h"))
    cluster.groups.apply_late()
    assert committed(source) == {}


def test_one_partition_is_refused_the_others_are_committed(cluster: MemoryCluster, source: MemorySource) -> None:
    cluster.groups.refuse_next(GROUP, 0, KafkaUnavailableError("loading"))
    cluster.groups.refuse_next(GROUP, 1, AccessDeniedError("no READ"))
    cluster.add_partitions(TOPIC, 3)
    with pytest.raises(AccessDeniedError) as raised:
        source.commit({0: Position(1), 1: Position(1), 2: Position(1)}, "")
    assert raised.value.partition == 1
    assert committed(source) == {2: 1}
    source.commit({0: Position(1), 1: Position(1)}, "")
    assert committed(source) == {0: 1, 1: 1, 2: 1}


def test_offsets_expire_seven_days_after_their_own_commit(
    cluster: MemoryCluster, source: MemorySource, clock: VirtualClock
) -> None:
    day = timedelta(days=1).total_seconds()
    source.commit({0: Position(1)}, "")
    clock.advance(4 * day)
    source.commit({1: Position(1)}, "")
    clock.advance(3 * day)
    assert committed(source) == {1: 1}
    cluster.groups.join(GROUP, GroupMember("m", "c", "h"))
    clock.advance(30 * day)
    assert committed(source) == {1: 1}  # never while there are members
    cluster.groups.leave(GROUP, "m")
    clock.advance(7 * day)
    assert committed(source) == {}


def test_groups_can_be_emptied_and_deleted(cluster: MemoryCluster, source: MemorySource) -> None:
    cluster.create_topic("other")
    MemorySource(cluster, "other", GROUP).commit({0: Position(1)}, "")
    source.commit({0: Position(1)}, "")
    cluster.groups.expire(GROUP, TOPIC)
    assert committed(source) == {}
    assert source.group().other_topics == ("other",)
    cluster.groups.join(GROUP, GroupMember("m", "c", "h"))
    with pytest.raises(GroupInUseError):
        cluster.groups.delete(GROUP)
    cluster.groups.leave(GROUP, "m")
    cluster.groups.delete(GROUP)
    assert source.group().other_topics == ()
