"""What the partitions of a topic hold, by admin requests: one for all partitions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from confluent_kafka import IsolationLevel, TopicPartition
from confluent_kafka.admin import OffsetSpec  # type: ignore[attr-defined]  # documented, but not in __all__

from airflow_kafka_bq.batch import Bounds, Position
from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.kafka import settings
from airflow_kafka_bq.kafka.requests import LONGEST_SECONDS, Requests

_LEVELS = {
    "read_committed": IsolationLevel.READ_COMMITTED,
    "read_uncommitted": IsolationLevel.READ_UNCOMMITTED,
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NONE = -1
_NO_EPOCH = -1
_SPEC: Any = OffsetSpec  # its methods carry no types


def placed(topic: str, partition: int, position: Position, metadata: str = "") -> TopicPartition:
    """A position in the client's words."""
    epoch = _NO_EPOCH if position.leader_epoch is None else position.leader_epoch
    return TopicPartition(topic, partition, position.next_offset, metadata, epoch)


def bounds(
    requests: Requests, topic: str, partitions: Sequence[int], isolation_level: settings.IsolationLevel
) -> dict[int, Bounds]:
    """Log start, end for readers of this isolation level, and high watermark.

    The three are asked for in this order, so that none is ahead of the next.
    """
    starts = _offsets(requests, topic, partitions, _SPEC.earliest(), "read_uncommitted")
    stable = _offsets(requests, topic, partitions, _SPEC.latest(), isolation_level)
    ends = stable
    if isolation_level == "read_committed":
        ends = _offsets(requests, topic, partitions, _SPEC.latest(), "read_uncommitted")
    return {each: Bounds(starts[each], stable[each], ends[each]) for each in partitions}


def offsets_at(
    requests: Requests,
    topic: str,
    partitions: Sequence[int],
    isolation_level: settings.IsolationLevel,
    time: datetime,
) -> dict[int, int]:
    """First offset whose timestamp is at or after ``time``; the end for readers where there is none.

    :raises ConfigError: the cluster cannot look offsets up by time.
    """
    asked = _SPEC.for_timestamp(max(0, _milliseconds(time)))
    found = _offsets(requests, topic, partitions, asked, isolation_level)
    known = bounds(requests, topic, partitions, isolation_level)
    if all(offset == _NONE for offset in found.values()):
        _require_times(requests, topic, known, isolation_level)
    return {
        each: known[each].last_stable if offset == _NONE else min(offset, known[each].last_stable)
        for each, offset in found.items()
    }


def _require_times(
    requests: Requests, topic: str, known: Mapping[int, Bounds], isolation_level: settings.IsolationLevel
) -> None:
    """A cluster without an index of times says "none" to every question, even to the first moment of all."""
    holding = [each for each, has in known.items() if has.log_start < has.last_stable]
    if not holding:
        return
    first = _offsets(requests, topic, holding, _SPEC.for_timestamp(0), isolation_level)
    if all(offset == _NONE for offset in first.values()):
        raise ConfigError(
            f"this Kafka cluster does not find offsets by time in topic {topic!r}",
            topic=topic,
            remedy="give offsets ({partition: offset}) instead of a time; librdkafka's mock cluster cannot do it",
        )


def answers(requests: Requests, topic: str, specs: Mapping[int, Any]) -> dict[int, tuple[int, int]]:
    """Offset and timestamp in ms for a question to each partition, whatever is committed or aborted."""
    if not specs:
        return {}
    wanted = {TopicPartition(topic, part): spec for part, spec in specs.items()}
    found = requests.admin(
        f"reading times of topic {topic!r}",
        lambda admin: admin.list_offsets(wanted, request_timeout=LONGEST_SECONDS).values(),
    )
    return {each.partition: (one.offset, one.timestamp) for each, one in zip(wanted, found, strict=True)}


def _offsets(
    requests: Requests,
    topic: str,
    partitions: Sequence[int],
    spec: OffsetSpec,
    isolation_level: settings.IsolationLevel,
) -> dict[int, int]:
    if not partitions:
        return {}
    wanted = {TopicPartition(topic, each): spec for each in partitions}
    answers = requests.admin(
        f"reading offsets of topic {topic!r}",
        lambda admin: admin.list_offsets(
            wanted, isolation_level=_LEVELS[isolation_level], request_timeout=LONGEST_SECONDS
        ).values(),
    )
    return {each.partition: answer.offset for each, answer in zip(wanted, answers, strict=True)}


def _milliseconds(time: datetime) -> int:
    """Rounded up: a message of the same millisecond but before ``time`` does not count."""
    return -((_EPOCH - time) // timedelta(milliseconds=1))
