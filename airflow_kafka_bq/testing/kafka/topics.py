"""Topics of a real broker, from a test: when a function returns, every broker knows of the change.

The mock cluster answers none of these requests; it has methods of its own for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from typing import Any, Literal, Protocol

from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewPartitions, NewTopic

from airflow_kafka_bq.testing.kafka.producing import Acknowledged
from airflow_kafka_bq.testing.kafka.waiting import NotVisibleError, wait_until

_Settings = Mapping[str, Any] | None


class TopicFactory(Protocol):
    """Makes a topic with a fresh name and returns the name; what the pytest fixtures hand out."""

    def __call__(self, partitions: int = 1, *, config: Mapping[str, str] | None = None) -> str:
        """Name of the new topic."""


def create_topic(
    bootstrap: str,
    topic: str,
    partitions: int = 1,
    *,
    replication_factor: int = 1,
    config: Mapping[str, str] | None = None,
    settings: _Settings = None,
    timeout_seconds: float = 20.0,
) -> None:
    """Create a topic and wait until every partition has a leader.

    :param config: topic settings, such as ``cleanup.policy``.
    :raises KafkaException: the broker refused, for example ``TOPIC_ALREADY_EXISTS``.
    :raises NotVisibleError: it has no leaders in time.
    """
    new = NewTopic(topic, partitions, replication_factor, config=dict(config or {}))
    admin = _admin(bootstrap, settings)
    _result(admin.create_topics([new], request_timeout=timeout_seconds), timeout_seconds)
    wait_until_visible(bootstrap, topic, partitions, settings=settings, timeout_seconds=timeout_seconds)


def delete_topic(bootstrap: str, topic: str, *, settings: _Settings = None, timeout_seconds: float = 20.0) -> None:
    """Delete a topic and wait until no broker lists it.

    :raises KafkaException: the broker refused.
    :raises NotVisibleError: it is still listed.
    """
    admin = _admin(bootstrap, settings)
    _result(admin.delete_topics([topic], request_timeout=timeout_seconds), timeout_seconds)
    wait_until_visible(bootstrap, topic, 0, settings=settings, timeout_seconds=timeout_seconds)


def add_partitions(
    bootstrap: str, topic: str, total: int, *, settings: _Settings = None, timeout_seconds: float = 20.0
) -> None:
    """Grow a topic to ``total`` partitions and wait until they have leaders."""
    admin = _admin(bootstrap, settings)
    _result(admin.create_partitions([NewPartitions(topic, total)], request_timeout=timeout_seconds), timeout_seconds)
    wait_until_visible(bootstrap, topic, total, settings=settings, timeout_seconds=timeout_seconds)


def delete_records(
    bootstrap: str,
    topic: str,
    before_offsets: Mapping[int, int],
    *,
    settings: _Settings = None,
    timeout_seconds: float = 20.0,
) -> None:
    """Move the log start of each partition to the given offset, as retention does."""
    wanted = [TopicPartition(topic, partition, offset) for partition, offset in before_offsets.items()]
    admin = _admin(bootstrap, settings)
    for future in admin.delete_records(wanted, request_timeout=timeout_seconds).values():
        future.result(timeout_seconds)


def offset_bounds(
    bootstrap: str,
    topic: str,
    partitions: Iterable[int],
    *,
    isolation_level: Literal["read_committed", "read_uncommitted"] = "read_committed",
    settings: _Settings = None,
    timeout_seconds: float = 10.0,
) -> dict[int, tuple[int, int]]:
    """By partition: log start and end; under ``read_committed`` the end is the last stable offset."""
    reader = {"bootstrap.servers": bootstrap, "group.id": "unused", "isolation.level": isolation_level, "log_level": 3}
    consumer = Consumer(reader | dict(settings or {}))
    try:
        found = {}
        for partition in partitions:
            bounds = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=timeout_seconds)
            if bounds is None:
                raise NotVisibleError(f"{topic}/{partition}: no offsets in {timeout_seconds} s")
            found[partition] = bounds
        return found
    finally:
        consumer.close()


def wait_until_visible(
    bootstrap: str, topic: str, partitions: int, *, settings: _Settings = None, timeout_seconds: float = 20.0
) -> None:
    """Until every broker of ``bootstrap`` that answers shows the topic with leaders for exactly so many partitions.

    :param partitions: 0 waits for the topic to be gone.
    :raises NotVisibleError: not within ``timeout_seconds``.
    """

    def visible() -> bool:
        # A client of its own for each address: its first request goes there and nowhere else.
        return all(_partitions_with_leader(address, topic, settings) == partitions for address in bootstrap.split(","))

    wait_until(visible, f"{topic} with {partitions} partitions", timeout_seconds)


def wait_until_stable(
    bootstrap: str,
    acknowledged: Iterable[Acknowledged],
    *,
    settings: _Settings = None,
    timeout_seconds: float = 20.0,
) -> None:
    """Until the last stable offset has passed all these messages.

    :raises NotVisibleError: an open transaction, these messages' or an earlier one, holds it back.
    """
    last: dict[tuple[str, int], int] = {}
    for each in acknowledged:
        place = each.topic, each.partition
        last[place] = max(each.offset, last.get(place, -1))

    def stable() -> bool:
        return all(
            offset_bounds(bootstrap, topic, [partition], settings=settings)[partition][1] > offset
            for (topic, partition), offset in last.items()
        )

    wait_until(stable, f"stable offsets behind {last}", timeout_seconds)


def _partitions_with_leader(address: str, topic: str, settings: _Settings) -> int:
    """-1 where the number is not to be had: not reachable, or a partition without a leader."""
    try:
        found = _admin(address, settings).list_topics(timeout=5.0).topics.get(topic)
    except KafkaException:
        return -1
    if found is None:
        return 0
    leaderless = any(each.leader < 0 for each in found.partitions.values())
    return -1 if found.error is not None or leaderless else len(found.partitions)


def _admin(bootstrap: str, settings: _Settings) -> AdminClient:
    return AdminClient({"log_level": 3} | dict(settings or {}) | {"bootstrap.servers": bootstrap})


def _result(futures: Mapping[str, Future[Any]], timeout_seconds: float) -> None:
    for future in futures.values():
        future.result(timeout_seconds)
