"""What every DeadLetterTopic promises. Held by ``test_letter_topic_*``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pytest

from airflow_kafka_bq.batch import COPY_SCHEMA, Delivery, Position
from airflow_kafka_bq.exceptions import KafkaUnavailableError, NotFoundError
from airflow_kafka_bq.kafka import KafkaDeadLetterTopic
from airflow_kafka_bq.ports import DeadLetterTopic
from airflow_kafka_bq.testing.memory import MemoryDeadLetterTopic
from tests.contract import reading
from tests.contract.source_world import MemoryWorld, SourceWorld, WireWorld

NO_TOPIC = "nobody-created-this"


def copies(*rows: dict[str, Any]) -> pa.Table:
    """What is left out is NULL, or no header."""
    return pa.Table.from_pylist([{"headers": [], **row} for row in rows], COPY_SCHEMA)


@contextmanager
def letter_topic(world: SourceWorld, name: str, seconds: float = 15.0) -> Iterator[DeadLetterTopic]:
    """Open, and closed in the end."""
    found: DeadLetterTopic
    if isinstance(world, MemoryWorld):
        found = MemoryDeadLetterTopic(world.cluster, name)
    else:
        assert isinstance(world, WireWorld)
        found = KafkaDeadLetterTopic({"bootstrap.servers": world.bootstrap}, name, seconds)
    yield found
    found.close()
    found.close()


def read(world: SourceWorld, topic: str, count: int, partitions: int = 1) -> list[dict[str, Any]]:
    """Messages of a topic."""
    source = world.source(topic, "letters")
    source.open({number: Position(0) for number in range(partitions)})
    return reading.read(source, lambda seen: len(seen.rows) >= count).rows


class LetterTopics:
    """Sent whole, acknowledged one by one, never created."""

    def test_messages_arrive_as_they_are(self, world: SourceWorld) -> None:
        name = world.topic()
        headers = [{"key": "h", "value": b"\x00\xff"}, {"key": "h", "value": None}, {"key": "ü", "value": b""}]
        sent: list[dict[str, Any]] = [
            {"key": b"\xff", "value": b"{broken", "headers": headers},
            {"key": None, "value": b""},
            {"key": b"", "value": None},
        ]
        with letter_topic(world, name) as topic:
            done = topic.send(copies(*sent))
            assert (done.outcomes, done.error) == ((Delivery.ACKNOWLEDGED,) * 3, None)
            assert topic.send(copies({"value": b"later"})).outcomes == (Delivery.ACKNOWLEDGED,)
        found = read(world, name, 4)
        assert [(one["key"], one["value"]) for one in found] == [
            (b"\xff", b"{broken"), (None, b""), (b"", None), (None, b"later"),
        ]  # fmt: skip
        assert found[0]["headers"] == headers
        assert [one["headers"] or [] for one in found[1:]] == [[]] * 3

    def test_nothing_is_sent_of_nothing(self, world: SourceWorld) -> None:
        with letter_topic(world, world.topic()) as topic:
            done = topic.send(copies())
            assert (done.outcomes, done.error) == ((), None)

    def test_a_topic_that_is_not_there_is_named_and_not_created(self, world: SourceWorld) -> None:
        with letter_topic(world, NO_TOPIC) as topic:
            done = topic.send(copies({"value": b"x"}, {"value": b"y"}))
        assert done.outcomes == (Delivery.UNKNOWN,) * 2
        assert isinstance(done.error, NotFoundError), done.error
        assert NO_TOPIC in str(done.error)
        with pytest.raises(NotFoundError):
            world.source(NO_TOPIC, "letters").describe()

    def test_equal_keys_go_to_one_partition(self, world: SourceWorld) -> None:
        name = world.topic(3)
        with letter_topic(world, name) as topic:
            assert topic.send(copies(*({"key": b"%d" % (n % 5)} for n in range(20)))).error is None
        places = {(one["key"], one["partition"]) for one in read(world, name, 20, 3)}
        assert len(places) == 5


class TooLarge:
    """Where a topic has a limit.

    ``small`` is one that takes messages of 2,000 bytes at most.
    """

    def test_a_message_that_is_too_large_is_told_apart(self, world: SourceWorld, small: str) -> None:
        rows = [{"key": b"%d" % n, "value": b"x" * (4_000 if n == 2 else 10)} for n in range(5)]
        with letter_topic(world, small) as topic:
            done = topic.send(copies(*rows))
            assert [one.value for one in done.outcomes] == [
                "acknowledged", "acknowledged", "too_large", "acknowledged", "acknowledged",
            ], done.error  # fmt: skip
            assert done.error is None
            assert topic.send(copies({"key": b"2"})).outcomes == (Delivery.ACKNOWLEDGED,)
        assert sorted(one["key"] for one in read(world, small, 5)) == [b"0", b"1", b"2", b"3", b"4"]


class Outages:
    """Where the cluster can go away: ``power`` takes whether it is there."""

    def test_a_cluster_that_is_down_leaves_everything_unknown(
        self, world: SourceWorld, power: Callable[[bool], None]
    ) -> None:
        name = world.topic()
        with letter_topic(world, name, 3.0) as topic:  # a busy machine may take one for its first connection
            assert topic.send(copies({"value": b"before"})).error is None
            power(False)
            began = world.monotonic()
            done = topic.send(copies({"value": b"x"}, {"value": b"y"}))
            assert done.outcomes == (Delivery.UNKNOWN,) * 2
            assert type(done.error) is KafkaUnavailableError, done.error
            assert world.monotonic() - began < 10
            power(True)
        with letter_topic(world, name) as topic:
            assert topic.send(copies({"value": b"after"})).outcomes == (Delivery.ACKNOWLEDGED,)
        values = [one["value"] for one in read(world, name, 2)]
        assert values[0] == b"before"
        assert b"after" in values
