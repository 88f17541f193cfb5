"""Topics and tables that are empty, missing, overtaken by retention, dropped or made again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from confluent_kafka.admin import AdminClient

from airflow_kafka_bq.testing.kafka import (
    create_topic,
    delete_records,
    delete_topic,
)
from tests.end_to_end.pipe import Pipe

PipeFactory = Callable[..., Pipe]


def test_an_empty_topic_ends_at_once(pipe: PipeFactory) -> None:
    """Nothing to read is a green run with tables and positions."""
    made = pipe(partitions=3)
    report = made.run()
    assert (report["outcome"], report["messages"], report["committed"]) == ("end", 0, True)
    assert made.ledger() == {0: 0, 1: 0, 2: 0}


def test_a_missing_topic_is_named_and_not_created(pipe: PipeFactory) -> None:
    """R6: never zero rows and success."""
    made = pipe(topic="no-such-topic")
    failure = made.run()
    assert (failure["error"], failure["topic"]) == ("NotFoundError", "no-such-topic")
    assert "no-such-topic" not in AdminClient({"bootstrap.servers": made.bootstrap}).list_topics(timeout=10).topics


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


def test_a_recreated_topic_is_noticed(pipe: PipeFactory) -> None:
    """R3: also where the new topic is longer than the old position, which only the topic's id can tell."""
    made = pipe(partitions=1)
    made.produce_ten()
    made.run()
    delete_topic(made.bootstrap, made.topic)
    create_topic(made.bootstrap, made.topic, 1)
    made.produce([{"n": number} for number in range(30)])
    failure = made.run()
    assert failure["error"] == "TopicChangedError"
    assert "seek --accept-topic" in failure["remedy"]
