"""What every MemberSource promises. Held by ``test_source_*``."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from airflow_kafka_bq.batch import Position
from airflow_kafka_bq.exceptions import GroupInUseError, TerminalError
from airflow_kafka_bq.ports.source import MemberSource, ShareChanged
from airflow_kafka_bq.testing.kafka import NewMessage
from tests.contract.source_world import SourceWorld

WAIT_SECONDS = 30.0


def joined(world: SourceWorld, topic: str, group_id: str, partitions: int) -> MemberSource:
    """A member with a share."""
    source = world.member_source(topic, group_id)
    source.join({part: Position(0) for part in range(partitions)})
    assert source.share(WAIT_SECONDS)
    return source


def until(world: SourceWorld, what: Callable[[], bool]) -> None:
    """Members poll by themselves; a rebalance takes its time."""
    end = world.monotonic() + WAIT_SECONDS
    while not what():
        assert world.monotonic() < end, "the rebalance did not end"
        world.sleep(0.1)


def read(world: SourceWorld, source: MemberSource, count: int) -> list[tuple[int, int]]:
    """So many messages: partition and offset, as they came."""
    found: list[tuple[int, int]] = []
    end = world.monotonic() + WAIT_SECONDS
    while len(found) < count:
        assert world.monotonic() < end, f"only {len(found)} messages came"
        rows = source.poll(100, 0.2).messages.to_pylist()
        found += [(row["partition"], row["offset"]) for row in rows]
    return found


class Membership:
    """Joining, sharing, committing, leaving."""

    def test_a_member_reads_from_where_it_is_told_and_not_from_the_groups_position(
        self, world: SourceWorld, group_id: str
    ) -> None:
        topic = world.topic()
        world.produce(topic, *[b"x"] * 6)
        source = joined(world, topic, group_id, 1)
        assert source.describe().topic == topic
        source.commit({0: Position(5)}, "elsewhere")
        source.open({0: Position(2)})
        assert read(world, source, 4) == [(0, offset) for offset in range(2, 6)]
        source.open({0: Position(0)})
        assert read(world, source, 6) == [(0, offset) for offset in range(6)]

    def test_nothing_comes_twice_or_is_missed_while_nobody_polls(self, world: SourceWorld, group_id: str) -> None:
        """All partitions are paused then, and the group is polled on."""
        topic = world.topic(2)
        world.produce(topic, *[NewMessage(b"x", partition=number % 2) for number in range(40)])
        source = joined(world, topic, group_id, 2)
        source.open({0: Position(0), 1: Position(0)})
        first = source.poll(7, 5).messages.to_pylist()
        world.sleep(1.5)
        found = [(row["partition"], row["offset"]) for row in first]
        found += read(world, source, 40 - len(found))
        for part in (0, 1):
            assert [offset for number, offset in found if number == part] == list(range(20))
        source.finish(0)
        world.produce(topic, NewMessage(b"y", partition=0), NewMessage(b"y", partition=1))
        assert read(world, source, 1) == [(1, 20)]

    def test_members_share_and_who_leaves_leaves_its_partitions_to_the_other(
        self, world: SourceWorld, group_id: str
    ) -> None:
        topic = world.topic(2)
        world.produce(topic, *[NewMessage(b"x", partition=number % 2) for number in range(4)])
        first = joined(world, topic, group_id, 2)
        assert first.share(WAIT_SECONDS) == {0, 1}
        first.open({0: Position(0), 1: Position(0)})
        second = joined(world, topic, group_id, 2)
        until(world, lambda: len(first.share(0)) == len(second.share(0)) == 1)
        assert first.share(0) | second.share(0) == {0, 1}
        with pytest.raises(ShareChanged):
            first.poll(10, 0.2)
        with pytest.raises(ShareChanged), first.holding(frozenset({0, 1})):
            pytest.fail("that is not ours")
        with first.holding(first.share(0)):
            first.commit({0: Position(1), 1: Position(1)}, "")
        assert set(first.committed()) == first.share(0)
        second.close()
        until(world, lambda: first.share(0) == {0, 1})
        first.open({0: Position(1), 1: Position(1)})
        assert sorted(read(world, first, 2)) == [(0, 1), (1, 1)]

    def test_beside_a_member_nobody_else_commits(self, world: SourceWorld, group_id: str) -> None:
        topic = world.topic()
        world.produce(topic, b"x")
        source = joined(world, topic, group_id, 1)
        with pytest.raises(GroupInUseError):
            world.source(topic, group_id).commit({0: Position(1)}, "")
        source.commit({0: Position(1)}, "ours · ü")
        assert {part: (one.position.next_offset, one.metadata) for part, one in source.committed().items()} == {
            0: (1, "ours · ü")
        }
        with pytest.raises(TerminalError):
            source.join({0: Position(0)})
