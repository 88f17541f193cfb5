"""What a topic is: partitions and identity."""

from __future__ import annotations

import time
from typing import Any

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import ConfigResource  # type: ignore[attr-defined]

from airflow_kafka_bq.batch import TopicFacts
from airflow_kafka_bq.exceptions import AccessDeniedError, IngestError, NotFoundError
from airflow_kafka_bq.kafka import errors
from airflow_kafka_bq.kafka.requests import LONGEST_SECONDS, Requests

_SLICE_SECONDS = 0.25  # a refused login is known to the callback only, so the waiting call is cut into slices
_SECOND_LOOK_SECONDS = 0.2  # a broker may not know yet of a topic that was created a moment ago
_NO_ID = "AAAAAAAAAAAAAAAAAAAAAA"


def describe(requests: Requests, topic: str, brokers: str, group_id: str) -> TopicFacts:
    """Partitions, topic id, cluster id.

    The topic id needs a cluster with a controller that tells (Kafka 2.8 or later); without, it is None and unchecked.

    :raises NotFoundError: no such topic, or it may not be seen.
    :raises KafkaUnavailableError: no answer, or a partition has no leader, until the time limit.
    """
    metadata = _metadata(requests, topic)
    if metadata is None:
        time.sleep(_SECOND_LOOK_SECONDS)
        metadata = _metadata(requests, topic)
    if metadata is None:
        raise NotFoundError(
            f"topic {topic!r} is not on the Kafka cluster at {brokers}, or this login may not describe it",
            topic=topic,
            group_id=group_id,
            remedy="check the topic's name and the cluster; with ACLs, the login needs READ and DESCRIBE on the topic",
        )
    # The mock cluster names a controller that is not there; asking it for topic ids would only end by time.
    found_id = topic_id(requests, topic) if metadata.controller_id in metadata.brokers else None
    return TopicFacts(
        topic=topic,
        partitions=tuple(sorted(metadata.topics[topic].partitions)),
        topic_id=found_id,
        cluster_id=metadata.cluster_id,
        unchecked=() if found_id else ("topic_id",),
    )


def _metadata(requests: Requests, topic: str) -> Any:
    """None: no such topic. The consumer asks, as the admin client could create the topic by asking."""

    def attempt(remaining: float) -> Any:
        metadata = requests.clients.consumer.list_topics(topic, timeout=remaining)
        found = metadata.topics.get(topic)
        if found is None or (found.error is not None and found.error.code() in _UNKNOWN):
            return None
        if found.error is not None:
            raise KafkaException(found.error)
        leaderless = sorted(number for number, each in found.partitions.items() if each.leader < 0)
        if leaderless:
            raise KafkaException(KafkaError(KafkaError.LEADER_NOT_AVAILABLE, f"partitions {leaderless} have no leader"))
        return metadata

    return requests.retried(f"looking at topic {topic!r}", attempt, _SLICE_SECONDS)


_UNKNOWN = (KafkaError.UNKNOWN_TOPIC_OR_PART, errors.UNKNOWN_TOPIC)
_NO_IDS = (errors.UNSUPPORTED_FEATURE, KafkaError.UNSUPPORTED_VERSION)


def topic_id(requests: Requests, topic: str) -> str | None:
    """As Kafka's tools print it; None where the brokers are too old to have one.

    :raises NotFoundError: no such topic.
    """
    try:
        (description,) = requests.admin(
            f"reading the id of topic {topic!r}",
            lambda admin: admin.describe_topics(TopicCollection([topic]), request_timeout=LONGEST_SECONDS).values(),
        )
    except IngestError as failure:
        if errors.code_behind(failure) in _NO_IDS:
            return None
        raise
    found = str(description.topic_id)
    return None if found == _NO_ID else found


def retention_ms(requests: Requests, topic: str) -> int | None:
    """How long the topic keeps messages; -1 for ever; None where the login may not read the topic's settings."""
    resource = ConfigResource(ConfigResource.Type.TOPIC, topic)
    try:
        (entries,) = requests.admin(
            f"reading the settings of topic {topic!r}",
            lambda admin: admin.describe_configs([resource], request_timeout=LONGEST_SECONDS).values(),
        )
    except AccessDeniedError:
        return None  # needs DESCRIBE_CONFIGS, which reading the topic does not
    retention, policy = (getattr(entries.get(name), "value", None) for name in ("retention.ms", "cleanup.policy"))
    if policy is not None and "delete" not in policy.split(","):
        return -1  # compacted alone: nothing goes because of its age
    return None if retention is None else int(retention)
