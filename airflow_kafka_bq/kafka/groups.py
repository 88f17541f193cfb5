"""A consumer group seen from outside: positions, members, commits; never joined.

Positions are read with the consumer: the admin client's request for them ends the process (SIGSEGV) when the
coordinator answers NOT_COORDINATOR, as it does while coordinators move (librdkafka issue 5040).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaError, KafkaException, TopicPartition

from airflow_kafka_bq.batch import Committed, GroupFacts, GroupMember, Position
from airflow_kafka_bq.exceptions import ConfigError, GroupInUseError, IngestError, KafkaUnavailableError
from airflow_kafka_bq.kafka import errors, offsets
from airflow_kafka_bq.kafka.errors import Sort
from airflow_kafka_bq.kafka.requests import LONGEST_SECONDS, Requests

LONGEST_METADATA_BYTES = 4095
"""``offset.metadata.max.bytes`` of a broker, unless it was changed there, less the zero byte that the client adds."""

MOST_PARTITIONS = 50_000
"""Of a cluster, up to which it is asked whether the group has positions for other topics: about 1 MB each way."""

_CANNOT_DESCRIBE = (errors.UNSUPPORTED_FEATURE, KafkaError.UNSUPPORTED_VERSION)
_FIRST_SLICE_SECONDS = 0.5


class Group:
    """One consumer group, for one topic."""

    def __init__(self, requests: Requests, topic: str, group_id: str) -> None:
        self._requests = requests
        self._topic = topic
        self._group_id = group_id
        self._can_describe = True

    def committed(self, partitions: Sequence[int]) -> dict[int, Committed]:
        """Positions of the topic; partitions without one are left out."""
        found = self._positions([TopicPartition(self._topic, each) for each in partitions])
        return {each.partition: _committed(each) for each in found}

    def facts(self) -> GroupFacts:
        """Members, and other topics with positions. A group that does not exist has neither."""
        members = self._members()
        others = self._other_partitions()
        unchecked = () if self._can_describe else ("group_members",)
        if len(others) > MOST_PARTITIONS:
            return GroupFacts(members, (), (*unchecked, "group_topics"))
        topics = {each.topic for each in self._positions(others)}
        return GroupFacts(members, tuple(sorted(topics)), unchecked)

    def commit(self, positions: Mapping[int, Position], metadata: str) -> None:
        """Set positions as somebody who is no member; each partition's answer is looked at."""
        if len(metadata.encode()) > LONGEST_METADATA_BYTES:
            raise ConfigError(f"commit metadata of {len(metadata.encode())} bytes, over {LONGEST_METADATA_BYTES}")
        if not positions:
            return
        wanted = [
            offsets.placed(self._topic, partition, position, metadata)
            for partition, position in sorted(positions.items())
        ]
        try:
            self._requests.retried(self._doing("committing"), lambda remaining: self._alter(wanted, remaining))
        except GroupInUseError as refused:
            raise self._naming_members(refused) from refused.__cause__

    def delete(self) -> None:
        """Delete the group unless there is none. :raises GroupInUseError: it has members."""
        doing = self._doing("deletion")
        try:
            self._requests.admin(
                doing,
                lambda admin: admin.delete_consumer_groups([self._group_id], request_timeout=LONGEST_SECONDS).values(),
            )
        except GroupInUseError as refused:
            raise self._naming_members(refused) from refused.__cause__
        except IngestError as failure:
            code = errors.code_behind(failure)
            if code in _CANNOT_DESCRIBE:
                raise ConfigError(f"{doing}: this Kafka cluster cannot delete groups") from failure
            if code != KafkaError.GROUP_ID_NOT_FOUND:
                raise

    def _alter(self, wanted: Sequence[TopicPartition], remaining: float) -> None:
        request = ConsumerGroupTopicPartitions(self._group_id, list(wanted))
        (answer,) = self._requests.answers(
            lambda admin: admin.alter_consumer_group_offsets([request], request_timeout=LONGEST_SECONDS).values(),
            remaining,
        )
        # The request as a whole succeeds also when every partition in it was refused.
        refused = [(each, each.error) for each in answer.topic_partitions if each.error is not None]
        for partition, error in refused:
            if errors.sort(error) is not Sort.UNAVAILABLE:
                raise self._refusal(partition, error)
        if refused:
            raise KafkaException(refused[0][1])  # passing trouble: commit all of them again

    def _refusal(self, refused: TopicPartition, error: KafkaError) -> IngestError:
        context: dict[str, Any] = {"topic": self._topic, "partition": refused.partition, "group_id": self._group_id}
        return errors.gone(error, self._doing("committing"), **context)

    def _positions(self, partitions: Sequence[TopicPartition]) -> list[TopicPartition]:
        if not partitions:
            return []

        def attempt(remaining: float) -> list[TopicPartition]:
            found = self._requests.clients.consumer.committed(list(partitions), timeout=remaining)
            for each in found:
                if each.error is not None:
                    raise KafkaException(each.error)
            return [each for each in found if each.offset >= 0]

        return self._requests.retried(
            self._doing("reading positions"), attempt, _FIRST_SLICE_SECONDS, self._raise_if_denied
        )

    def _raise_if_denied(self) -> None:
        """A consumer that may not use its group is told nothing and waits; the admin client is told."""
        self._members(_FIRST_SLICE_SECONDS)

    def _other_partitions(self) -> list[TopicPartition]:
        """Of all topics that can be seen, but ours."""
        metadata = self._requests.retried(
            "listing topics",
            lambda remaining: self._requests.clients.consumer.list_topics(timeout=remaining),
            _FIRST_SLICE_SECONDS,
        )
        return [
            TopicPartition(name, partition)
            for name, each in metadata.topics.items()
            if name != self._topic
            for partition in each.partitions
        ]

    def _members(self, timeout_seconds: float | None = None) -> tuple[GroupMember, ...]:
        """:param timeout_seconds: answer nothing after that time, instead of failing after the usual one."""
        if not self._can_describe:
            return ()
        try:
            (group,) = self._requests.admin(
                self._doing("describing"),
                lambda admin: admin.describe_consumer_groups(
                    [self._group_id], request_timeout=LONGEST_SECONDS
                ).values(),
                timeout_seconds,
            )
        except IngestError as failure:
            code = errors.code_behind(failure)
            if code in _CANNOT_DESCRIBE:
                self._can_describe = False
            elif code != KafkaError.GROUP_ID_NOT_FOUND and (
                timeout_seconds is None or not isinstance(failure, KafkaUnavailableError)
            ):
                raise
            return ()
        return tuple(_member(each) for each in group.members)

    def _naming_members(self, refused: GroupInUseError) -> GroupInUseError:
        """Who is it? If that cannot be told, the refusal alone must do."""
        try:
            members = self._members()
        except IngestError:
            members = ()
        names = ", ".join(f"{each.client_id} at {each.host}" for each in members) or "not known"
        refused.message = f"{refused.message}; members of the group: {names}"
        return refused

    def _doing(self, what: str) -> str:
        return f"{what} of consumer group {self._group_id!r}"


def _member(found: Any) -> GroupMember:
    assigned = found.assignment.topic_partitions if found.assignment else ()
    return GroupMember(found.member_id, found.client_id, found.host, tuple(sorted({each.topic for each in assigned})))


def _committed(found: TopicPartition) -> Committed:
    # The client's type stub says int; a position that was committed without an epoch has None.
    epoch: int | None = found.leader_epoch
    return Committed(Position(found.offset, None if epoch is None or epoch < 0 else epoch), found.metadata or "")
