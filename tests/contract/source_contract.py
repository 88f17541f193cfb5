"""What every Source promises about topic, group and offsets. Held by ``test_source_*``."""

from __future__ import annotations

import uuid

import pytest

from airflow_kafka_bq.batch import Bounds, Committed, Position
from airflow_kafka_bq.exceptions import ConfigError, GroupInUseError, NotFoundError, TerminalError, TopicChangedError
from airflow_kafka_bq.testing.kafka import NewMessage, wait_until
from tests.contract.source_world import GROWTH, MEMBERS, READ_COMMITTED, TOPIC_IDS, SourceWorld


def needs(world: SourceWorld, *abilities: str) -> None:
    missing = sorted(set(abilities) & world.lacks)
    if missing:
        pytest.skip(f"this cluster has no {', '.join(missing)}")


@pytest.fixture
def group_id() -> str:
    return f"group-{uuid.uuid4().hex[:8]}"


class TopicAndGroup:
    """Identity, positions, offsets."""

    def test_describe_tells_partitions_and_identity(self, world: SourceWorld, group_id: str) -> None:
        topic = world.topic(3)
        facts = world.source(topic, group_id).describe()
        assert (facts.topic, facts.partitions) == (topic, (0, 1, 2))
        if TOPIC_IDS in world.lacks:
            assert (facts.topic_id, facts.unchecked) == (None, ("topic_id",))
        else:
            assert facts.topic_id
            assert facts.cluster_id
            assert facts.unchecked == ()

    def test_retention_is_told(self, world: SourceWorld, group_id: str) -> None:
        week = None if TOPIC_IDS in world.lacks else 7 * 24 * 3600 * 1000
        assert world.source(world.topic(), group_id).retention_ms() == week

    def test_what_a_login_may_do_is_told(self, world: SourceWorld, group_id: str) -> None:
        topic, other = world.topic(), world.topic()
        found = world.source(topic, group_id).permitted(other, "no-such-topic")
        if TOPIC_IDS in world.lacks:
            assert (set(found.topics.values()), found.group) == ({None}, None)
            return
        for name in (topic, other):
            assert {"READ", "WRITE", "DESCRIBE", "DESCRIBE_CONFIGS"} <= (found.topics[name] or set())
        assert found.topics["no-such-topic"] is None
        assert {"READ", "DESCRIBE", "DELETE"} <= (found.group or set())

    def test_a_missing_topic_is_not_found_and_not_created(self, world: SourceWorld, group_id: str) -> None:
        source = world.source("no-such-topic", group_id)
        for _ in range(2):
            with pytest.raises(NotFoundError) as raised:
                source.describe()
            assert raised.value.topic == "no-such-topic"

    def test_a_topic_created_again_has_another_id(self, world: SourceWorld, group_id: str) -> None:
        needs(world, TOPIC_IDS)
        topic = world.topic()
        before = world.source(topic, group_id).describe().topic_id
        world.delete_topic(topic)
        world.create_again(topic)
        assert world.source(topic, group_id).describe().topic_id not in {before, None}

    def test_the_id_of_a_topic_is_that_of_now(self, world: SourceWorld, group_id: str) -> None:
        needs(world, TOPIC_IDS)
        topic = world.topic()
        source = world.source(topic, group_id)
        before = source.describe().topic_id
        assert source.topic_id() == before
        world.delete_topic(topic)
        with pytest.raises(NotFoundError) as raised:
            source.topic_id()
        assert raised.value.topic == topic
        world.create_again(topic)
        assert source.topic_id() not in {before, None}

    def test_a_grown_topic_shows_its_new_partitions(self, world: SourceWorld, group_id: str) -> None:
        needs(world, GROWTH)
        topic = world.topic()
        source = world.source(topic, group_id)
        assert source.describe().partitions == (0,)
        world.add_partitions(topic, 3)
        assert source.describe().partitions == (0, 1, 2)
        assert source.bounds()[2] == Bounds(0, 0, 0)

    def test_a_group_that_never_was_has_nothing(self, world: SourceWorld, group_id: str) -> None:
        source = world.source(world.topic(), group_id)
        assert source.committed() == {}
        assert source.group().members == ()
        assert source.group().other_topics == ()
        assert source.group().unchecked == (("group_members",) if MEMBERS in world.lacks else ())

    def test_what_was_committed_comes_back(self, world: SourceWorld, group_id: str) -> None:
        topic = world.topic(3)
        world.produce(topic, *[NewMessage(b"x", partition=partition) for partition in (0, 0, 2)])
        world.source(topic, group_id).commit({0: Position(2, 0), 2: Position(1, 0)}, "run 7 · ü")
        found = world.source(topic, group_id).committed()
        assert found == {0: Committed(Position(2, 0), "run 7 · ü"), 2: Committed(Position(1, 0), "run 7 · ü")}

    def test_a_position_without_epoch_comes_back_without(self, world: SourceWorld, group_id: str) -> None:
        needs(world, TOPIC_IDS)  # the mock answers the partition's epoch, whatever was committed
        source = world.source(world.topic(), group_id)
        source.commit({0: Position(0)}, "")
        assert source.committed() == {0: Committed(Position(0, None), "")}

    def test_a_commit_is_not_checked_against_the_log(self, world: SourceWorld, group_id: str) -> None:
        source = world.source(world.topic(), group_id)
        source.commit({0: Position(99)}, "beyond")
        assert source.committed()[0].position.next_offset == 99
        source.commit({0: Position(3)}, "back")
        assert source.committed()[0].position.next_offset == 3

    def test_a_commit_leaves_other_partitions_alone(self, world: SourceWorld, group_id: str) -> None:
        source = world.source(world.topic(2), group_id)
        source.commit({0: Position(1), 1: Position(1)}, "a")
        source.commit({1: Position(2)}, "b")
        assert {number: at.position.next_offset for number, at in source.committed().items()} == {0: 1, 1: 2}

    def test_groups_are_apart(self, world: SourceWorld, group_id: str) -> None:
        topic = world.topic()
        world.source(topic, group_id).commit({0: Position(1)}, "")
        assert world.source(topic, f"{group_id}-other").committed() == {}

    def test_other_topics_of_the_group_are_told(self, world: SourceWorld, group_id: str) -> None:
        topic, other = world.topic(), world.topic()
        world.source(other, group_id).commit({0: Position(5)}, "")
        source = world.source(topic, group_id)
        assert source.committed() == {}
        assert source.group().other_topics == (other,)
        source.commit({0: Position(1)}, "")
        assert source.group().other_topics == (other,)

    def test_a_commit_beside_a_member_is_refused(self, world: SourceWorld, group_id: str) -> None:
        topic = world.topic()
        source = world.source(topic, group_id)
        with world.member(group_id, topic) as client_id:
            if MEMBERS not in world.lacks:
                assert [member.client_id for member in source.group().members] == [client_id]
            with pytest.raises(GroupInUseError) as raised:
                source.commit({0: Position(1)}, "")
            assert raised.value.group_id == group_id
            assert source.committed() == {}

    def test_an_empty_group_takes_commits_again(self, world: SourceWorld, group_id: str) -> None:
        needs(world, MEMBERS)  # the mock refuses for good once a member was there
        topic = world.topic()
        source = world.source(topic, group_id)
        with world.member(group_id, topic):
            pass
        source.commit({0: Position(1)}, "")
        assert source.committed()[0].position.next_offset == 1

    def test_a_group_is_deleted_with_all_its_positions_once_nobody_is_in_it(
        self, world: SourceWorld, group_id: str
    ) -> None:
        needs(world, MEMBERS)
        topic = world.topic()
        source = world.source(topic, group_id)
        source.delete_group()  # there is none
        source.commit({0: Position(3)}, "")
        with world.member(group_id, topic), pytest.raises(GroupInUseError):
            source.delete_group()
        assert source.committed()
        source.delete_group()
        assert source.committed() == {}

    def test_a_refused_partition_is_an_error_and_the_others_are_committed(
        self, world: SourceWorld, group_id: str
    ) -> None:
        source = world.source(world.topic(2), group_id)
        with pytest.raises(TopicChangedError) as raised:
            source.commit({0: Position(1), 1: Position(1), 7: Position(1)}, "")
        assert raised.value.partition == 7
        assert sorted(source.committed()) == [0, 1]

    def test_metadata_has_a_limit(self, world: SourceWorld, group_id: str) -> None:
        source = world.source(world.topic(), group_id)
        source.commit({0: Position(1)}, "m" * 4095)
        with pytest.raises(ConfigError):
            source.commit({0: Position(2)}, "m" * 4097)
        assert source.committed()[0].position.next_offset == 1

    def test_a_deleted_topic_takes_its_positions_along(self, world: SourceWorld, group_id: str) -> None:
        topic = world.topic()
        world.source(topic, group_id).commit({0: Position(3)}, "")
        world.delete_topic(topic)
        world.create_again(topic)
        wait_until(lambda: world.source(topic, group_id).committed() == {}, "no positions", 10)

    def test_bounds_follow_the_log(self, world: SourceWorld, group_id: str) -> None:
        topic = world.topic(2)
        source = world.source(topic, group_id)
        assert source.bounds() == {0: Bounds(0, 0, 0), 1: Bounds(0, 0, 0)}
        world.produce(topic, b"1", b"2", b"3")
        assert source.bounds() == {0: Bounds(0, 3, 3), 1: Bounds(0, 0, 0)}
        world.delete_records(topic, 0, 2)
        assert source.bounds()[0] == Bounds(2, 3, 3)

    def test_an_open_transaction_holds_the_last_stable_offset(self, world: SourceWorld, group_id: str) -> None:
        needs(world, READ_COMMITTED)
        topic = world.topic()
        world.transact(topic, b"1", outcome="commit")
        world.transact(topic, b"2", outcome="abort")
        source = world.source(topic, group_id)
        assert source.bounds()[0] == Bounds(0, 4, 4)  # each marker takes an offset
        with world.begin(topic, b"3") as transaction:
            world.produce(topic, b"4")
            assert source.bounds()[0] == Bounds(0, 4, 6)
            assert world.source(topic, group_id, "read_uncommitted").bounds()[0] == Bounds(0, 6, 6)
            transaction.commit()
        assert source.bounds()[0] == Bounds(0, 7, 7)

    def test_a_closed_source_says_so(self, world: SourceWorld, group_id: str) -> None:
        source = world.source(world.topic(), group_id)
        source.describe()
        source.close()
        source.close()
        with pytest.raises(TerminalError):
            source.describe()
