"""From an old group that several topics shared to a group per topic: nothing is read again, nothing is skipped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from confluent_kafka import Consumer, TopicPartition

from airflow_kafka_bq.testing.kafka import NewMessage, wait_until
from tests.end_to_end.pipe import Pipe

PipeFactory = Callable[..., Pipe]
Offsets = dict[int, int]
OLD = "old-shared"


def _spread(pipe: Pipe, count: int, first: int = 0) -> Counter[tuple[Any, ...]]:
    """Messages for both partitions in turns; their coordinates."""
    messages = [NewMessage({"n": number}, partition=number % 2) for number in range(first, first + count)]
    return Counter((one.partition, one.offset) for one in pipe.produce(messages))


def commit_old(pipes: Sequence[Pipe], offsets: dict[str, Offsets], group_id: str = OLD) -> None:
    """What the old consumers left: positions of all topics in one group, and no member."""
    consumer = Consumer({"bootstrap.servers": pipes[0].bootstrap, "group.id": group_id})
    places = [TopicPartition(topic, part, at) for topic, held in offsets.items() for part, at in held.items()]
    consumer.commit(offsets=places, asynchronous=False)
    consumer.close()


def _read_old(pipe: Pipe, group_id: str) -> Offsets:
    consumer = Consumer({"bootstrap.servers": pipe.bootstrap, "group.id": group_id})
    found = consumer.committed([TopicPartition(pipe.topic, part) for part in (0, 1)], timeout=10)
    consumer.close()
    return {one.partition: one.offset for one in found if one.offset >= 0}


@pytest.mark.fault("A12")
def test_positions_of_a_shared_group_are_moved_by_halves_and_twice_and_back_again(pipe: PipeFactory) -> None:
    """Two topics, one group, one command; one of the two was moved before."""
    one, two = pipe(table="one"), pipe(table="two")
    pipes, paths = (one, two), (str(one.folder / "one.yaml"), str(two.folder / "two.yaml"))
    group_id = f"old-{one.topic}"
    sent = {made.topic: _spread(made, 20) for made in pipes}
    read = {one.topic: {0: 4, 1: 7}, two.topic: {0: 0, 1: 10}}
    commit_old(pipes, read, group_id)
    migrate = ("migrate-group", "--from-group", group_id)
    assert one.json(*migrate, paths[0], "--delete-old")["error"] == "GroupInUseError"
    told = one.json(*migrate, *paths, "--dry-run")
    assert (one.committed(), two.committed(), one.tables()) == ({}, {}, set())
    assert one.json(*migrate, paths[0], "--undo-file", "u.json")["jobs"][0]["state"] == "to move"
    done = one.json(*migrate, *paths, "--undo-file", "u.json", "--delete-old")
    assert [job["state"] for job in done["jobs"]] == ["there", "to move"]
    assert done["old_group"] == "deleted"
    assert [job["partitions"] for job in told["jobs"]] == [job["partitions"] for job in done["jobs"]]
    for made in pipes:
        assert made.ledger() == made.committed() == read[made.topic]
        assert _read_old(made, group_id) == {}
    assert one.json("migrate-group", *paths, "--undo", "u.json")["old_group_id"] == group_id
    for made in pipes:
        assert made.ledger() == {}
        assert _read_old(made, group_id) == read[made.topic]
    assert one.json(*migrate, *paths, "--undo-file", "u.json")["old_group"] == "kept"
    for made in pipes:
        assert made.run("start=fail")["outcome"] == "end"
        wanted = Counter(at for at in sent[made.topic] if at[1] >= read[made.topic][at[0]])
        assert made.coordinates() == wanted
        assert made.committed() == made.ledger() == {0: 10, 1: 10}
        made.check_history()
    again = one.json(*migrate, *paths, "--undo-file", "u.json")
    assert [job["state"] for job in again["jobs"]] == ["read on", "read on"]


def test_live_members_are_named_and_rows_that_are_there_are_adopted(pipe: PipeFactory) -> None:
    """The old consumer was a job without a ledger, in a group of another name."""
    group_id = "old-writer"
    old = pipe(fence="none", group_id=group_id)
    _spread(old, 10)
    assert old.run()["outcome"] == "end"
    _spread(old, 4, 10)
    made = pipe(topic=old.topic)
    migrate = ("migrate-group", "--from-group", group_id, str(made.path))
    consumer = Consumer({"bootstrap.servers": made.bootstrap, "group.id": group_id, "client.id": "old-one"})
    consumer.subscribe([made.topic])
    wait_until(lambda: bool(consumer.poll(0.1) or consumer.assignment()), "the old consumer in its group", 30)
    failure = made.json(*migrate)
    assert (failure["error"], "old-one" in failure["message"]) == ("GroupInUseError", True)
    consumer.close()
    commit_old([made], {made.topic: {0: 1, 1: 5}}, group_id)  # whatever it left: the table knows better
    assert made.json(*migrate)["error"] == "PositionConflictError"
    (found,) = made.json(*migrate, "--adopt")["jobs"]
    lines = {part: (one["old"], one["new"], one["rests_on"]) for part, one in found["partitions"].items()}
    assert lines == {"0": (1, 5, "table"), "1": (5, 5, "table")}
    assert made.run("start=fail")["messages"] == 4
    assert made.coordinates() == Counter({(part, at): 1 for part in (0, 1) for at in range(7)})
