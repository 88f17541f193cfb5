"""Topics and tables that are empty, missing, overtaken by retention, dropped or made again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from confluent_kafka.admin import AdminClient

from airflow_kafka_bq.testing.kafka import (
    NewMessage,
    add_partitions,
    create_topic,
    delete_records,
    delete_topic,
)
from tests.end_to_end.frozen import NARROW, frozen, wide
from tests.end_to_end.oracle import Oracle
from tests.end_to_end.pipe import Pipe

PipeFactory = Callable[..., Pipe]


def test_an_empty_topic_ends_at_once(pipe: PipeFactory) -> None:
    """Nothing to read is a green run with tables and positions."""
    made = pipe(partitions=3)
    report = made.run()
    assert (report["outcome"], report["messages"], report["committed"]) == ("end", 0, True)
    assert made.ledger() == {0: 0, 1: 0, 2: 0}


@pytest.mark.fault("R6")
def test_a_missing_topic_is_named_and_not_created(pipe: PipeFactory) -> None:
    """R6: never zero rows and success."""
    made = pipe(topic="no-such-topic")
    failure = made.run()
    assert (failure["error"], failure["topic"]) == ("NotFoundError", "no-such-topic")
    assert "no-such-topic" not in AdminClient({"bootstrap.servers": made.bootstrap}).list_topics(timeout=10).topics


@pytest.mark.fault("R1")
def test_retention_that_overtook_is_an_error_that_says_what_is_lost(pipe: PipeFactory) -> None:
    """R1: the task fails and says which offsets; on request it notes the loss and goes on."""
    made = pipe(partitions=1)
    made.produce_ten()
    made.run()
    made.produce_ten()
    delete_records(made.bootstrap, made.topic, {0: 15})
    failure = made.run()
    assert (failure["error"], failure["partition"], failure["offset"]) == ("OffsetGapError", 0, 10)
    assert "10 to 14" in failure["message"]
    assert made.ledger() == {0: 10}
    report = made.run("on_gap=record")
    assert (report["outcome"], report["messages"]) == ("end", 5)
    assert report["gaps"] == [{"partition": 0, "start": 10, "end": 15}]
    assert made.dead_letters() == Counter([(0, 10, "lost", None, 15)])
    assert made.ledger() == {0: 20}


@pytest.mark.fault("R1")
@pytest.mark.parametrize("policy", ["fail", "record"])
def test_retention_that_overtakes_a_run_is_named_or_noted(pipe: PipeFactory, policy: str) -> None:
    """R1, in the middle of reading: what is gone is told, offset by offset, and nothing else is missing."""
    made = pipe(partitions=1, batch_messages=40, on_gap=policy)
    made.write(kafka=NARROW)
    oracle = Oracle(made)
    oracle.produce(wide(400))
    with frozen(made, "source.poll", "after") as child:
        delete_records(made.bootstrap, made.topic, {0: 350})
    told = child.finish()
    if policy == "fail":
        first = made.ledger()[0]
        oracle.prefix()
        assert (told["error"], told["partition"]) == ("OffsetGapError", 0)
        assert first <= told["offset"] < 350
        assert f"offsets {told['offset']} to 349" in told["message"]
        report = made.run("on_gap=record")
        assert report["gaps"] == [{"partition": 0, "start": first, "end": 350}]
    else:
        assert told["outcome"] == "end", told
        first = told["gaps"][0]["start"]
        assert told["gaps"] == [{"partition": 0, "start": first, "end": 350}]
    oracle.lose(0, range(first, 350))
    oracle.settle()
    assert made.dead_letters() == Counter([(0, first, "lost", None, 350)])


def test_a_dropped_target_is_noticed(pipe: PipeFactory) -> None:
    """The ledger knows which table it belongs to: an empty new one is not filled from the middle."""
    made = pipe()
    made.produce_ten()
    made.run()
    made.client.delete_table(f"{made.dataset}.{made.table}")
    failure = made.run()
    assert failure["error"] == "TargetChangedError"
    assert "seek --accept-target" in failure["remedy"]
    made.client.query_and_wait(f"CREATE TABLE {made.name()} (payload JSON)")
    assert made.run()["error"] == "TargetChangedError"


def _again(made: Pipe, messages: int) -> None:
    delete_topic(made.bootstrap, made.topic)
    create_topic(made.bootstrap, made.topic, 1)
    made.produce([{"again": number} for number in range(messages)])


@pytest.mark.fault("R3")
@pytest.mark.parametrize("messages", [3, 30])
def test_a_recreated_topic_is_noticed(pipe: PipeFactory, messages: int) -> None:
    """R3: also where the new topic is longer than the old position, which only the topic's id can tell."""
    made = pipe(partitions=1)
    made.produce_ten()
    made.run()
    _again(made, messages)
    failure = made.run()
    assert failure["error"] == "TopicChangedError"
    assert "was re-created: its id is" in failure["message"]
    assert "seek --accept-topic" in failure["remedy"]
    assert made.ledger() == {0: 10}


@pytest.mark.fault("R3")
@pytest.mark.parametrize("messages", [None, 30, 3_000], ids=["gone", "smaller", "larger"])
def test_a_topic_that_changes_while_it_is_read_is_named(pipe: PipeFactory, messages: int | None) -> None:
    """R3 in the middle of reading: the client goes on at the old offset of the new topic, or is silent for ever."""
    made = pipe(partitions=1, batch_messages=100, stall_timeout_seconds=3)
    made.write(kafka=NARROW)
    oracle = Oracle(made)
    oracle.produce(wide(1_000))
    with frozen(made, "source.poll", "after") as child:
        if messages is None:
            delete_topic(made.bootstrap, made.topic)
        else:
            _again(made, messages)
    failure = child.finish()
    assert failure.get("error") == "TopicChangedError", failure
    assert (failure["topic"], failure["partition"]) == (made.topic, 0)
    oracle.prefix()  # of the old topic alone
    again = made.run()
    assert again["error"] == ("NotFoundError" if messages is None else "TopicChangedError")


@pytest.mark.fault("R5")
def test_partitions_that_are_added_are_read_from_their_beginning(pipe: PipeFactory) -> None:
    """R5, between two runs and during one, whatever ``start`` says."""
    made = pipe(partitions=1, start="latest", batch_messages=4)
    oracle = Oracle(made)
    assert made.run()["messages"] == 0
    add_partitions(made.bootstrap, made.topic, 2)
    made.partitions = 2
    oracle.produce([NewMessage({"n": number}, partition=number % 2) for number in range(10)])
    assert oracle.settle()["messages"] == 10
    oracle.produce([{"more": number} for number in range(10)])
    with frozen(made, "source.poll", "after") as child:
        add_partitions(made.bootstrap, made.topic, 3)
        oracle.produce([NewMessage({"third": number}, partition=2) for number in range(5)])
    assert child.finish()["outcome"] == "end"
    made.partitions = 3
    oracle.prefix()
    assert oracle.settle()["partitions"]["2"]["start"] == 0
