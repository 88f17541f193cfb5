"""The member in memory; more is in the contract."""

from __future__ import annotations

import pytest

from airflow_kafka_bq.batch import Position
from airflow_kafka_bq.exceptions import PartitionsLostError
from airflow_kafka_bq.ports.source import ShareChanged
from airflow_kafka_bq.testing.memory import CommitFate, MemoryCluster, MemoryMemberSource, VirtualClock


@pytest.fixture
def cluster() -> MemoryCluster:
    made = MemoryCluster(VirtualClock())
    made.create_topic("t", 2)
    return made


def test_a_member_hears_of_its_end_with_its_next_call(cluster: MemoryCluster) -> None:
    source = MemoryMemberSource(cluster, "t", "g")
    source.join({})
    source.open({0: Position(0), 1: Position(0)})
    cluster.members.put_out("g", source.member_id)
    for call in (lambda: source.share(0), lambda: source.poll(1, 0), lambda: source.commit({0: Position(1)}, "")):
        with pytest.raises(PartitionsLostError):
            call()
    source.close()
    assert cluster.groups.members("g") == ()


def test_a_late_commit_of_a_member_that_is_out_is_refused(cluster: MemoryCluster) -> None:
    source = MemoryMemberSource(cluster, "t", "g")
    source.join({})
    cluster.groups.fate_of_next(CommitFate.LATE)
    with pytest.raises(Exception, match="not answered in time"):
        source.commit({0: Position(1)}, "")
    source.close()
    assert cluster.groups.apply_late() == 1
    assert source._cluster.groups.committed("g", "t") == {}


def test_what_another_member_got_is_not_opened(cluster: MemoryCluster) -> None:
    first, second = MemoryMemberSource(cluster, "t", "g"), MemoryMemberSource(cluster, "t", "g")
    for one in (first, second):
        one.join({})
    with pytest.raises(ShareChanged):
        first.open({0: Position(0), 1: Position(0)})
    assert first.share(0) | second.share(0) == {0, 1}
