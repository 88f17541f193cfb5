"""A source that is a member of its consumer group."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from confluent_kafka import KafkaException, TopicPartition

from airflow_kafka_bq.batch import Polled, Position
from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.kafka import errors, offsets
from airflow_kafka_bq.kafka.clients import CLOSE_SECONDS, Clients
from airflow_kafka_bq.kafka.close import close_within
from airflow_kafka_bq.kafka.commits import Commits
from airflow_kafka_bq.kafka.evictions import Evictions
from airflow_kafka_bq.kafka.groups import LONGEST_METADATA_BYTES
from airflow_kafka_bq.kafka.member import Member
from airflow_kafka_bq.kafka.settings import IsolationLevel, is_incremental, seconds_of, without_membership
from airflow_kafka_bq.kafka.source import REQUEST_TIMEOUT_SECONDS, KafkaSource
from airflow_kafka_bq.kafka.standing import Standing

_REASON_SECONDS = 1.0  # the coordinator's refusal is often here before the client's own event, which says more
_PAUSE_SECONDS = 0.2


class KafkaMemberSource(KafkaSource):
    """``ports.MemberSource`` on librdkafka. What it has of a ``KafkaSource`` asks with clients that never join.

    :param settings: as of ``KafkaSource``; those of membership count here: ``group.protocol``,
        ``partition.assignment.strategy``, ``group.instance.id``, ``session.timeout.ms``, ``max.poll.interval.ms``.
    """

    def __init__(
        self,
        settings: Mapping[str, Any],
        topic: str,
        group_id: str,
        isolation_level: IsolationLevel = "read_committed",
        stall_timeout_seconds: float = 30.0,
        request_timeout_seconds: float = REQUEST_TIMEOUT_SECONDS,
        client_id: str = "kafka-bq",
    ) -> None:
        super().__init__(
            without_membership(settings), topic, group_id, isolation_level, stall_timeout_seconds,
            request_timeout_seconds, client_id,
        )  # fmt: skip
        poll, session = (seconds_of(settings, name) for name in ("max.poll.interval.ms", "session.timeout.ms"))
        self.eviction_seconds = max(poll, session)
        """As ``ports.MemberSource``."""
        self._timeout_seconds = request_timeout_seconds
        commits = Commits()
        self._joined = Clients(
            settings, topic=topic, group_id=group_id, isolation_level=isolation_level, client_id=client_id,
            stall_timeout_seconds=stall_timeout_seconds, on_commit=commits.answered,
        )  # fmt: skip
        self._joined.troubles = self._clients.troubles
        self._standing = Standing(topic, group_id, poll / 2)
        self._evictions = Evictions(self._standing, self._clients.troubles, session, topic, group_id)
        self._member = Member(
            self._joined, topic, self._standing, self._evictions, commits, incremental=is_incremental(settings)
        )

    def join(self, positions: Mapping[int, Position]) -> None:
        """As ``ports.MemberSource``."""
        self._member.start(positions)

    def share(self, timeout_seconds: float) -> frozenset[int]:
        """As ``ports.MemberSource``."""
        self._clients.troubles.raise_refusal()
        return self._standing.share(timeout_seconds)

    @contextmanager
    def holding(self, partitions: frozenset[int]) -> Iterator[None]:
        """As ``ports.MemberSource``; a rebalance that is under way is waited for as long as for any request."""
        with self._standing.holding(partitions, self._timeout_seconds):
            yield

    def open(self, positions: Mapping[int, Position]) -> None:
        """As ``ports.MemberSource``."""
        self._joined.positions.clear()
        self._open = dict(positions)
        self._member.place(positions)

    def poll(self, max_messages: int, timeout_seconds: float) -> Polled:
        """As ``ports.MemberSource``."""
        self._standing.require(self._open)
        found = self._member.ask(max_messages, timeout_seconds)
        if not found:
            self._clients.troubles.raise_refusal()
        return self._sorted(found)

    def finish(self, partition: int) -> None:
        """As ``ports.Source``."""
        if self._open.pop(partition, None) is not None:
            self._member.finish(partition)

    def fetch_positions(self) -> Mapping[int, int]:
        """As ``ports.Source``."""
        return self._joined.positions.of(self._open)

    def commit(self, positions: Mapping[int, Position], metadata: str) -> None:
        """As ``ports.MemberSource``. May run beside other calls.

        :raises PartitionsLostError: the coordinator does not know the member any more; nothing is committed.
        """
        if len(metadata.encode()) > LONGEST_METADATA_BYTES:
            raise ConfigError(f"commit metadata of {len(metadata.encode())} bytes, over {LONGEST_METADATA_BYTES}")
        deadline = time.monotonic() + self._timeout_seconds
        refused: KafkaException | None = None
        while (remaining := deadline - time.monotonic()) > 0:
            self._standing.check()
            wanted = self._of_ours(positions, metadata)
            try:
                return self._member.commit(wanted, remaining) if wanted else None
            except TimeoutError:
                break
            except KafkaException as failure:
                refused = failure
                self._judge(errors.kafka_error(failure), failure)
            time.sleep(min(_PAUSE_SECONDS, remaining))
        reason = None if refused is None else str(errors.kafka_error(refused).str())
        raise self._clients.troubles.out_of_time(self._doing(), self._timeout_seconds, reason).located(
            topic=self._topic, group_id=self._group_id
        )

    def close(self) -> None:
        """As ``ports.Source``: it leaves the group, within about five seconds."""
        close_within(self._member.stop, "the member of the group", CLOSE_SECONDS)
        super().close()

    def _of_ours(self, positions: Mapping[int, Position], metadata: str) -> list[TopicPartition]:
        """Of lost partitions nothing is committed: whoever has them now may be further on."""
        ours = self._standing.partitions
        return [
            offsets.placed(self._topic, partition, position, metadata)
            for partition, position in sorted(positions.items())
            if partition in ours
        ]

    def _judge(self, error: Any, failure: KafkaException) -> None:
        """Whether a refused commit may be tried again. :raises IngestError: it may not."""
        if self._evictions.refuses(error):
            if not self._standing.lost_within(_REASON_SECONDS):
                self._evictions.said(error)
            self._standing.check()
        if not self._evictions.passes(error):
            raise errors.gone(error, self._doing(), topic=self._topic, group_id=self._group_id) from failure

    def _doing(self) -> str:
        return f"committing of consumer group {self._group_id!r}"
