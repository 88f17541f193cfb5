"""From an old group that several topics shared to a group per topic: nothing is read again, nothing is skipped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import Consumer, TopicPartition

from airflow_kafka_bq.testing.kafka import NewMessage
from tests.end_to_end.child import Blow
from tests.end_to_end.pipe import Pipe

PipeFactory = Callable[..., Pipe]
Offsets = dict[int, int]


def _spread(pipe: Pipe, count: int, first: int = 0) -> Counter[tuple[Any, ...]]:
    """Messages for both partitions in turns; their coordinates."""
    messages = [NewMessage({"n": number}, partition=number % 2) for number in range(first, first + count)]
    return Counter((one.partition, one.offset) for one in pipe.produce(messages))


def _commit_old(pipes: dict[str, Pipe], offsets: dict[str, Offsets]) -> None:
    """What the old consumers left: positions of all topics in one group, and no member."""
    one = next(iter(pipes.values()))
    consumer = Consumer({"bootstrap.servers": one.bootstrap, "group.id": "old-shared"})
    places = [
        TopicPartition(pipes[name].topic, part, at) for name, held in offsets.items() for part, at in held.items()
    ]
    consumer.commit(offsets=places, asynchronous=False)
    consumer.close()


def _read_old(pipe: Pipe) -> Offsets:
    consumer = Consumer({"bootstrap.servers": pipe.bootstrap, "group.id": "old-shared"})
    found = consumer.committed([TopicPartition(pipe.topic, part) for part in (0, 1)], timeout=10)
    consumer.close()
    return {one.partition: one.offset for one in found}


@pytest.mark.fault("A12")
def test_positions_of_a_shared_group_are_copied_once_or_twice_and_by_halves(pipe: PipeFactory) -> None:
    """The procedure of docs/operations.md: one topic runs through, one dies in the middle, one is done twice."""
    pipes = {name: pipe(table=name) for name in ("through", "dies", "twice")}
    sent = {name: _spread(made, 20) for name, made in pipes.items()}
    read = {"through": {0: 4, 1: 7}, "dies": {0: 0, 1: 10}, "twice": {0: 9, 1: 1}}
    _commit_old(pipes, read)
    wanted = {name: Counter(at for at in sent[name] if at[1] >= read[name][at[0]]) for name in pipes}

    def migrate(name: str, blow: Blow | None = None) -> Any:
        old = _read_old(pipes[name])
        assert old == read[name]
        child = pipes[name].start(blow, settings=(f"start={old}",))
        return child.dies() if blow else child.finish()

    plan = pipes["through"].json("plan", str(pipes["through"].path), "--set", f"start={_read_old(pipes['through'])}")
    report = migrate("through")
    assert {part: found["start"] for part, found in plan["partitions"].items()} == {
        part: found["start"] for part, found in report["partitions"].items()
    }
    assert report["messages"] == sum(wanted["through"].values()) == plan["lag"]
    migrate("dies", Blow("warehouse.register", "after"))
    assert migrate("dies")["outcome"] == "end"
    assert migrate("twice")["messages"] == sum(wanted["twice"].values())
    assert migrate("twice")["messages"] == 0
    for name, made in pipes.items():
        assert made.coordinates() == wanted[name]
        assert made.committed() == made.ledger() == {0: 10, 1: 10}
        made.check_history()
        more = _spread(made, 4, 20)
        assert made.run()["messages"] == 4
        assert made.coordinates() == wanted[name] + more
        assert _read_old(made) == read[name]  # the old group is left as it is
