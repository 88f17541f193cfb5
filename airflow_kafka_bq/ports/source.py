"""A Source of messages."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from airflow_kafka_bq.batch import Bounds, Committed, GroupFacts, Polled, Position, Rights, TopicFacts


class Source(Protocol):
    """One topic and one consumer group of a Kafka cluster. Not thread-safe, except ``commit`` beside another call.

    Every call has a time limit and ends in ``KafkaUnavailableError`` when it runs out, ``AccessDeniedError`` when the
    cluster refuses the login or an ACL is missing.
    """

    def describe(self) -> TopicFacts:
        """Partitions and identity. :raises NotFoundError: no such topic (it is never created)."""

    def topic_id(self) -> str | None:
        """The topic's id now, also between two polls; None where none is told. :raises NotFoundError: no such topic."""

    def committed(self) -> Mapping[int, Committed]:
        """Committed positions of the group for this topic; partitions without one are left out."""

    def group(self) -> GroupFacts:
        """Members, and other topics that this group has positions for."""

    def bounds(self) -> Mapping[int, Bounds]:
        """Log start, last stable offset and high watermark of every partition (one admin call each)."""

    def offsets_at(self, time: datetime) -> Mapping[int, int]:
        """First offset whose timestamp is >= ``time``; the last stable offset where there is none."""

    def times_at(self, wanted: Mapping[int, int]) -> Mapping[int, int]:
        """Timestamp in ms of the message at each offset, or the next one, without fetching it, as the broker's index
        has it: where an earlier message has the same timestamp or a later one, that.

        Partitions that have none, or whose cluster keeps no index of times, are left out.
        """

    def retention_ms(self) -> int | None:
        """How long the topic keeps messages; -1 for ever, None where the cluster cannot tell."""

    def permitted(self, *others: str) -> Rights:
        """What this login may do with the topic, with ``others``, and with the group.

        A topic or group that it may not even describe is told with nothing; a topic that is not there with None.
        """

    def open(self, positions: Mapping[int, Position]) -> None:
        """Start fetching exactly these partitions at exactly these offsets. May be called again."""

    def poll(self, max_messages: int, timeout_seconds: float) -> Polled:
        """At most ``max_messages`` messages and the events that came with them; empty after the timeout.

        Raises what only the client's error callback tells: login and TLS at once.
        """

    def finish(self, partition: int) -> None:
        """Stop fetching a partition."""

    def fetch_positions(self) -> Mapping[int, int]:
        """Next offset that the client will ask for: moves also over control records and aborted messages."""

    def connection_error(self) -> str | None:
        """Latest connection trouble that the client rides out, since the last message; None when all is well."""

    def commit(self, positions: Mapping[int, Position], metadata: str) -> None:
        """Commit without joining the group; every partition's answer is checked.

        :raises KafkaUnavailableError: no answer in time; the commit may still be applied later.
        :raises GroupInUseError: the group has members. :raises AccessDeniedError: not allowed.
        """

    def delete_group(self) -> None:
        """Delete the group with all its positions, of every topic, unless there is none.

        :raises GroupInUseError: it has members. :raises AccessDeniedError: not allowed.
        :raises ConfigError: the cluster cannot.
        """

    def close(self) -> None:
        """Release everything within a time limit; never raises."""


class ShareChanged(Exception):  # a signal to the driver: plan anew
    """A rebalance took partitions away from a member that was reading them, or had read and not merged them."""


class MemberSource(Source, Protocol):
    """A source that is a member of its group: the group decides which partitions it may read.

    Until :meth:`join` it is as any source. From then on ``open`` takes partitions of its share only, ``poll`` raises
    ``ShareChanged`` when one of those that are open is taken away, and ``commit`` goes by the membership: partitions
    that are no longer its own are left out. The group is polled on by a thread of its own, with all partitions paused
    while nobody calls ``poll``.

    :raises PartitionsLostError: of each of these: the group has put the member out.
    """

    @property
    def eviction_seconds(self) -> float:
        """The longest that a member which does not poll stays in the group."""

    def join(self, positions: Mapping[int, Position]) -> None:
        """Subscribe. Where reading of a partition begins is said by these, later by ``open``, never by the group."""

    def share(self, timeout_seconds: float) -> frozenset[int]:
        """Partitions that are ours; waits for a rebalance to end. Empty where none are, or the time ran out."""

    def holding(self, partitions: frozenset[int]) -> AbstractContextManager[None]:
        """While inside, a rebalance that takes partitions away waits for us, within half of what the group allows.

        :raises ShareChanged: one of these partitions is not ours.
        """
