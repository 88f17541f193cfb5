"""The consumer group: lost, deleted, renamed, shared or moved by hand; the ledger decides where a run starts."""

from __future__ import annotations

import time
from collections.abc import Callable

from confluent_kafka import Consumer
from confluent_kafka.admin import AdminClient

from tests.end_to_end.child import Blow
from tests.end_to_end.pipe import Pipe

PipeFactory = Callable[..., Pipe]


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


def test_a_group_with_a_live_member_is_refused_before_reading(pipe: PipeFactory) -> None:
    """G1: a foreign subscriber in our group is named."""
    made = pipe()
    made.produce_ten()
    member = Consumer({"bootstrap.servers": made.bootstrap, "group.id": made.group_id, "client.id": "stranger"})
    member.subscribe([made.topic])
    end = time.monotonic() + 20
    while not member.assignment() and time.monotonic() < end:
        member.poll(0.1)
    failure = made.run()
    member.close()
    assert failure["error"] == "GroupInUseError"
    assert "stranger" in failure["message"]
    assert made.tables() == set()


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
