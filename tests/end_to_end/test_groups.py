"""The consumer group: lost, deleted, renamed, shared or moved by hand; the ledger decides where a run starts."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from confluent_kafka.admin import AdminClient

from airflow_kafka_bq.testing.kafka import wait_until
from tests.end_to_end.child import Blow
from tests.end_to_end.frozen import frozen
from tests.end_to_end.members import killed_member, member, members, rebalance_storm
from tests.end_to_end.oracle import Oracle
from tests.end_to_end.pipe import Pipe

PipeFactory = Callable[..., Pipe]


@pytest.mark.fault("K8")
def test_a_lost_commit_is_repaired(pipe: PipeFactory) -> None:
    """The rows are durable; the ledger decides where the next run starts."""
    made = pipe()
    wanted = made.produce_ten()
    made.start(Blow("source.commit", "before")).dies()
    assert made.committed() == {}
    report = made.run()
    assert (report["messages"], report["committed"]) == (0, True)
    assert made.committed() == made.ledger()
    assert made.coordinates() == wanted


@pytest.mark.fault("R4")
def test_a_deleted_group_is_restored_from_the_ledger(pipe: PipeFactory) -> None:
    """R4, the origin story: a group without offsets reads nothing again."""
    made = pipe()
    wanted = made.produce_ten()
    made.run()
    admin = AdminClient({"bootstrap.servers": made.bootstrap})
    admin.delete_consumer_groups([made.group_id], request_timeout=30)[made.group_id].result(40)
    assert made.committed() == {}
    report = made.run()
    assert (report["outcome"], report["messages"]) == ("end", 0)
    assert made.committed() == made.ledger()
    assert made.coordinates() == wanted


def test_another_group_id_changes_nothing_in_the_table(pipe: PipeFactory) -> None:
    """The migration of the origin story: a new group of the same pipeline starts from the ledger."""
    made = pipe()
    wanted = made.produce_ten()
    made.run()
    report = made.run("group_id=brand-new.{topic}.{table}")
    assert (report["outcome"], report["messages"]) == ("end", 0)
    assert made.coordinates() == wanted


@pytest.mark.fault("G1")
@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_a_group_with_a_live_member_is_refused_before_reading(pipe: PipeFactory, protocol: str) -> None:
    """G1: a foreign subscriber in our group is named."""
    made = pipe()
    made.produce_ten()
    with member(made, protocol):
        child = made.start()
        failure = child.finish()
    assert failure["error"] == "GroupInUseError"
    assert "stranger" in failure["message"]
    assert made.group_id == failure["group_id"]
    assert "source.open" not in {effect for effect, _ in child.effects()}
    assert made.tables() == set()


@pytest.mark.fault("G2")
@pytest.mark.parametrize("protocol", ["classic", pytest.param("consumer", marks=pytest.mark.slow)])
def test_a_member_that_joins_before_the_commit_is_named_and_the_rows_are_safe(pipe: PipeFactory, protocol: str) -> None:
    """G2: the MERGE is durable by then. The broker refuses the commit; without the member the next run is clean."""
    made = pipe(batch_messages=4)
    oracle = Oracle(made)
    oracle.produce([{"n": number} for number in range(10)])
    with frozen(made, "source.commit") as child:
        guest = member(made, protocol)
        guest.__enter__()
    failure = child.finish()
    guest.__exit__(None, None, None)
    assert (failure["error"], failure["topic"]) == ("GroupInUseError", made.topic)
    assert "stranger" in failure["message"]
    assert failure["report"]["committed"] is False
    assert sum(made.ledger().values()) >= 4
    assert made.committed() == {}
    oracle.prefix()
    assert oracle.settle()["messages"] == 10 - sum(failure["report"]["rows"].values())


@pytest.mark.fault("G3")
def test_a_rebalance_storm_doubles_and_loses_nothing(pipe: PipeFactory) -> None:
    """G3: foreign members join and leave every second. Each run ends in time, by name or at its end."""
    made = pipe(batch_messages=5)
    oracle = Oracle(made)
    told = []
    with rebalance_storm(made) as joined:
        for first in (0, 20, 40):
            oracle.produce([{"n": number} for number in range(first, first + 20)])
            told.append(made.run())
            oracle.prefix()
        before = len(joined)
        wait_until(lambda: len(joined) > before, "a storm to the end", 20)
    assert {one.get("outcome") or one["error"] for one in told} <= {"end", "GroupInUseError"}, told
    oracle.settle()


@pytest.mark.fault("G4")
@pytest.mark.kill
def test_a_killed_member_is_named_until_its_session_ends(pipe: PipeFactory) -> None:
    """G4: nobody can tell a dead member from a slow one before; then the run works without help."""
    made = pipe()
    oracle = Oracle(made)
    oracle.produce([{"n": number} for number in range(10)])
    with killed_member(made):
        failure = made.run()
        assert failure["error"] == "GroupInUseError"
        assert "doomed" in failure["message"]
        wait_until(lambda: members(made) == 0, "the end of the session", 30)
    oracle.settle()


def test_a_group_of_two_topics_is_refused(pipe: PipeFactory) -> None:
    """The origin's shared group: one group never spans two topics."""
    first, second = pipe(group_id="shared", table="one"), pipe(group_id="shared", table="two")
    first.produce_ten()
    assert first.run()["outcome"] == "end"
    failure = second.run()
    assert failure["error"] == "GroupInUseError"
    assert first.topic in failure["message"]


def test_a_group_of_two_targets_is_refused(pipe: PipeFactory) -> None:
    """Two tasks that read one topic into two tables would move each other's offsets."""
    first = pipe(group_id="mine", table="one")
    second = pipe(group_id="mine", table="two", topic=first.topic)
    first.produce_ten()
    assert first.run()["outcome"] == "end"
    failure = second.run()
    assert failure["error"] == "GroupInUseError"
    assert "one" in failure["message"]


def test_a_group_moved_forward_by_hand_is_a_conflict(pipe: PipeFactory) -> None:
    """Skipping messages is somebody's decision, and is made with seek."""
    made = pipe(partitions=1)
    made.produce_ten()
    made.run()
    made.produce_ten()
    made.commit({0: 17})
    failure = made.run()
    assert (failure["error"], failure["offset"]) == ("PositionConflictError", 17)
    made.commit({0: 3})  # backwards: the ledger holds, Kafka is repaired
    report = made.run()
    assert report["messages"] == 10
    assert made.committed() == {0: 20}
